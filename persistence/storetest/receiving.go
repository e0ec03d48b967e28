package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func receiving(t *testing.T, h Harness) {
	// A source sends an event again whenever it did not see our 200. The second time is answered like
	// the first, and does no work.
	t.Run("ARepeatIsADuplicate", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		receive(t, s, f, event("e-1", "ghl-ada"))
		again, err := s.Receive(t.Context(), f, event("e-1", "ghl-ada"))
		require.NoError(t, err)
		require.Equal(t, domain.Received{Duplicate: true}, again)
		require.Len(t, undecided(t, s, false), 1)
	})

	// An id is the source's own: another account or another source may use the same one.
	t.Run("TheKeyIsAccountSourceAndID", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		receive(t, s, f, e)
		other := e
		other.Account = "globex"
		receive(t, s, f, other)
		other = e
		other.Source = "stripe"
		receive(t, s, f, other)
		other = e
		other.ID = "E-1"
		receive(t, s, f, other)
	})

	// A retry storm: every event ten times, all at once. Exactly one of each is new.
	t.Run("OnceUnderARetryStorm", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		const times = 10
		ids := names("storm", 60)
		fresh := make([]atomic.Int32, len(ids))
		var wg sync.WaitGroup
		for range times {
			for i, id := range ids {
				wg.Go(func() {
					got, err := s.Receive(t.Context(), f, event(id, domain.LeadID("ghl-"+id)))
					if err == nil && !got.Duplicate {
						fresh[i].Add(1)
					}
				})
			}
		}
		wg.Wait()
		for i, id := range ids {
			require.EqualValues(t, 1, fresh[i].Load(), "event %s", id)
		}
		require.Len(t, undecided(t, s, false), len(ids))
	})

	// What concerns no lead is kept as evidence and for dedupe, and nobody has to decide it.
	t.Run("ARecordIsNeverPending", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "")
		e.Effect = domain.Record
		receive(t, s, f, e)
		require.Empty(t, undecided(t, s, false))
		again, err := s.Receive(t.Context(), f, e)
		require.NoError(t, err)
		require.True(t, again.Duplicate)
	})

	// After a crash the lead actor gets its events back from here: they have to say all that the
	// decision needs, exactly as it was, and not the body.
	t.Run("APendingEventComesBackWhole", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		e.WeakID, e.Effect, e.Type = true, domain.Amend, "ContactDelete"
		p := receive(t, s, f, e)
		bare := receive(t, s, f, domain.Event{
			Account: account, Source: source, ID: "e-2", Effect: domain.Open, Lead: "ghl-bob",
			Contact: []byte(`{}`), ReceivedAt: noon,
		})
		got := undecided(t, s, false)
		require.Len(t, got, 2)
		p.Event.Body = nil
		requirePending(t, p, got[0])
		requirePending(t, bare, got[1])
		require.True(t, got[1].Event.OccurredAt.IsZero(), "no time was sent, none comes back")
	})

	// Recovery lists what waits page by page, for the partitions its node has at the moment: each event
	// comes once and in order, those of others never.
	t.Run("UndecidedIsPaged", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		fences, err := s.Claim(t.Context(), node, []domain.Partition{3, 7, 250})
		require.NoError(t, err)
		want := map[bool][]int64{}
		for i, id := range names("e", 60) {
			f := fences[i%3]
			p := receive(t, s, f, event(id, domain.LeadID(id)))
			held := i%5 < 2
			if held {
				decide(t, s, settle(f, p, domain.Hold))
			}
			if f.Partition != 7 {
				want[held] = append(want[held], p.Seq)
			}
		}
		for _, held := range []bool{false, true} {
			var got []int64
			for after, full := int64(0), true; full; {
				page, err := s.Undecided(t.Context(), []domain.Partition{250, 3, 250}, held, after, 7)
				require.NoError(t, err)
				require.LessOrEqual(t, len(page), 7)
				for _, p := range page {
					require.Equal(t, held, p.Held)
					got, after = append(got, p.Seq), p.Seq
				}
				full = len(page) == 7
			}
			require.Equal(t, want[held], got, "held: %v", held)
			none, err := s.Undecided(t.Context(), nil, held, 0, 10)
			require.NoError(t, err)
			require.Empty(t, none, "no partitions, no events")
		}
	})

	// The gauge "oldest undecided event" must not count what waits for a buyer on purpose.
	t.Run("BacklogTellsHeldFromUndecided", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		none, err := s.Backlog(t.Context())
		require.NoError(t, err)
		require.Equal(t, domain.Backlog{}, none)
		for i, id := range names("e", 5) {
			e := event(id, domain.LeadID(id))
			e.ReceivedAt = noon.Add(time.Duration(i) * time.Second)
			p := receive(t, s, f, e)
			if i < 2 {
				decide(t, s, settle(f, p, domain.Hold))
			}
		}
		got, err := s.Backlog(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, got.Undecided)
		require.Equal(t, 2, got.Held)
		require.True(t, noon.Add(2*time.Second).Equal(got.OldestUndecided), "got %v", got.OldestUndecided)
		require.True(t, noon.Equal(got.OldestHeld), "got %v", got.OldestHeld)
	})

	// After a long outage, or a campaign without buyers, counting all of it would cost most when there is
	// most to do. The counts stop, the ages do not.
	t.Run("BacklogIsCountedSoFar", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{BacklogLimit: 4}).Store
		f := claim(t, s)
		for i, id := range names("e", 12) {
			e := event(id, domain.LeadID(id))
			e.ReceivedAt = noon.Add(time.Duration(i) * time.Second)
			p := receive(t, s, f, e)
			if i%2 == 0 {
				decide(t, s, settle(f, p, domain.Hold))
			}
			want := domain.Backlog{
				Undecided: min((i+1)/2, 4), Held: min(i/2+1, 4), OldestHeld: noon,
			}
			if want.Undecided > 0 {
				want.OldestUndecided = noon.Add(time.Second)
			}
			got, err := s.Backlog(t.Context())
			require.NoError(t, err)
			got.OldestHeld, got.OldestUndecided = got.OldestHeld.UTC(), got.OldestUndecided.UTC()
			require.Equal(t, want, got, "after %d events", i+1)
		}
	})
}

// requirePending compares with times as instants: a store may answer in another zone.
func requirePending(t *testing.T, want, got domain.Pending) {
	t.Helper()
	require.True(t, want.Event.OccurredAt.Equal(got.Event.OccurredAt), "OccurredAt %v, got %v", want.Event.OccurredAt, got.Event.OccurredAt)
	require.True(t, want.Event.ReceivedAt.Equal(got.Event.ReceivedAt), "ReceivedAt %v, got %v", want.Event.ReceivedAt, got.Event.ReceivedAt)
	want.Event.OccurredAt, want.Event.ReceivedAt = time.Time{}, time.Time{}
	got.Event.OccurredAt, got.Event.ReceivedAt = time.Time{}, time.Time{}
	require.JSONEq(t, string(want.Event.Contact), string(got.Event.Contact))
	want.Event.Contact, got.Event.Contact = nil, nil
	require.Equal(t, want, got)
}
