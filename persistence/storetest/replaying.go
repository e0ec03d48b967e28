package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// replaying: what an endpoint missed is owed to it once more, some at a time.
func replaying(t *testing.T, h Harness) {
	// Counted first: each state, each span, and what they have in common.
	t.Run("FindsWhatTheFilterSays", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		all := manyDeliveries(t, s, claim(t, s))
		ended := domain.DeliveryStates()[1:]
		for _, states := range [][]domain.DeliveryState{ended[:1], ended[1:2], ended[2:3], ended[1:], {ended[3], ended[0]}, ended} {
			for _, span := range [][2]time.Time{
				{}, {noon.Add(5 * time.Second)}, {{}, noon.Add(17 * time.Second)}, {noon.Add(8 * time.Second), noon.Add(9 * time.Second)}, {noon.Add(day)},
			} {
				f := domain.ReplayFilter{States: states, Since: span[0], Until: span[1]}
				want := 0
				for _, d := range matching(all, domain.DeliveryFilter{Endpoint: crm, Since: f.Since, Until: f.Until}) {
					if slices.Contains(states, d.State) {
						want++
					}
				}
				require.Equal(t, want, countReplay(t, s, crm, f), "%+v", f)
			}
		}
		require.Zero(t, countReplay(t, s, "unknown", domain.ReplayFilter{States: ended}))
	})

	// They go by number, some in each commit, so that each lead's arrive in their order; and a bite that is asked for
	// twice is taken once.
	t.Run("OwesThemInOrder", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		var missed []domain.Delivery
		for i := range 5 {
			missed = append(missed, exhaust(t, s, f, fmt.Sprint("a-", i), domain.LeadID(fmt.Sprint("ghl-", i%2)), crm))
		}
		exhaust(t, s, f, "a-other", "ghl-0", warehouse)
		at := noon.Add(time.Hour)
		r := startReplay(t, s, crm, at)
		require.Equal(t, domain.Replay{
			N: r.N, Account: account, Endpoint: crm, Filter: domain.ReplayFilter{States: gaveUp}, State: domain.ReplayRunning, Expected: 5,
			Cursor: missed[0].N - 1, Upto: missed[4].N, MadeAt: at, By: "command line",
		}, r)
		require.Equal(t, "replay.start", entries(t, s, "")[0].Action)
		require.Empty(t, due(t, s, crm, at), "nothing is owed by beginning")

		began := r
		r = advance(t, s, r, 2, at)
		require.Equal(t, 2, r.Done)
		require.Equal(t, missed[1].N, r.Cursor)
		require.Equal(t, r, advance(t, s, began, 2, at.Add(time.Second)), "the answer was lost, and it is asked for again")
		s = in.Crash(t).Store
		f = claim(t, s)
		require.Equal(t, r, findReplay(t, s, r.N))
		for _, done := range []int{4, 5} {
			r = advance(t, s, r, 2, at)
			require.Equal(t, done, r.Done)
		}
		require.Equal(t, domain.ReplayDone, r.State)
		require.Equal(t, at, r.EndedAt)
		require.Equal(t, missed[4].N, r.Cursor)
		require.Equal(t, r, advance(t, s, r, 2, at), "what is done stays done")

		again := deliveries(t, s, domain.DeliveryFilter{Endpoint: crm, State: domain.DeliveryPending})
		slices.Reverse(again)
		require.Len(t, again, 5)
		for i, d := range again {
			want := domain.Delivery{
				N: d.N, Account: account, Endpoint: crm, Announcement: missed[i].Announcement, Event: missed[i].Event, Type: missed[i].Type, Lead: missed[i].Lead,
				Class: domain.ClassReplay, Replay: true, State: domain.DeliveryPending, Revision: 1, OwedAt: at, DueAt: at,
			}
			if i > 1 {
				want.Behind, want.DueAt = true, time.Time{}
			}
			require.Equal(t, want, d)
			require.Equal(t, d, delivery(t, s, d.N), "with its payload")
		}
		for i, d := range again { // each lets the next of its lead go
			next := int64(0)
			if i+2 < len(again) {
				next = again[i+2].N
			}
			require.Equal(t, next, record(t, s, arrives(f, delivery(t, s, d.N), at)).Next)
		}
		require.Zero(t, countReplay(t, s, crm, domain.ReplayFilter{States: gaveUp}), "they have arrived")
	})

	// An event's newest delivery counts: what arrived in the end, or is on its way, is not sent again, and what was
	// replayed in vain goes once.
	t.Run("AnEventGoesOnce", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		twice, arrived, waits := exhaust(t, s, f, "a-1", "ghl-1", crm), exhaust(t, s, f, "a-2", "ghl-2", crm), exhaust(t, s, f, "a-3", "ghl-3", crm)
		later := noon.Add(3 * time.Hour)
		again := func(d domain.Delivery) domain.Delivery {
			got, err := s.Replay(t.Context(), account, d.N, later, audit("delivery.replay"))
			require.NoError(t, err)
			return got
		}
		record(t, s, attempt(f, again(twice), later, domain.DeliveryExhausted, domain.ErrorStatus))
		record(t, s, arrives(f, again(arrived), later))
		again(waits)
		span := domain.ReplayFilter{States: gaveUp, Since: noon.Add(-time.Minute), Until: noon.Add(time.Hour)}
		require.Equal(t, 1, countReplay(t, s, crm, span), "of the span that the event was in")
		span.Since, span.Until = later, time.Time{}
		require.Zero(t, countReplay(t, s, crm, span), "and not of the one that it was replayed in")
		r := advance(t, s, startReplay(t, s, crm, later.Add(time.Hour)), 10, later.Add(time.Hour))
		require.Equal(t, 1, r.Done)
		pending := deliveries(t, s, domain.DeliveryFilter{State: domain.DeliveryPending})
		require.Equal(t, []domain.EventID{"a-1", "a-3"}, []domain.EventID{pending[0].Event, pending[1].Event})
	})

	// What is owed after it began is none of its business: neither news, nor what it owes itself.
	t.Run("ComesToAnEnd", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		for i := range 3 {
			exhaust(t, s, f, fmt.Sprint("a-", i), domain.LeadID(fmt.Sprint("ghl-", i)), crm)
		}
		r := startReplay(t, s, crm, noon.Add(time.Hour))
		exhaust(t, s, f, "a-late", "ghl-late", crm)
		for bites := 0; r.State == domain.ReplayRunning; bites++ {
			require.Less(t, bites, 5)
			r = advance(t, s, r, 1, noon.Add(time.Hour))
			for _, d := range deliveries(t, s, domain.DeliveryFilter{State: domain.DeliveryPending}) {
				record(t, s, attempt(f, d, noon.Add(time.Hour), domain.DeliveryExhausted, domain.ErrorStatus))
			}
		}
		require.Equal(t, 3, r.Done)
		require.Equal(t, 4, countReplay(t, s, crm, domain.ReplayFilter{States: gaveUp}))
	})

	// Whoever counts to the limit, and no further, still sends all of them.
	t.Run("MoreThanAreCounted", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{BacklogLimit: 3}).Store
		f := claim(t, s)
		for i := range 5 {
			exhaust(t, s, f, fmt.Sprint("a-", i), "ghl-ada", crm)
		}
		r := startReplay(t, s, crm, noon.Add(time.Hour))
		require.Equal(t, 3, r.Expected)
		r = advance(t, s, r, 10, noon.Add(time.Hour))
		require.Equal(t, 5, r.Done)
		require.Equal(t, domain.ReplayDone, r.State)
	})

	// Two nodes may think that an endpoint is theirs. Whoever is second finds the cursor moved.
	t.Run("TwoAtOnce", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		stores := []domain.Store{in.Store, in.Store}
		if in.Second != nil {
			stores[1] = in.Second(t).Store
		}
		f := claim(t, stores[0])
		for i := range 12 {
			exhaust(t, stores[0], f, fmt.Sprint("a-", i), domain.LeadID(fmt.Sprint("ghl-", i%3)), crm)
		}
		r := startReplay(t, stores[0], crm, noon.Add(time.Hour))
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				mine, err := r, error(nil)
				for bites := 0; err == nil && mine.State == domain.ReplayRunning && bites < 20; bites++ {
					mine, err = stores[i%2].AdvanceReplay(t.Context(), mine, 2, noon.Add(time.Hour))
				}
				if err != nil || mine.State != domain.ReplayDone {
					t.Errorf("%+v: %v", mine, err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 12, findReplay(t, stores[1], r.N).Done)
		events := map[domain.EventID]int{}
		for _, d := range deliveries(t, stores[1], domain.DeliveryFilter{State: domain.DeliveryPending}) {
			events[d.Event]++
		}
		require.Len(t, events, 12)
		require.Len(t, deliveries(t, stores[1], domain.DeliveryFilter{State: domain.DeliveryPending}), 12)
	})

	// One of an endpoint at a time; cancelled, it owes nothing more, and what it owed stays owed.
	t.Run("IsCancelled", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		for i := range 4 {
			exhaust(t, s, f, fmt.Sprint("a-", i), "ghl-ada", crm)
		}
		at := noon.Add(time.Hour)
		r := advance(t, s, startReplay(t, s, crm, at), 1, at)
		_, err := s.StartReplay(t.Context(), domain.Replay{Account: account, Endpoint: crm, Filter: r.Filter, MadeAt: at}, audit("replay.start"))
		require.Equal(t, domain.Conflict, domain.CodeOf(err), "%v", err)
		for _, n := range []int64{r.N, r.N + 1000} {
			_, err = s.CancelReplay(t.Context(), "globex", n, at, audit("replay.cancel"))
			require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
			_, err = s.FindReplay(t.Context(), "globex", n)
			require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
		}
		require.Len(t, entries(t, s, ""), 1, "what is refused is not in the audit")

		got, err := s.CancelReplay(t.Context(), account, r.N, at.Add(time.Minute), audit("replay.cancel"))
		require.NoError(t, err)
		require.Equal(t, "replay.cancel", entries(t, s, "")[0].Action)
		s = in.Crash(t).Store
		r.State, r.EndedAt = domain.ReplayCancelled, at.Add(time.Minute)
		require.Equal(t, r, got)
		require.Equal(t, r, advance(t, s, r, 10, at.Add(time.Hour)))
		require.Equal(t, r, findReplay(t, s, r.N))
		require.Len(t, due(t, s, crm, at), 1)
		_, err = s.CancelReplay(t.Context(), account, r.N, at, audit("replay.cancel"))
		require.Equal(t, domain.Conflict, domain.CodeOf(err), "%v", err)
		require.Equal(t, 3, startReplay(t, s, crm, at).Expected, "another goes on where it stopped")
	})

	// Nobody waits for a replay of nothing.
	t.Run("OfNothing", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		at := noon.Add(time.Hour)
		for range 2 {
			r := startReplay(t, s, "unknown", at)
			require.Equal(t, domain.ReplayDone, r.State)
			require.Zero(t, r.Expected)
			require.Equal(t, at, r.EndedAt)
		}
		for _, f := range []domain.ReplayFilter{
			{}, {States: []domain.DeliveryState{domain.DeliveryPending}}, {States: []domain.DeliveryState{"lost"}}, {States: append(gaveUp, gaveUp...)},
			{States: gaveUp, Since: noon, Until: noon},
		} {
			_, err := s.CountReplay(t.Context(), endpoint(crm), f)
			require.Equal(t, domain.Invalid, domain.CodeOf(err), "%v", err)
			_, err = s.StartReplay(t.Context(), domain.Replay{Account: account, Endpoint: crm, Filter: f, MadeAt: at}, audit("replay.start"))
			require.Equal(t, domain.Invalid, domain.CodeOf(err), "%v", err)
		}
	})

	// A node finds those of its partitions, with how many wait already; somebody who asks finds all of the account's.
	t.Run("AreListed", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		at := noon.Add(time.Hour)
		for _, to := range []domain.EndpointID{crm, warehouse} {
			exhaust(t, s, f, "a-"+string(to), "ghl-ada", to)
			exhaust(t, s, f, "b-"+string(to), "ghl-bob", to)
		}
		first := advance(t, s, startReplay(t, s, crm, at), 10, at)
		require.Equal(t, domain.ReplayDone, first.State)
		for _, d := range deliveries(t, s, domain.DeliveryFilter{Endpoint: crm, State: domain.DeliveryPending})[:1] {
			record(t, s, attempt(f, d, at, domain.DeliveryExhausted, domain.ErrorStatus))
		}
		second, third := startReplay(t, s, crm, at), startReplay(t, s, warehouse, at)
		running := func(after int64, limit int, partitions ...domain.Partition) (all []string) {
			got, err := s.Replaying(t.Context(), partitions, after, limit)
			require.NoError(t, err)
			for _, r := range got {
				require.Equal(t, findReplay(t, s, r.N), r.Replay)
				all = append(all, fmt.Sprintf("%d: %d wait", r.N, r.Waiting))
			}
			return all
		}
		require.Equal(t, []string{fmt.Sprint(second.N, ": 1 wait"), fmt.Sprint(third.N, ": 0 wait")}, running(0, 10, 3, 7))
		require.Equal(t, []string{fmt.Sprint(second.N, ": 1 wait")}, running(0, 1, 7))
		require.Equal(t, []string{fmt.Sprint(third.N, ": 0 wait")}, running(second.N, 10, 7))
		require.Empty(t, running(0, 10, 3))
		require.Empty(t, running(0, 10))

		list := func(of domain.EndpointID, before int64, limit int) (all []int64) {
			got, err := s.Replays(t.Context(), account, of, before, limit)
			require.NoError(t, err)
			for _, r := range got {
				require.Equal(t, findReplay(t, s, r.N), r)
				all = append(all, r.N)
			}
			return all
		}
		require.Equal(t, []int64{third.N, second.N, first.N}, list("", 0, 10))
		require.Equal(t, []int64{third.N, second.N}, list("", 0, 2))
		require.Equal(t, []int64{first.N}, list("", second.N, 2))
		require.Equal(t, []int64{second.N, first.N}, list(crm, 0, 10))
		others, err := s.Replays(t.Context(), "globex", "", 0, 10)
		require.NoError(t, err)
		require.Empty(t, others)
	})

	// It is told of as long as what it owed is.
	t.Run("Retention", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		now := time.Now().UTC().Truncate(time.Millisecond)
		ended := startReplay(t, s, "unknown", now)
		a := announcement("a-1", "ghl-ada")
		a.At, a.Owed = now.Add(50*day), owes(crm)
		record(t, s, attempt(f, announce(t, s, f, a)[0], a.At, domain.DeliveryExhausted, domain.ErrorStatus))
		runs := startReplay(t, s, crm, now)
		maintain(t, s, now.Add(20*day), domain.Retention{})
		findReplay(t, s, ended.N)
		maintain(t, s, now.Add(60*day), domain.Retention{})
		_, err := s.FindReplay(t.Context(), account, ended.N)
		require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
		require.Equal(t, domain.ReplayRunning, findReplay(t, s, runs.N).State)
	})
}

// gaveUp is the filter of whoever catches up.
var gaveUp = []domain.DeliveryState{domain.DeliveryExhausted} //nolint:gochecknoglobals // a constant

// exhaust owes something of a lead, and gives it up.
func exhaust(t *testing.T, s domain.Store, f domain.Fence, id string, lead domain.LeadID, to domain.EndpointID) domain.Delivery {
	t.Helper()
	d := oweOne(t, s, f, id, lead, to)
	record(t, s, attempt(f, delivery(t, s, d.N), noon, domain.DeliveryExhausted, domain.ErrorStatus))
	return delivery(t, s, d.N)
}

func countReplay(t *testing.T, s domain.Store, id domain.EndpointID, f domain.ReplayFilter) int {
	t.Helper()
	n, err := s.CountReplay(t.Context(), endpoint(id), f)
	require.NoError(t, err)
	return n
}

// startReplay begins one of all that was given up, and insists that it is counted.
func startReplay(t *testing.T, s domain.Store, id domain.EndpointID, at time.Time) domain.Replay {
	t.Helper()
	f := domain.ReplayFilter{States: gaveUp}
	r, err := s.StartReplay(t.Context(), domain.Replay{Account: account, Endpoint: id, Filter: f, MadeAt: at, By: "command line"}, audit("replay.start"))
	require.NoError(t, err)
	require.Equal(t, countReplay(t, s, id, f), r.Expected)
	require.Equal(t, r, findReplay(t, s, r.N))
	return r
}

func advance(t *testing.T, s domain.Store, r domain.Replay, limit int, at time.Time) domain.Replay {
	t.Helper()
	got, err := s.AdvanceReplay(t.Context(), r, limit, at)
	require.NoError(t, err)
	return got
}

func findReplay(t *testing.T, s domain.Store, n int64) domain.Replay {
	t.Helper()
	r, err := s.FindReplay(t.Context(), account, n)
	require.NoError(t, err)
	return r
}
