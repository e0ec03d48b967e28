package storetest

import (
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// entering: what a pixel has found out of somebody is routed, unless they have objected meanwhile.
func entering(t *testing.T, h Harness) {
	// Somebody waits for a buyer for days, and objects. Whoever decides it without knowing is refused, whatever the
	// decision; before that it is asked only whether there is anything to decide.
	t.Run("IsRefusedUnderNewSuppressions", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		p := entered(t, s, f, "h-1", visit1)
		assign := assign(f, p, "bea")
		suppress(t, s, suppression("s-1", bob))
		requireOutdated(t, s, assign)
		assign.Expect = 9 // stale, too
		requireOutdated(t, s, assign)
		require.Len(t, undecided(t, s, false), 1, "it still waits")

		assign.Basis, assign.Expect = basis(t, s), 0
		hold := settle(f, p, domain.Hold)
		hold.Basis = assign.Basis
		decide(t, s, hold)
		suppress(t, s, suppression("s-2", ada))
		assign.Expect = 1
		requireOutdated(t, s, assign)
		require.Len(t, undecided(t, s, true), 1)
		require.Empty(t, feed(t, s, "bea"))
		require.Zero(t, count(t, s, "bea").N)
		lead, err := in.Crash(t).Store.Lead(t.Context(), assign.Lead)
		require.NoError(t, err)
		require.Equal(t, domain.Waiting, lead.State)
	})

	t.Run("WhatIsDecidedIsNotOutdated", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		d := assign(f, entered(t, s, f, "h-1", visit1), "bea")
		decide(t, s, d)
		suppress(t, s, suppression("s-1", ada))
		got, err := s.Decide(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, domain.AlreadyDecided, got.Outcome)
	})

	// An account's own leads are its own, whatever is suppressed.
	t.Run("ACRMsEventHasNoBasis", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		p := receive(t, s, f, event("e-1", "ghl-ada"))
		suppress(t, s, suppression("s-1", ada))
		decide(t, s, assign(f, p, "bea"))
		e := event("e-2", "ghl-bob")
		admit(t, s, e, assign(f, domain.Pending{Event: e}, "bea"))
		require.Len(t, feed(t, s, "bea"), 2)
	})

	// Somebody who has objected is settled, and a lead that is there by then stands as it stood: nobody is told.
	t.Run("IgnoringLeavesTheLead", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		first := decide(t, s, assign(f, entered(t, s, f, "h-1", visit1), "bea")).Lead
		j := judgement(t, s, f, met(t, s, f, "h-2", visit2, ada))
		j.Expect = 1
		j.Enter = entry("h-2", j)
		judge(t, s, j)
		d := settle(f, undecided(t, s, false)[0], domain.Ignore)
		d.Expect, d.Contact = first.Revision+1, contact("Somebody", "Else")
		got, err := s.Decide(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, domain.Stale, got.Outcome)
		d.Expect = first.Revision
		require.Zero(t, decide(t, s, d).Lead)
		s = in.Crash(t).Store
		require.Empty(t, undecided(t, s, false))
		requireStands(t, s, first)
		require.Len(t, feed(t, s, "bea"), 1)
	})
}

func requireOutdated(t *testing.T, s domain.Store, d domain.Decision) {
	t.Helper()
	got, err := s.Decide(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, domain.Decided{Outcome: domain.Outdated}, got)
}

// entered is a visitor who was identified as ada and entered a campaign.
func entered(t *testing.T, s domain.Store, f domain.Fence, id string, v domain.VisitorID) domain.Pending {
	t.Helper()
	j := judgement(t, s, f, met(t, s, f, id, v, ada))
	j.Enter = entry(id, j)
	judge(t, s, j)
	waiting := undecided(t, s, false)
	require.Len(t, waiting, 1)
	return waiting[0]
}

func entry(id string, j domain.Judgement) *domain.Pending {
	e := event(id, j.Lead.Lead)
	e.Source, e.Type, e.Body = domain.PixelSource, string(domain.VisitorIdentifiedEvent), nil
	return &domain.Pending{Seq: j.After.EventSeq, Event: e}
}
