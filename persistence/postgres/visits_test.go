package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

func pageView(id string, v domain.VisitorID, when time.Time) domain.Hit {
	return domain.Hit{Account: "acme", Pixel: "shop", Visitor: v, ID: domain.EventID(id), Type: domain.PageView,
		Page: domain.Page{URL: "https://shop.example/pricing", Path: "/pricing"}, Body: []byte(`{"id":"` + id + `"}`), ReceivedAt: when}
}

// meeting is a first hit of a visitor who turns out to be person.
func meeting(f domain.Fence, id string, v domain.VisitorID, person domain.PersonID) domain.Observation {
	return meetingAt(f, id, v, person, noon)
}

func meetingAt(f domain.Fence, id string, v domain.VisitorID, person domain.PersonID, when time.Time) domain.Observation {
	match := domain.Match{Level: domain.PersonMatch, By: domain.KeySHA256, From: "identify"}
	return domain.Observation{
		Fence: f, Hits: []domain.Hit{pageView(id, v, when)},
		Visit: domain.Visit{Account: "acme", Visitor: v, Pixel: "shop", Session: "s", Number: 1, StartedAt: when, LastAt: when, Views: 1, Person: person, Match: match},
		Learn: []domain.Link{{Account: "acme", Key: domain.Key{Kind: domain.KeyVisitor, Value: string(v)}, Person: person, From: "identify", At: when}},
		Owed: []domain.Sighting{{Partition: f.Partition, Account: "acme", Lead: domain.LeadOfPerson(person), Pixel: "shop", Person: person, Match: match,
			EventID: domain.EventID(id), Type: domain.PageView, ReceivedAt: when, MatchedAt: when, DueAt: when}},
	}
}

// burst is a next step of the visitor with several hits, each of which owes a sighting.
func burst(f domain.Fence, v domain.VisitorID, person domain.PersonID, expect int64, ids ...string) domain.Observation {
	o := meeting(f, ids[0], v, person)
	o.Expect = expect
	for _, id := range ids[1:] {
		more := meeting(f, id, v, person)
		o.Hits, o.Owed = append(o.Hits, more.Hits...), append(o.Owed, more.Owed...)
	}
	return o
}

func judging(f domain.Fence, o domain.Observation, n, expect int64) domain.Judgement {
	owed := o.Owed[0]
	return domain.Judgement{
		Fence: f, Lead: owed.Key(), Settle: []int64{n}, Expect: expect,
		After: domain.Acquaintance{Account: "acme", Lead: owed.Lead, Person: owed.Person, LastAt: owed.MatchedAt, Sightings: expect + 1},
		Announce: []domain.Announcement{{ID: "a-" + owed.EventID, Account: "acme", Type: domain.VisitorIdentifiedEvent, Lead: owed.Lead, Pixel: "shop",
			Payload: json.RawMessage(`{}`), At: owed.MatchedAt}},
	}
}

// The connection breaks after the server has committed: observation, judgement and announcement are answered
// once, as they were written.
func TestCommit_RecognisesItsOwnVisitsAfterALostAnswer(t *testing.T) {
	t.Parallel()
	var cut once
	s := open(t, pgtest.Fresh(t), Options{Fail: cut.fail, Clock: at(noon)})
	f := claim(t, s, "n", 7)[0]
	lose := func() { cut.arm(stepCommitted, 1) }

	lose()
	o := meeting(f, "h-1", "v-1", "p-ada")
	first, err := s.Observe(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, domain.Done, first.Outcome)
	visit, err := s.Visit(t.Context(), o.Visit.Key())
	require.NoError(t, err)
	require.Equal(t, visit, first.Visit)
	require.Equal(t, []int64{visit.EventSeq}, first.Seqs)
	owed, err := s.Owed(t.Context(), []domain.Partition{7}, noon, 0, 10)
	require.NoError(t, err)
	require.Equal(t, []int64{owed[0].N}, first.Owed)
	links, err := s.Links(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Equal(t, links, first.Links)

	lose()
	j := judging(f, o, first.Owed[0], 0)
	judged, err := s.Judge(t.Context(), j)
	require.NoError(t, err)
	require.Equal(t, domain.Done, judged.Outcome)
	require.EqualValues(t, 1, judged.Acquaintance.Revision)
	said, err := s.Announcements(t.Context(), "acme", 0, 10)
	require.NoError(t, err)
	require.Equal(t, said, judged.Announced)
	require.Len(t, said, 1)

	lose()
	late := o // an answer of the slow tier: there is no event to be known by
	late.Hits, late.Expect, late.Learn, late.Owed = nil, 1, nil, nil
	got, err := s.Observe(t.Context(), late)
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
	require.EqualValues(t, 2, got.Visit.Revision)
	require.Equal(t, first.Seqs[0], got.Visit.EventSeq)

	lose()
	many := burst(f, "v-1", "p-ada", 2, "h-2", "h-3", "h-4")
	together, err := s.Observe(t.Context(), many)
	require.NoError(t, err)
	require.Equal(t, domain.Done, together.Outcome)
	require.IsIncreasing(t, together.Seqs)
	require.Equal(t, together.Seqs[2], together.Visit.EventSeq)
	owed, err = s.Owed(t.Context(), []domain.Partition{7}, noon, 0, 10)
	require.NoError(t, err)
	require.Len(t, owed, 3)
	for i := range owed {
		require.Equal(t, owed[i].N, together.Owed[i])
		require.Equal(t, owed[i].EventSeq, together.Seqs[i])
	}

	lose()
	learned, err := s.Learn(t.Context(), domain.Lesson{Links: o.Learn})
	require.NoError(t, err)
	require.Equal(t, domain.Learned{Outcome: domain.Done, Links: links}, learned)

	lose() // what somebody else has done is not taken for one's own
	again, err := s.Observe(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, domain.Duplicated, again.Outcome)
	lose()
	stale, err := s.Observe(t.Context(), late)
	require.NoError(t, err)
	require.Equal(t, domain.Stale, stale.Outcome)
	lose()
	settled, err := s.Judge(t.Context(), j)
	require.NoError(t, err)
	require.Equal(t, domain.AlreadyDecided, settled.Outcome)
	require.EqualValues(t, 1, count(t, s, `SELECT count(*) FROM announcements`))
}

// Another node keeps one of the hits, for another visitor, between the look at the keys and the taking of them.
// The step is a duplicate then, and the keys that it took before it noticed are free again.
func TestObserve_GivesBackWhatItTookBesideALostKey(t *testing.T) {
	t.Parallel()
	url := pgtest.Fresh(t)
	s := open(t, url, Options{Clock: at(noon)})
	f := claim(t, s, "n", 7)[0]
	other, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = other.Close(context.WithoutCancel(t.Context())) })
	o := burst(f, "v-1", "p-ada", 0, "h-1", "h-2", "h-3")
	made, err := newObservation("observe", o)
	require.NoError(t, err)
	tx, err := other.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `INSERT INTO event_keys (key, seq, received_at) VALUES ($1, 0, now())`, made.keys[1])
	require.NoError(t, err)
	var got domain.Observed
	done := make(chan error, 1)
	go func() { var err error; got, err = s.Observe(t.Context(), o); done <- err }()
	require.Eventually(t, func() bool {
		return count(t, s, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'transactionid'`) > 0
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-done)
	require.Equal(t, domain.Duplicated, got.Outcome)
	require.Equal(t, []bool{false, true, false}, got.Known)
	for _, table := range []string{"events", "visits", "sightings", "links"} {
		require.Zero(t, count(t, s, `SELECT count(*) FROM `+table), table)
	}
	require.EqualValues(t, 1, count(t, s, `SELECT count(*) FROM event_keys`), "the other's")
	o.Hits = []domain.Hit{o.Hits[0], o.Hits[2]}
	got, err = s.Observe(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
}

// A batch put together by hand: each op gets the answer it would have got alone, in order.
func TestCommit_AnswersDependentVisitsOfOneBatch(t *testing.T) {
	t.Parallel()
	s, f := fresh(t)
	observed := func(o domain.Observation) op {
		made, err := newObservation("observe", o)
		require.NoError(t, err)
		return opOf(made)
	}
	next := func(id string, expect int64) domain.Observation {
		o := meeting(f, id, "v-1", "p-ada")
		o.Expect = expect
		return o
	}
	ops := []op{observed(next("h-1", 0)), observed(next("h-2", 1)), observed(next("h-2", 2)), observed(next("h-3", 1)), observed(meeting(f, "h-1", "v-2", "p-bob")),
		observed(meeting(f, "h-4", "v-2", "p-bob"))}
	got, err := s.commit(t.Context(), ops)
	require.NoError(t, err)
	var outcomes []string
	for _, r := range got {
		outcomes = append(outcomes, r.Outcome)
	}
	require.Equal(t, []string{"done", "done", "duplicate", "stale", "duplicate", "done"}, outcomes)
	require.EqualValues(t, 2, got[3].Value.observed.Visit.Revision)
	require.Equal(t, got[0].Value.observed.Links, got[1].Value.observed.Links, "learned once")

	judge := func(id string, n, expect int64) op {
		made, err := newJudgement("judge", judging(f, next(id, 0), n, expect))
		require.NoError(t, err)
		return opOfJudgement(made)
	}
	first, second := got[0].Value.observed.Owed[0], got[1].Value.observed.Owed[0]
	got, err = s.commit(t.Context(), []op{judge("h-1", first, 0), judge("h-1", first, 1), judge("h-2", second, 0), judge("h-2", second, 1)})
	require.NoError(t, err)
	outcomes = nil
	for _, r := range got {
		outcomes = append(outcomes, r.Outcome)
	}
	require.Equal(t, []string{"done", "already_decided", "stale", "done"}, outcomes)
	require.EqualValues(t, 1, got[2].Value.judged.Acquaintance.Revision)
	require.EqualValues(t, 2, got[3].Value.judged.Announced[0].Seq)
}

// Suppress returns while two nodes observe and judge at full rate. Nothing that was matched before it gets in
// after it: whoever is told "done" carried the new revision, or was committed before.
func TestStore_NothingMatchedBeforeASuppressionIsCommittedAfterIt(t *testing.T) {
	t.Parallel()
	url := pgtest.Fresh(t)
	s, other := open(t, url, Options{}), open(t, url, Options{})
	f := claim(t, s, "node", 1, 2)
	var basis atomic.Int64 // what the lanes know
	var stop atomic.Bool
	var wg sync.WaitGroup
	for n, s := range []*Store{s, other} {
		for c := range 4 {
			wg.Go(func() {
				for i := 0; !stop.Load(); i++ {
					o := meeting(f[n], fmt.Sprintf("h-%d-%d-%d", n, c, i), domain.VisitorID(fmt.Sprintf("v-%d-%d-%d", n, c, i)), "p-ada")
					o.Basis, o.Learn = basis.Load(), nil
					got, err := s.Observe(t.Context(), o)
					if err != nil {
						t.Error(err)
						return
					}
					if got.Outcome == domain.Done && got.Basis != o.Basis {
						t.Errorf("done under %d, in force is %d", o.Basis, got.Basis)
					}
				}
			})
		}
	}
	for i := range 20 {
		revision, err := s.Suppress(t.Context(), []domain.Suppression{{ID: fmt.Sprint("s-", i)}}, nil, domain.AuditEntry{})
		require.NoError(t, err)
		last := count(t, s, `SELECT coalesce(max(n), 0) FROM sightings`) // every commit that is still to come begins after this
		old := meeting(f[0], fmt.Sprint("old-", i), domain.VisitorID(fmt.Sprint("old-", i)), "p-ada")
		old.Basis = revision - 1
		got, err := other.Observe(t.Context(), old)
		require.NoError(t, err)
		require.Equal(t, domain.Outdated, got.Outcome)
		learned, err := other.Learn(t.Context(), domain.Lesson{Basis: revision - 1, Links: old.Learn})
		require.NoError(t, err)
		require.Equal(t, domain.Outdated, learned.Outcome)
		require.Equal(t, last, count(t, s, `SELECT coalesce(max(n), 0) FROM sightings`), "the lanes know only the older revision")
		basis.Store(revision)
		require.Eventually(t, func() bool { return count(t, s, `SELECT coalesce(max(n), 0) FROM sightings`) > last }, 10*time.Second, time.Millisecond)
	}
	stop.Store(true)
	wg.Wait()
}

// Three nodes observe the same visitors, judge the same leads, learn the same keys and decide the same events,
// while people are suppressed and erased beside them. Nobody deadlocks, and numbers have no gap.
func TestStore_NodesDoNotDeadlockOverVisits(t *testing.T) {
	t.Parallel()
	const nodes, callers, rounds, people = 3, 12, 30, 40
	url := pgtest.Fresh(t)
	var stores []*Store
	for range nodes {
		stores = append(stores, open(t, url, Options{}))
	}
	parts := make([]domain.Partition, 8)
	for i := range parts {
		parts[i] = domain.Partition(i)
	}
	fences := claim(t, stores[0], "all", parts...)
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	for n, s := range stores {
		for c := range callers {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(n), uint64(c)))
				for range rounds {
					err := visitOnce(t, s, fences, random, people)
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			})
		}
	}
	for i := range 10 {
		who := fmt.Sprint(i)
		_, err := stores[0].Erase(t.Context(), domain.Erasure{Account: "acme", Visitors: []domain.VisitorID{domain.VisitorID("v-" + who)},
			Persons: []domain.PersonID{domain.PersonID("p-" + who)}, Leads: []domain.LeadID{domain.LeadOfPerson(domain.PersonID("p-" + who)), domain.LeadID("ghl-e-" + who)},
			Suppress: []domain.Suppression{{ID: who}}, Audit: domain.AuditEntry{Action: "erase"}})
		require.NoError(t, err)
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	for i, s := range stores {
		require.Zero(t, value(t, s.metrics.retries.WithLabelValues(retryRollback)), "deadlocks and the like on node %d", i)
		require.Zero(t, value(t, s.metrics.lost), "connections lost by node %d", i)
	}
	require.Zero(t, count(t, stores[0], `SELECT count(*) FROM heads h WHERE account <> '' AND head < (SELECT coalesce(max(seq), 0) FROM announcements a WHERE a.account = h.account)`))
	require.Equal(t, count(t, stores[0], `SELECT count(*) FROM links`), count(t, stores[0], `SELECT count(DISTINCT seq) FROM links`))
	requireGapless(t, stores[0])
}

// visitOnce lets somebody come by, judges what is owed, teaches a link and decides a lead.
func visitOnce(t *testing.T, s *Store, fences []domain.Fence, random *rand.Rand, people int) error {
	who := random.IntN(people)
	f := fences[who%len(fences)]
	o := meeting(f, fmt.Sprint("h-", random.IntN(1000)), domain.VisitorID(fmt.Sprint("v-", who)), domain.PersonID(fmt.Sprint("p-", who)))
	o.Learn = append(o.Learn, domain.Link{Account: "acme", Key: domain.Key{Kind: domain.KeyClick, Value: fmt.Sprint(random.IntN(5))}, Person: o.Visit.Person, At: noon})
	for range 20 {
		var err error
		got, err := s.Observe(t.Context(), o)
		if err != nil {
			return err
		}
		if o.Basis, o.Expect = got.Basis, got.Visit.Revision; got.Outcome == domain.Done {
			if err := judgeOnce(t, s, f, o, got); err != nil {
				return err
			}
		}
		if got.Outcome == domain.Done || got.Outcome == domain.Duplicated {
			break
		}
	}
	if _, err := s.Learn(t.Context(), domain.Lesson{Basis: o.Basis, Links: []domain.Link{{Account: "acme", Key: domain.Key{Kind: domain.KeyPhone, Value: fmt.Sprint(random.IntN(9))}, Person: o.Visit.Person, At: noon}}}); err != nil {
		return err
	}
	e := event(fmt.Sprint("e-", who))
	d := deciding(f, 0, e, domain.Assign)
	d.Announce = judging(f, o, 0, 0).Announce
	_, err := s.Admit(t.Context(), f, e, d)
	return err
}

func judgeOnce(t *testing.T, s *Store, f domain.Fence, o domain.Observation, seen domain.Observed) error {
	j := judging(f, o, seen.Owed[0], 0)
	for range 20 {
		j.Basis = o.Basis
		got, err := s.Judge(t.Context(), j)
		if err != nil || got.Outcome == domain.Done || got.Outcome == domain.AlreadyDecided {
			return err
		}
		if o.Basis = got.Basis; got.Outcome == domain.Stale {
			j.Expect = got.Acquaintance.Revision
		}
	}
	return nil
}
