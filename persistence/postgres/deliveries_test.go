package postgres

import (
	"slices"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

func attempted(t *testing.T, a domain.Attempted) op {
	t.Helper()
	made, err := newAttempt("record attempt", a)
	require.NoError(t, err)
	return op{attempt: made}
}

func admitting(f domain.Fence, id string, lead domain.LeadID, to ...domain.EndpointID) op {
	e, d := owing(f, id, lead, noon, to...)
	return op{receive: &receiveOp{fence: f, event: e, key: keyOf(e)}, decide: &d}
}

// A batch put together by hand: each op gets the answer it would have got alone, in order, and the endpoint is as if
// they had come one by one.
func TestCommit_AnswersDependentAttemptsOfOneBatch(t *testing.T) {
	t.Parallel()
	s, f := fresh(t)
	line := []domain.Delivery{owe(t, s, f, "a-1", "l", noon, "crm")[0], owe(t, s, f, "a-2", "l", noon, "crm")[0], owe(t, s, f, "a-3", "l", noon, "crm")[0]}
	var others []domain.Delivery
	for _, id := range names(4) {
		others = append(others, owe(t, s, f, id, domain.LeadID(id), noon, "crm")[0])
	}
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	stale, old := arriving(f, others[0], at(9)), arriving(f, others[3], at(9))
	stale.Expect, old.Fence.Epoch = 7, f.Epoch-1
	disabling := failing(f, others[2], at(5))
	disabling.Disable = "410 Gone"
	late := failing(f, others[1], at(4))
	late.Disable = "5 days of failures"
	got, err := s.commit(t.Context(), []op{
		attempted(t, arriving(f, line[0], at(1))), // the next one is let go,
		attempted(t, arriving(f, line[1], at(2))), // tried, and lets go the third
		attempted(t, arriving(f, line[0], at(2))), // has ended above
		attempted(t, failing(f, others[0], at(3))),
		attempted(t, stale),
		attempted(t, disabling), // of those that disable, the first one says why
		attempted(t, late),
		attempted(t, old),
		admitting(f, "a-4", "l", "crm", "erp"),
	})
	require.NoError(t, err)
	var outcomes []string
	for _, r := range got {
		outcomes = append(outcomes, r.Outcome)
	}
	require.Equal(t, []string{"done", "done", "already_decided", "done", "stale", "done", "done", "", "done"}, outcomes)
	require.ErrorIs(t, got[7].Err, domain.ErrFenced)
	require.Equal(t, line[1].N, got[0].Value.attempted.Next)
	require.Equal(t, line[2].N, got[1].Value.attempted.Next)
	made := got[8].Value.decided.Announced[0].Deliveries
	require.True(t, made[0].Behind)
	require.False(t, made[1].Behind)
	require.Greater(t, made[1].N, made[0].N)
	require.Equal(t, at(2), deliveryOf(t, s, line[2].N).DueAt)
	state, err := s.EndpointState(t.Context(), line[0].Key())
	require.NoError(t, err)
	require.Equal(t, domain.EndpointState{
		Key: line[0].Key(), Revision: state.Revision, SucceededAt: at(2), FailingSince: at(3), DisabledAt: at(5), Reason: "410 Gone",
	}, state)
	requireLines(t, s)

	// Of one statement's attempts too: what succeeded after a failure ended it.
	_, err = s.commit(t.Context(), []op{attempted(t, failing(f, deliveryOf(t, s, others[0].N), at(10))), attempted(t, arriving(f, others[3], at(11)))})
	require.NoError(t, err)
	state, err = s.EndpointState(t.Context(), line[0].Key())
	require.NoError(t, err)
	require.Zero(t, state.FailingSince)
	require.Equal(t, at(11), state.SucceededAt)
}

// Two announcements of one decision owe to the same line, which nobody is in yet: the first one is the head.
func TestDecide_OwesALineInOrder(t *testing.T) {
	t.Parallel()
	s, f := fresh(t)
	e, d := owing(f, "a-1", "l", noon, "crm", "erp")
	second := d.Announce[0]
	second.ID, second.Owed = "a-2", slices.Clone(second.Owed[:1])
	d.Announce = append(d.Announce, second)
	got, err := s.Admit(t.Context(), f, e, d)
	require.NoError(t, err)
	first, next := got.Decided.Announced[0].Deliveries, got.Decided.Announced[1].Deliveries
	require.Len(t, first, 2)
	require.Len(t, next, 1)
	require.False(t, first[0].Behind || first[1].Behind)
	require.True(t, next[0].Behind)
	require.Greater(t, next[0].N, first[0].N)
	for _, d := range slices.Concat(first, next) {
		stored := deliveryOf(t, s, d.N)
		stored.Payload = nil
		require.Equal(t, stored, d)
	}
	requireLines(t, s)
}

// The connection breaks after the server has committed: what was owed and what was attempted is answered as it was
// written, and what somebody else has done is not taken for one's own.
func TestCommit_RecognisesItsOwnDeliveriesAfterALostAnswer(t *testing.T) {
	t.Parallel()
	var cut once
	s := open(t, pgtest.Fresh(t), Options{Fail: cut.fail, Clock: at(noon)})
	f := claim(t, s, "n", 7)[0]
	lose := func() { cut.arm(stepCommitted, 1) }

	lose()
	two := owe(t, s, f, "a-1", "l", noon, "erp", "crm")
	require.Equal(t, []domain.EndpointID{"erp", "crm"}, []domain.EndpointID{two[0].Endpoint, two[1].Endpoint})
	head := two[1]
	lose()
	behind := owe(t, s, f, "a-2", "l", noon, "crm")[0]
	require.True(t, behind.Behind)
	require.EqualValues(t, 3, count(t, s, `SELECT count(*) FROM pending_deliveries`))

	o := meeting(f, "h-1", "v-1", "p-ada")
	seen, err := s.Observe(t.Context(), o)
	require.NoError(t, err)
	j := judging(f, o, seen.Owed[0], 0)
	j.Announce[0].Owed = []domain.Owed{{Endpoint: "crm", Partition: 7}}
	lose()
	judged, err := s.Judge(t.Context(), j)
	require.NoError(t, err)
	require.Len(t, judged.Announced[0].Deliveries, 1)
	require.Positive(t, judged.Announced[0].Deliveries[0].N)

	lose()
	record(t, s, failing(f, head, noon))
	require.Equal(t, 1, deliveryOf(t, s, head.N).Attempts)
	again := deliveryOf(t, s, head.N)
	lose()
	require.Equal(t, behind.N, record(t, s, arriving(f, again, noon)).Next)

	for _, a := range []domain.Attempted{failing(f, head, noon), arriving(f, again, noon)} {
		lose()
		got, err := s.RecordAttempt(t.Context(), a)
		require.NoError(t, err)
		require.Equal(t, domain.AttemptRecorded{Outcome: domain.AlreadyDecided}, got)
	}
	failed := failing(f, two[0], noon)
	failed.Told = domain.Telling{From: domain.ToldWell, To: domain.ToldFailing}
	failed.Announce = []domain.Announcement{{ID: "told", Account: "acme", Type: domain.EndpointFailingEvent, Lead: "endpoint-erp", Payload: []byte(`{}`), At: noon,
		Owed: []domain.Owed{{Endpoint: "crm", Partition: 7}}}}
	lose()
	told := record(t, s, failed)
	require.Equal(t, domain.ToldFailing, told.Told)
	require.Len(t, told.Announced, 1)
	require.Positive(t, told.Announced[0].Deliveries[0].N)
	stale := failing(f, two[0], noon)
	stale.Expect = 9
	lose()
	got, err := s.RecordAttempt(t.Context(), stale)
	require.NoError(t, err)
	require.Equal(t, domain.Stale, got.Outcome)
	require.EqualValues(t, 3, count(t, s, `SELECT count(*) FROM receipts`))
}

// Most of a day is still owed to an endpoint that has been away for a month. The day stays, and what nobody needs goes
// from it; when its endpoint is back, the day can go.
func TestDays_ADayThatIsOwedStays(t *testing.T) {
	t.Parallel()
	s, f := fresh(t)
	var waits []domain.Delivery
	for _, id := range names(6) {
		two := owe(t, s, f, id, domain.LeadID(id), noon, "crm", "away")
		record(t, s, arriving(f, two[0], noon))
		record(t, s, failing(f, two[1], noon))
		waits = append(waits, deliveryOf(t, s, two[1].N))
		record(t, s, arriving(f, owe(t, s, f, "gone-"+id, "l-gone", noon, "crm")[0], noon))
	}
	later, keep := noon.AddDate(0, 0, 40), domain.Retention{BatchLimit: 5}
	all := func(now time.Time) (dropped []string) {
		for more := true; more; {
			got, err := s.Maintain(t.Context(), now, keep)
			require.NoError(t, err)
			for table, n := range got.Removed {
				require.LessOrEqual(t, n, int64(keep.BatchLimit), table)
			}
			dropped, more = append(dropped, got.Dropped...), got.More
		}
		return dropped
	}
	dropped := all(later)
	require.NotContains(t, dropped, "announcements_20261122")
	require.NotContains(t, dropped, "receipts_20261122")
	require.EqualValues(t, 6, count(t, s, `SELECT count(*) FROM announcements_20261122`))
	require.EqualValues(t, 6, count(t, s, `SELECT count(*) FROM receipts_20261122`))
	require.Zero(t, count(t, s, `SELECT count(*) FROM deliveries`))

	record(t, s, arriving(f, waits[0], later))
	dropped = all(later)
	require.NotContains(t, dropped, "announcements_20261122", "of what has just ended it is needed, too")
	for _, d := range waits[1:] {
		record(t, s, arriving(f, d, later))
	}
	one := owe(t, s, f, "last", "l-last", later, "crm")[0]
	dropped = all(later.AddDate(0, 0, 40))
	require.Contains(t, dropped, "announcements_20261122")
	require.Contains(t, dropped, "receipts_20261122")
	require.EqualValues(t, 1, count(t, s, `SELECT count(*) FROM announcements_default`))
	require.Zero(t, count(t, s, `SELECT count(*) FROM receipts`))
	require.JSONEq(t, `{"id":"last"}`, string(deliveryOf(t, s, one.N).Payload))
}
