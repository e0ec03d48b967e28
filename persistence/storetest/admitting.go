package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// admit keeps e and tries d with it, and insists that the event was new.
func admit(t *testing.T, s domain.Store, e domain.Event, d domain.Decision) domain.Admitted {
	t.Helper()
	got, err := s.Admit(t.Context(), d.Fence, e, d)
	require.NoError(t, err)
	require.False(t, got.Received.Duplicate, "event %s is new", e.ID)
	require.Positive(t, got.Received.Seq)
	return got
}

// riding is a decision for an event that is not kept yet.
func riding(f domain.Fence, e domain.Event, buyer domain.BuyerID) domain.Decision {
	return assign(f, domain.Pending{Event: e}, buyer)
}

func admitting(t *testing.T, h Harness) {
	// The usual lead: one operation, and everything is as after Receive and Decide.
	t.Run("KeepsAndDecidesInOne", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		got := admit(t, s, e, riding(f, e, "bea"))
		require.Equal(t, domain.Done, got.Decided.Outcome)
		require.Equal(t, domain.Seq(1), got.Decided.Event.Seq)
		require.Equal(t, domain.EventID("e-1"), got.Decided.Event.EventID)
		lead, err := s.Lead(t.Context(), domain.LeadKey{Account: account, Lead: "ghl-ada"})
		require.NoError(t, err)
		requireLead(t, got.Decided.Lead, lead)
		require.Equal(t, domain.BuyerID("bea"), lead.Buyer)
		require.Len(t, feed(t, s, "bea"), 1)
		require.Equal(t, 1, count(t, s, "bea").N)
		require.Empty(t, undecided(t, s, false), "there is nothing left to decide")
		again, err := s.Receive(t.Context(), f, e)
		require.NoError(t, err)
		require.True(t, again.Duplicate, "the key is there")
	})

	// The answer was lost and the source sends the event again, with whatever decision: nothing happens.
	t.Run("ARepeatDecidesNothing", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		admit(t, s, e, riding(f, e, "bea"))
		got, err := s.Admit(t.Context(), f, e, riding(f, e, "cid"))
		require.NoError(t, err)
		require.True(t, got.Received.Duplicate)
		require.Empty(t, feed(t, s, "cid"))
		require.Len(t, feed(t, s, "bea"), 1)
	})

	// The event was kept before and still waits: a decision that comes with its repeat is not its turn.
	t.Run("ARepeatLeavesAPendingEventAlone", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		receive(t, s, f, e)
		got, err := s.Admit(t.Context(), f, e, riding(f, e, "bea"))
		require.NoError(t, err)
		require.True(t, got.Received.Duplicate)
		require.Len(t, undecided(t, s, false), 1)
		require.Empty(t, feed(t, s, "bea"))
	})

	// The lead is not as the actor thought: the event is kept all the same, and waits for the next try.
	t.Run("AStaleDecisionLeavesTheEventPending", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		assigned(t, s, f, "ada", "bea")
		e := event("e-2", "ghl-ada")
		got := admit(t, s, e, riding(f, e, "cid"))
		require.Equal(t, domain.Stale, got.Decided.Outcome)
		require.Equal(t, domain.BuyerID("bea"), got.Decided.Lead.Buyer)
		waiting := undecided(t, s, false)
		require.Len(t, waiting, 1)
		require.Equal(t, got.Received.Seq, waiting[0].Seq)
		d := settle(f, waiting[0], domain.Update)
		d.Expect = got.Decided.Lead.Revision
		require.Equal(t, domain.Seq(2), decide(t, s, d).Event.Seq)
	})

	// The buyer's day is full: the event is kept and goes to somebody else.
	t.Run("AFullDayLeavesTheEventPending", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		assigned(t, s, f, "ada", "bea")
		e := event("e-2", "ghl-bob")
		d := riding(f, e, "bea")
		d.Cap = 1
		got := admit(t, s, e, d)
		require.Equal(t, domain.CapReached, got.Decided.Outcome)
		require.Equal(t, 1, got.Decided.Count)
		waiting := undecided(t, s, false)
		require.Len(t, waiting, 1)
		decide(t, s, assign(f, waiting[0], "cid"))
		require.Equal(t, 1, count(t, s, "bea").N)
	})

	// Nobody is eligible: the lead comes into being and its event is held, in one go.
	t.Run("AHoldHoldsTheEvent", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		got := admit(t, s, e, settle(f, domain.Pending{Event: e}, domain.Hold))
		require.Equal(t, domain.Done, got.Decided.Outcome)
		require.Equal(t, domain.Waiting, got.Decided.Lead.State)
		require.Equal(t, got.Received.Seq, got.Decided.Lead.HeldSeq)
		require.Empty(t, undecided(t, s, false))
		held := undecided(t, s, true)
		require.Len(t, held, 1)
		require.True(t, held[0].Held)
		d := assign(f, held[0], "bea")
		d.Expect = got.Decided.Lead.Revision
		decide(t, s, d)
		require.Empty(t, undecided(t, s, true))
	})

	// A lead was deleted while it waited: its held event is settled by an update, and nothing waits.
	t.Run("AnUpdateCanSettleAHeldEvent", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		got := admit(t, s, e, settle(f, domain.Pending{Event: e}, domain.Hold))
		d := settle(f, undecided(t, s, true)[0], domain.Update)
		d.Expect = got.Decided.Lead.Revision
		after := decide(t, s, d)
		require.Zero(t, after.Lead.HeldSeq)
		require.Zero(t, after.Event.Seq, "nobody has it, so nobody is told")
		require.Empty(t, undecided(t, s, true))
		lead, err := s.Lead(t.Context(), d.Lead)
		require.NoError(t, err)
		requireLead(t, after.Lead, lead)
	})

	// A deletion of somebody nobody knows is kept, and settled.
	t.Run("AnIgnoredEventIsKept", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		e.Effect = domain.Amend
		got := admit(t, s, e, settle(f, domain.Pending{Event: e}, domain.Ignore))
		require.Equal(t, domain.Done, got.Decided.Outcome)
		require.Empty(t, undecided(t, s, false))
		_, err := s.Lead(t.Context(), domain.LeadKey{Account: account, Lead: "ghl-ada"})
		require.Equal(t, domain.NotFound, domain.CodeOf(err))
	})

	t.Run("AnEventWithoutALeadIsRefused", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		e.Effect = domain.Record
		_, err := s.Admit(t.Context(), f, e, riding(f, e, "bea"))
		require.Equal(t, domain.Invalid, domain.CodeOf(err))
	})

	// A stale owner keeps nothing and decides nothing.
	t.Run("IsFenced", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		old := claim(t, s)
		now := claim(t, s)
		e := event("e-1", "ghl-ada")
		_, err := s.Admit(t.Context(), old, e, riding(now, e, "bea"))
		require.ErrorIs(t, err, domain.ErrFenced)
		require.Empty(t, feed(t, s, "bea"))
		admit(t, s, e, riding(now, e, "bea"))
	})

	// Ten copies of each event, many events of each lead, one buyer with a cap, all at once: each key is
	// kept once, each lead has one buyer, the cap holds to the one, feeds have no gap, and what could not
	// be decided waits.
	t.Run("HoldsUnderConcurrency", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		const leads, eventsPerLead, copies, limit = 20, 3, 4, 5
		var wg sync.WaitGroup
		var mu sync.Mutex
		fresh, done := map[domain.EventID]int{}, 0
		for i := range leads * eventsPerLead * copies {
			e := event(fmt.Sprintf("e-%d", i/copies), "")
			e.Lead = domain.LeadID(fmt.Sprintf("ghl-%d", (i/copies)%leads))
			d := riding(f, e, []domain.BuyerID{"bea", "cid"}[i%2])
			if d.Buyer == "bea" {
				d.Cap = limit
			}
			wg.Go(func() {
				got, err := s.Admit(t.Context(), f, e, d)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("admit %s: %v", e.ID, err)
					return
				}
				if !got.Received.Duplicate {
					fresh[e.ID]++
					if got.Decided.Outcome == domain.Done {
						done++
					}
				}
			})
		}
		wg.Wait()
		require.Len(t, fresh, leads*eventsPerLead)
		for id, n := range fresh {
			require.Equal(t, 1, n, id)
		}
		require.LessOrEqual(t, count(t, s, "bea").N, limit)
		require.Equal(t, done, len(feed(t, s, "bea"))+len(feed(t, s, "cid")))
		require.Len(t, undecided(t, s, false), leads*eventsPerLead-done, "each event is decided or waits")
	})

	// The disk or the connection fails at any step: the event and its decision are both there or neither,
	// and sending it again completes it.
	for _, step := range h.Steps {
		t.Run("AllOrNothing/"+step, func(t *testing.T) {
			t.Parallel()
			var p trap
			in := h.Open(t, Options{Fail: p.fail})
			s := in.Store
			f := claim(t, s)
			assigned(t, s, f, "first", "bea")
			p.set(step, 1)
			e := event("e-1", "ghl-ada")
			_, _ = s.Admit(t.Context(), f, e, riding(f, e, "bea")) // any answer: what counts is what is there
			p.set("", 0)
			s = in.Crash(t).Store
			_, err := s.Lead(t.Context(), domain.LeadKey{Account: account, Lead: "ghl-ada"})
			there := err == nil
			again, err := s.Admit(t.Context(), f, e, riding(f, e, "bea"))
			require.NoError(t, err)
			require.Equal(t, there, again.Received.Duplicate, "the event is there if and only if its lead is")
			require.Len(t, feed(t, s, "bea"), 2)
			require.Equal(t, 2, count(t, s, "bea").N)
			require.Empty(t, undecided(t, s, false))
		})
	}
}
