package storetest

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func deciding(t *testing.T, h Harness) {
	// The heart of it: one decision, and afterwards the lead, the counter, the feed and the pending
	// event all say the same.
	t.Run("AssignWritesEverythingTogether", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		p := receive(t, s, f, event("e-1", "ghl-ada"))
		d := assign(f, p, "bea")
		got := decide(t, s, d)

		lead, err := s.Lead(t.Context(), d.Lead)
		require.NoError(t, err)
		requireLead(t, got.Lead, lead)
		requireLead(t, domain.Lead{
			Account: account, ID: "ghl-ada", State: domain.Assigned, Revision: 1, Campaign: campaign, Buyer: "bea",
			Contact: d.Contact, Source: source, EventSeq: p.Seq, AssignSeq: 1, LastSeq: 1, ReceivedAt: d.ReceivedAt, AssignedAt: d.At, UpdatedAt: d.At,
		}, lead)
		events := feed(t, s, "bea")
		require.Len(t, events, 1)
		require.False(t, got.Event.CommittedAt.IsZero(), "a fresh event says when it became durable")
		got.Event.CommittedAt = time.Time{}
		requireEvent(t, got.Event, events[0])
		requireEvent(t, domain.FeedEvent{
			Account: account, Buyer: "bea", Seq: 1, Type: domain.LeadAssigned, Lead: "ghl-ada", Campaign: campaign,
			Source: source, EventID: "e-1", Contact: d.Contact, ReceivedAt: d.ReceivedAt, DecidedAt: d.At,
		}, events[0])
		require.Equal(t, domain.Count{Account: account, Buyer: "bea", Day: today, N: 1, Total: 1}, count(t, s, "bea"))
		require.Equal(t, 1, got.Count)
		require.Equal(t, today, got.Day)
		require.Empty(t, undecided(t, s, false))
	})

	// The answer to a decision was lost, so it is made again: nothing more happens.
	t.Run("ARepeatedDecisionChangesNothing", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		d := assign(f, receive(t, s, f, event("e-1", "ghl-ada")), "bea")
		decide(t, s, d)
		again, err := s.Decide(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, domain.AlreadyDecided, again.Outcome)
		require.Zero(t, again.Event.Seq)
		require.Len(t, feed(t, s, "bea"), 1)
		require.Equal(t, 1, count(t, s, "bea").N)
	})

	// While the cluster changes shape, a lead can be alive on two nodes for a moment, each with an
	// event of its own in hand. Whoever commits second learns who won.
	t.Run("OneLeadHasOneBuyer", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		const deciders = 40
		decisions := make([]domain.Decision, deciders)
		for i := range decisions {
			p := receive(t, s, f, event(fmt.Sprintf("e-%d", i), "ghl-ada"))
			decisions[i] = assign(f, p, domain.BuyerID(fmt.Sprintf("buyer-%d", i%7)))
		}
		results := decideAll(t, s, decisions)
		done := 0
		var winner domain.Lead
		for _, r := range results {
			if r.Outcome == domain.Done {
				done++
				winner = r.Lead
			}
		}
		require.Equal(t, 1, done)
		for _, r := range results {
			if r.Outcome != domain.Done {
				require.Equal(t, domain.Stale, r.Outcome)
				requireLead(t, winner, r.Lead)
			}
		}
		total := 0
		for i := range 7 {
			total += len(feed(t, s, domain.BuyerID(fmt.Sprintf("buyer-%d", i))))
		}
		require.Equal(t, 1, total, "one assignment in all feeds together")
		require.Len(t, undecided(t, s, false), deciders-1, "the others' events still wait")
	})

	// Many nodes recover the same pending event at once: one settles it.
	t.Run("OneEventIsDecidedOnce", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		p := receive(t, s, f, event("e-1", "ghl-ada"))
		decisions := make([]domain.Decision, 20)
		for i := range decisions {
			decisions[i] = assign(f, p, "bea")
		}
		outcomes := map[domain.Outcome]int{}
		for _, r := range decideAll(t, s, decisions) {
			outcomes[r.Outcome]++
		}
		require.Equal(t, map[domain.Outcome]int{domain.Done: 1, domain.AlreadyDecided: 19}, outcomes)
	})

	// Even a decision that names the lead's newest revision cannot take it from its buyer.
	t.Run("AnAssignedLeadStaysWithItsBuyer", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		assigned(t, s, f, "ada", "bea")
		d := assign(f, receive(t, s, f, event("e-2", "ghl-ada")), "cyd")
		d.Expect = 1
		got, err := s.Decide(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, domain.Stale, got.Outcome)
		require.Equal(t, domain.BuyerID("bea"), got.Lead.Buyer)
		require.Empty(t, feed(t, s, "cyd"))
	})

	// A later event of an assigned lead reaches its buyer as an update, and costs no cap.
	t.Run("AnUpdateTellsTheBuyer", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		assigned(t, s, f, "ada", "bea")
		d := settle(f, receive(t, s, f, event("e-2", "ghl-ada")), domain.Update)
		d.Expect, d.Contact, d.At = 1, contact("Ada", "Lovelace"), noon.Add(time.Minute)
		got := decide(t, s, d)
		require.EqualValues(t, 2, got.Lead.Revision)
		require.EqualValues(t, 1, got.Lead.AssignSeq)
		require.EqualValues(t, 2, got.Lead.LastSeq)
		require.Equal(t, domain.LeadUpdated, got.Event.Type)
		require.Equal(t, domain.EventID("e-2"), got.Event.EventID)
		require.JSONEq(t, string(d.Contact), string(got.Lead.Contact))
		lead, err := s.Lead(t.Context(), d.Lead)
		require.NoError(t, err)
		requireLead(t, got.Lead, lead)
		require.Equal(t, []domain.FeedType{domain.LeadAssigned, domain.LeadUpdated}, types(feed(t, s, "bea")))
		require.Equal(t, domain.Count{Account: account, Buyer: "bea", Day: today, N: 1, Total: 1}, count(t, s, "bea"))
		require.Empty(t, undecided(t, s, false))
	})

	// Nobody is eligible: the lead waits, and its event waits with it, told apart from those that
	// nobody has looked at.
	t.Run("HoldThenAssign", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		p := receive(t, s, f, event("e-1", "ghl-ada"))
		held := decide(t, s, settle(f, p, domain.Hold))
		require.Equal(t, domain.Waiting, held.Lead.State)
		require.Equal(t, p.Seq, held.Lead.HeldSeq)
		require.EqualValues(t, 1, held.Lead.Revision)
		require.Zero(t, held.Event.Seq)
		require.Empty(t, undecided(t, s, false))
		waiting := undecided(t, s, true)
		require.Len(t, waiting, 1)
		require.True(t, waiting[0].Held)
		require.Equal(t, p.Seq, waiting[0].Seq)

		d := assign(f, p, "bea")
		d.Expect = 1
		got := decide(t, s, d)
		require.Equal(t, domain.Assigned, got.Lead.State)
		require.Zero(t, got.Lead.HeldSeq)
		require.EqualValues(t, 2, got.Lead.Revision)
		require.Empty(t, undecided(t, s, true))
		require.Len(t, feed(t, s, "bea"), 1)
	})

	// A waiting lead can be assigned on a later event of its own. What it waited with is settled too.
	t.Run("AssigningByALaterEventSettlesTheHeldOne", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		decide(t, s, settle(f, receive(t, s, f, event("e-1", "ghl-ada")), domain.Hold))
		d := assign(f, receive(t, s, f, event("e-2", "ghl-ada")), "bea")
		d.Expect = 1
		got := decide(t, s, d)
		require.Zero(t, got.Lead.HeldSeq)
		require.Equal(t, domain.EventID("e-2"), got.Event.EventID)
		require.True(t, noon.Equal(got.Lead.ReceivedAt), "since its first event")
		require.Empty(t, undecided(t, s, true))
		require.Empty(t, undecided(t, s, false))
	})

	// A waiting lead learns more about its person: nobody has to be told yet.
	t.Run("UpdatingAWaitingLeadIsSilent", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		p := receive(t, s, f, event("e-1", "ghl-ada"))
		decide(t, s, settle(f, p, domain.Hold))
		d := settle(f, receive(t, s, f, event("e-2", "ghl-ada")), domain.Update)
		d.Expect, d.Contact = 1, contact("Ada", "Lovelace")
		got := decide(t, s, d)
		require.Equal(t, domain.Waiting, got.Lead.State)
		require.Equal(t, p.Seq, got.Lead.HeldSeq)
		require.EqualValues(t, 2, got.Lead.Revision)
		require.Zero(t, got.Event.Seq)
		require.Empty(t, undecided(t, s, false), "its own event is settled")
		require.Len(t, undecided(t, s, true), 1, "the held one still waits")
		lead, err := s.Lead(t.Context(), d.Lead)
		require.NoError(t, err)
		require.JSONEq(t, string(d.Contact), string(lead.Contact))
	})

	// A deletion of a contact we never heard of settles without a trace.
	t.Run("IgnoreSettlesAndWritesNothingElse", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		e := event("e-1", "ghl-ada")
		e.Effect = domain.Amend
		got := decide(t, s, settle(f, receive(t, s, f, e), domain.Ignore))
		require.Zero(t, got.Lead.Revision)
		require.Zero(t, got.Event.Seq)
		require.Empty(t, undecided(t, s, false))
		_, err := s.Lead(t.Context(), domain.LeadKey{Account: account, Lead: "ghl-ada"})
		require.Equal(t, domain.NotFound, domain.CodeOf(err))
	})

	// Every verb guards against the lead having changed since it was read, and says how it stands now.
	for _, row := range []struct {
		why    string
		verb   domain.Verb
		exists bool
		expect int64
	}{
		{"a new lead that exists by now", domain.Assign, true, 0},
		{"a waiting lead that does not exist", domain.Assign, false, 1},
		{"an update of a lead that has moved on", domain.Update, true, 9},
		{"an update of a lead that does not exist", domain.Update, false, 1},
		{"a hold of a lead that exists by now", domain.Hold, true, 0},
		{"an ignore of a lead that exists by now", domain.Ignore, true, 0},
	} {
		t.Run("Stale/"+row.why, func(t *testing.T) {
			t.Parallel()
			s := h.Open(t, Options{}).Store
			f := claim(t, s)
			var want domain.Lead
			if row.exists {
				want = assigned(t, s, f, "ada", "bea").Lead
			}
			p := receive(t, s, f, event("e-2", "ghl-ada"))
			d := settle(f, p, row.verb)
			d.Buyer, d.Day, d.Trace, d.Expect = "cyd", today, json.RawMessage(`[]`), row.expect
			got, err := s.Decide(t.Context(), d)
			require.NoError(t, err)
			require.Equal(t, domain.Stale, got.Outcome)
			requireLead(t, want, got.Lead)
			require.Len(t, undecided(t, s, false), 1, "the event still waits")
			require.Empty(t, feed(t, s, "cyd"))
		})
	}
}

// decideAll makes the decisions all at once.
func decideAll(t *testing.T, s domain.Store, decisions []domain.Decision) []domain.Decided {
	t.Helper()
	results := make([]domain.Decided, len(decisions))
	errs := make([]error, len(decisions))
	var wg sync.WaitGroup
	for i := range decisions {
		wg.Go(func() { results[i], errs[i] = s.Decide(t.Context(), decisions[i]) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	return results
}

func types(events []domain.FeedEvent) (all []domain.FeedType) {
	for _, e := range events {
		all = append(all, e.Type)
	}
	return all
}

// requireLead compares with times as instants and JSON by meaning.
func requireLead(t *testing.T, want, got domain.Lead) {
	t.Helper()
	for _, at := range []struct {
		name      string
		want, got *time.Time
	}{{"ReceivedAt", &want.ReceivedAt, &got.ReceivedAt}, {"AssignedAt", &want.AssignedAt, &got.AssignedAt}, {"UpdatedAt", &want.UpdatedAt, &got.UpdatedAt}} {
		require.True(t, at.want.Equal(*at.got), "%s: want %v, got %v", at.name, at.want, at.got)
		*at.want, *at.got = time.Time{}, time.Time{}
	}
	if len(want.Contact)+len(got.Contact) > 0 {
		require.JSONEq(t, string(want.Contact), string(got.Contact))
	}
	want.Contact, got.Contact = nil, nil
	require.Equal(t, want, got)
}

func requireEvent(t *testing.T, want, got domain.FeedEvent) {
	t.Helper()
	require.True(t, want.ReceivedAt.Equal(got.ReceivedAt), "ReceivedAt %v, got %v", want.ReceivedAt, got.ReceivedAt)
	require.True(t, want.DecidedAt.Equal(got.DecidedAt), "DecidedAt %v, got %v", want.DecidedAt, got.DecidedAt)
	want.ReceivedAt, want.DecidedAt, got.ReceivedAt, got.DecidedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	require.JSONEq(t, string(want.Contact), string(got.Contact))
	want.Contact, got.Contact = nil, nil
	require.Equal(t, want, got)
}
