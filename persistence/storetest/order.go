package storetest

import (
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// order: a lead remembers the newest event that went into it, however its events come to be decided.
func order(t *testing.T, h Harness) {
	// The older event stayed pending over a crash, and the newer one was decided first. Whoever decides
	// the older one learns from the lead that it is older, and the lead goes on knowing the newer.
	t.Run("AnOlderEventLater", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		first := assigned(t, s, f, "ada", "bea").Lead
		older := receive(t, s, f, event("e-older", "ghl-ada"))
		newer := receive(t, s, f, event("e-newer", "ghl-ada"))
		require.Less(t, first.EventSeq, older.Seq)

		got := decide(t, s, updating(f, newer, 1))
		require.Equal(t, newer.Seq, got.Lead.EventSeq, "the newer event moves it on")
		requireStands(t, s, got.Lead)

		stale, err := s.Decide(t.Context(), updating(f, older, 1))
		require.NoError(t, err)
		require.Equal(t, domain.Stale, stale.Outcome)
		requireLead(t, got.Lead, stale.Lead)
		s = in.Crash(t).Store
		requireStands(t, s, got.Lead)

		got = decide(t, s, updating(f, older, 2))
		require.EqualValues(t, 3, got.Lead.Revision)
		require.Equal(t, newer.Seq, got.Lead.EventSeq, "the older one does not move it back")
		requireStands(t, s, got.Lead)
		leads, err := s.BuyerLeads(t.Context(), domain.BuyerKey{Account: account, Buyer: "bea"}, 0, 10)
		require.NoError(t, err)
		require.Len(t, leads, 1)
		requireLead(t, got.Lead, leads[0])
	})

	// Decisions that come with their events leave the number to the store.
	t.Run("WithAdmittedEvents", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		d := riding(f, e, "bea")
		d.EventSeq = 1 << 40 // says nothing
		got := admit(t, s, e, d)
		require.Equal(t, got.Received.Seq, got.Decided.Lead.EventSeq)
		requireStands(t, s, got.Decided.Lead)

		older := receive(t, s, f, event("e-2", "ghl-ada"))
		e = event("e-3", "ghl-ada")
		stale := admit(t, s, e, riding(f, e, "bea"))
		require.Equal(t, domain.Stale, stale.Decided.Outcome)
		requireLead(t, got.Decided.Lead, stale.Decided.Lead)
		e = event("e-4", "ghl-ada")
		newest := admit(t, s, e, updating(f, domain.Pending{Event: e}, 1))
		require.Equal(t, domain.Done, newest.Decided.Outcome)
		require.Equal(t, newest.Received.Seq, newest.Decided.Lead.EventSeq)
		for i, p := range []domain.Pending{older, {Seq: stale.Received.Seq, Event: event("e-3", "ghl-ada")}} {
			late := decide(t, s, updating(f, p, int64(i)+2))
			require.Equal(t, newest.Received.Seq, late.Lead.EventSeq)
		}
		s = in.Reopen(t).Store
		lead, err := s.Lead(t.Context(), d.Lead)
		require.NoError(t, err)
		require.Equal(t, newest.Received.Seq, lead.EventSeq)
	})

	// A lead that waits takes in newer events too, and is assigned by the one it was held with: that is
	// its oldest.
	t.Run("OfALeadThatWaits", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		p := receive(t, s, f, event("e-1", "ghl-ada"))
		got := decide(t, s, settle(f, p, domain.Hold))
		require.Equal(t, p.Seq, got.Lead.EventSeq)
		requireStands(t, s, got.Lead)

		newer := receive(t, s, f, event("e-2", "ghl-ada"))
		got = decide(t, s, updating(f, newer, 1))
		require.Equal(t, newer.Seq, got.Lead.EventSeq)
		require.Equal(t, p.Seq, got.Lead.HeldSeq)
		requireStands(t, s, got.Lead)

		d := assign(f, p, "bea")
		d.Expect = 2
		got = decide(t, s, d)
		require.Equal(t, domain.Assigned, got.Lead.State)
		require.Equal(t, newer.Seq, got.Lead.EventSeq)
		requireStands(t, s, got.Lead)
	})

	t.Run("OfALeadHeldAsItIsAdmitted", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		got := admit(t, s, e, settle(f, domain.Pending{Event: e}, domain.Hold))
		require.Equal(t, got.Received.Seq, got.Decided.Lead.EventSeq)
		requireStands(t, s, got.Decided.Lead)
	})

	// What wrote nothing moved nothing.
	t.Run("AFullDayMovesNothing", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		assigned(t, s, f, "bob", "bea")
		p := receive(t, s, f, event("e-1", "ghl-ada"))
		held := decide(t, s, settle(f, p, domain.Hold)).Lead
		d := assign(f, receive(t, s, f, event("e-2", "ghl-ada")), "bea")
		d.Expect, d.Cap = 1, 1
		got, err := s.Decide(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, domain.CapReached, got.Outcome)
		requireStands(t, s, held)
	})
}

// updating is an update by p of the lead at a revision.
func updating(f domain.Fence, p domain.Pending, expect int64) domain.Decision {
	d := settle(f, p, domain.Update)
	d.Expect = expect
	return d
}

// requireStands reads the lead and compares.
func requireStands(t *testing.T, s domain.Store, want domain.Lead) {
	t.Helper()
	got, err := s.Lead(t.Context(), want.Key())
	require.NoError(t, err)
	requireLead(t, want, got)
}
