package storetest

import (
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

const day = 24 * time.Hour

func retention(t *testing.T, h Harness) {
	// Days later only what retention keeps is left, and a reader that comes back too late can tell.
	t.Run("OldFeedEventsGoAndTheFloorSaysSo", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		now := time.Now().UTC().Truncate(time.Millisecond)
		for i, id := range names("l", 6) {
			at := now
			if i >= 4 {
				at = now.Add(20 * day)
			}
			assignedAt(t, s, f, id, "bea", at)
		}
		maintain(t, s, now.Add(40*day), domain.Retention{})
		key := domain.BuyerKey{Account: account, Buyer: "bea"}
		heads, err := s.Heads(t.Context(), []domain.BuyerKey{key})
		require.NoError(t, err)
		require.Equal(t, []domain.Head{{Seq: 6, Floor: 4}}, heads)
		require.Len(t, feed(t, s, "bea"), 2)
		leads, err := s.BuyerLeads(t.Context(), key, 0, 100)
		require.NoError(t, err)
		require.Len(t, leads, 6, "leads stay far longer than what announced them")
		require.EqualValues(t, 6, count(t, s, "bea").Total)
	})

	// A feed that has been emptied goes on where it was: a sequence never comes twice.
	t.Run("AnEmptiedFeedGoesOn", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		now := time.Now().UTC().Truncate(time.Millisecond)
		for _, id := range names("l", 3) {
			assignedAt(t, s, f, id, "bea", now)
		}
		maintain(t, s, now.Add(40*day), domain.Retention{})
		require.Empty(t, feed(t, s, "bea"))
		require.EqualValues(t, 4, assignedAt(t, s, f, "next", "bea", now.Add(40*day)).Event.Seq)
	})

	// The body goes after a month, but a late repeat is still known for what it is.
	t.Run("KeysOutliveBodies", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		now := time.Now().UTC().Truncate(time.Millisecond)
		e := event("e-1", "ghl-ada")
		e.ReceivedAt = now
		receive(t, s, f, e)
		maintain(t, s, now.Add(60*day), domain.Retention{})
		again, err := s.Receive(t.Context(), f, e)
		require.NoError(t, err)
		require.True(t, again.Duplicate)
	})

	// What has not been decided yet is never too old: it is owed.
	t.Run("PendingEventsStay", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		now := time.Now().UTC().Truncate(time.Millisecond)
		e := event("e-1", "ghl-ada")
		e.ReceivedAt = now
		p := receive(t, s, f, e)
		maintain(t, s, now.Add(200*day), domain.Retention{})
		require.Len(t, undecided(t, s, false), 1)
		newer := event("e-2", "ghl-bob")
		newer.ReceivedAt = now.Add(200 * day)
		require.Greater(t, receive(t, s, f, newer).Seq, p.Seq, "numbers go on though everything before is gone")
		decide(t, s, assign(f, p, "bea"))
	})

	// A lead goes when it has not changed for long, whenever it began; one that waited goes with what
	// it waited with.
	t.Run("LeadsGoByTheirLastChange", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		now := time.Now().UTC().Truncate(time.Millisecond)
		assignedAt(t, s, f, "quiet", "bea", now)
		assignedAt(t, s, f, "busy", "bea", now)
		e := event("e-held", "ghl-held")
		e.ReceivedAt = now
		decide(t, s, settle(f, receive(t, s, f, e), domain.Hold))
		later := event("e-busy", "ghl-busy")
		later.ReceivedAt = now.Add(300 * day)
		d := settle(f, receive(t, s, f, later), domain.Update)
		d.Expect = 1
		decide(t, s, d)
		assignedAt(t, s, f, "late", "bea", now.Add(300*day))
		maintain(t, s, now.Add(500*day), domain.Retention{})
		for lead, there := range map[domain.LeadID]bool{"ghl-quiet": false, "ghl-busy": true, "ghl-held": false, "ghl-late": true} {
			_, err := s.Lead(t.Context(), domain.LeadKey{Account: account, Lead: lead})
			if there {
				require.NoError(t, err, lead)
			} else {
				require.Equal(t, domain.NotFound, domain.CodeOf(err), lead)
			}
		}
		require.Empty(t, undecided(t, s, true))
	})

	// Retention works in small bites and says when it is not done, so that it never stops the traffic.
	t.Run("ABoundedAmountPerCall", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		now := time.Now().UTC().Truncate(time.Millisecond)
		for _, id := range names("l", 25) {
			assignedAt(t, s, f, id, "bea", now)
		}
		keep := domain.Retention{BatchLimit: 10, Leads: 30 * day}
		m, err := s.Maintain(t.Context(), now.Add(40*day), keep)
		require.NoError(t, err)
		require.True(t, m.More)
		for table, n := range m.Removed {
			require.LessOrEqual(t, n, int64(10), table)
		}
		maintain(t, s, now.Add(40*day), keep)
		leads, err := s.BuyerLeads(t.Context(), domain.BuyerKey{Account: account, Buyer: "bea"}, 0, 100)
		require.NoError(t, err)
		require.Empty(t, leads)
	})

	// On an ordinary day there is nothing to remove, and nothing is.
	t.Run("WhatIsYoungStays", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		now := time.Now().UTC().Truncate(time.Millisecond)
		assignedAt(t, s, f, "ada", "bea", now)
		m, err := s.Maintain(t.Context(), now.Add(29*day), domain.Retention{})
		require.NoError(t, err)
		require.False(t, m.More)
		for table, n := range m.Removed {
			require.Zero(t, n, table)
		}
		require.Len(t, feed(t, s, "bea"), 1)
	})
}

func assignedAt(t *testing.T, s domain.Store, f domain.Fence, id string, buyer domain.BuyerID, at time.Time) domain.Decided {
	t.Helper()
	e := event("event-"+id, domain.LeadID("ghl-"+id))
	e.ReceivedAt, e.OccurredAt = at, at
	return decide(t, s, assign(f, receive(t, s, f, e), buyer))
}

// maintain calls until nothing more is to remove.
func maintain(t *testing.T, s domain.Store, now time.Time, keep domain.Retention) {
	t.Helper()
	for range 100 {
		m, err := s.Maintain(t.Context(), now, keep)
		require.NoError(t, err)
		if !m.More {
			return
		}
	}
	t.Fatal("retention never ends")
}
