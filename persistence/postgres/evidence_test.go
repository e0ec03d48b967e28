package postgres

import (
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

// The connection breaks after the server has committed and before it could say so. The caller still
// gets the answer of the commit that happened: nothing is told twice, nothing is told wrongly.
func TestCommit_RecognisesItsOwnRowsAfterALostAnswer(t *testing.T) {
	t.Parallel()
	var cut once
	s := open(t, pgtest.Fresh(t), Options{Fail: cut.fail, Clock: at(noon)})
	f := claim(t, s, "n", 7)[0]
	lose := func() { cut.arm(stepCommitted, 1) }

	lose()
	e := event("e-1")
	seq := receive(t, s, f, e) // insists on "new"
	lose()
	decided, err := s.Decide(t.Context(), deciding(f, seq, e, domain.Assign))
	require.NoError(t, err)
	require.Equal(t, domain.Done, decided.Outcome)
	require.EqualValues(t, 1, decided.Event.Seq)
	require.Equal(t, 1, decided.Count)
	require.Equal(t, today, decided.Day)
	stored, err := s.Feed(t.Context(), domain.BuyerKey{Account: "acme", Buyer: "bob"}, 0, 10)
	require.NoError(t, err)
	decided.Event.CommittedAt = time.Time{}
	require.Equal(t, stored, []domain.FeedEvent{decided.Event})
	lead, err := s.Lead(t.Context(), domain.LeadKey{Account: "acme", Lead: e.Lead})
	require.NoError(t, err)
	require.Equal(t, lead, decided.Lead)

	later := event("e-2")
	later.Lead = e.Lead
	update := deciding(f, receive(t, s, f, later), later, domain.Update)
	update.Expect = 1
	lose()
	decided, err = s.Decide(t.Context(), update)
	require.NoError(t, err)
	require.Equal(t, domain.Done, decided.Outcome)
	require.EqualValues(t, 2, decided.Event.Seq)
	require.Equal(t, domain.LeadUpdated, decided.Event.Type)

	lose()
	seen := []domain.Seen{{Account: "acme", Buyer: "bob", Seq: 1, ReportedAt: noon}, {Account: "acme", Buyer: "bob", Seq: 2, ReportedAt: noon}}
	n, err := s.RecordSeen(t.Context(), seen)
	require.NoError(t, err)
	require.Equal(t, 2, n)

	waiting := event("e-3")
	hold := deciding(f, receive(t, s, f, waiting), waiting, domain.Hold)
	lose()
	decided, err = s.Decide(t.Context(), hold)
	require.NoError(t, err)
	require.Equal(t, domain.Done, decided.Outcome)
	require.Equal(t, domain.Waiting, decided.Lead.State)

	gone := event("e-4")
	ignore := deciding(f, receive(t, s, f, gone), gone, domain.Ignore)
	lose()
	decided, err = s.Decide(t.Context(), ignore)
	require.NoError(t, err)
	require.Equal(t, domain.Done, decided.Outcome)
	requireGapless(t, s)
}

// What another has written is not taken for one's own: the retry of a commit that was undone finds the
// repeat, the settled event and the mark of somebody else, and says so.
func TestCommit_DoesNotClaimTheRowsOfOthers(t *testing.T) {
	t.Parallel()
	var cut once
	url := pgtest.Fresh(t)
	s, other := open(t, url, Options{Fail: cut.fail}), open(t, url, Options{})
	f := claim(t, s, "n", 7)[0]
	e := event("e-1")
	first := assigned(t, other, f, "e-1")
	for _, step := range []string{stepBegin, stepLocked, stepReceived, stepDecided, stepSeen, stepCommitted} {
		cut.arm(step, 1)
		got, err := s.Receive(t.Context(), f, e)
		require.NoError(t, err)
		require.Equal(t, domain.Received{Duplicate: true}, got, "cut at %s", step)
		cut.arm(step, 1)
		decided, err := s.Decide(t.Context(), deciding(f, first.Event.DecidedAt.Unix(), e, domain.Assign))
		require.NoError(t, err)
		require.Equal(t, domain.AlreadyDecided, decided.Outcome, "cut at %s", step)
	}
	require.EqualValues(t, 1, count(t, s, `SELECT count(*) FROM feed_events`))
}

// A commit that stands, of a node that has lost the partition before it could look again, is answered
// "fenced": the node stops, and the new owner goes on from what is stored.
func TestCommit_IsFencedWhenThePartitionMovedBeforeTheRetry(t *testing.T) {
	t.Parallel()
	url := pgtest.Fresh(t)
	second := open(t, url, Options{})
	s := open(t, url, Options{Fail: func() func(string) error {
		done := false
		return func(step string) error { // asked by one commit at a time
			if step != stepCommitted || done {
				return nil
			}
			done = true
			_, err := second.Claim(t.Context(), "new", []domain.Partition{7})
			require.NoError(t, err)
			return errDown
		}
	}()})
	f := claim(t, s, "old", 7)[0]
	_, err := s.Receive(t.Context(), f, event("e-1"))
	require.ErrorIs(t, err, domain.ErrFenced)
	pending, err := second.Undecided(t.Context(), []domain.Partition{7}, false, 0, 10)
	require.NoError(t, err)
	require.Len(t, pending, 1)
}
