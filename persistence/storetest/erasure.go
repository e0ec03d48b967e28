package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// erasing: somebody asks to be forgotten.
func erasing(t *testing.T, h Harness) {
	// After it nothing that anybody can read says who it was. Everybody else's is as before.
	t.Run("ForgetsAPersonEverywhere", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		cast := erasureCast(t, s, f)
		require.Contains(t, everything(t, s), "Lovelace", "the test looks where she is")
		got, err := s.Erase(t.Context(), cast.erasure)
		require.NoError(t, err)
		require.Positive(t, got.Revision)
		for _, table := range []string{"visits", "events", "sightings", "links", "leads", "feed_events", "pending_events", "held_events", "acquaintances", "announcements", "deliveries", "receipts"} {
			require.Positive(t, got.Rows[table], table)
		}
		for _, crashed := range []bool{false, true} {
			if crashed {
				s = in.Crash(t).Store
			}
			left := everything(t, s)
			require.NotContains(t, left, "Lovelace")
			require.NotContains(t, left, string(visit1))
			cast.requireOthers(t, s)
			requireNoVisit(t, s, visit1)
			for _, sighting := range owed(t, s) {
				require.Equal(t, bob, sighting.Person)
			}
			for _, a := range announced(t, s) {
				require.Contains(t, []domain.LeadID{domain.LeadOfPerson(bob), "ghl-bob"}, a.Lead)
			}
			_, err := s.Acquaintance(t.Context(), domain.LeadKey{Account: account, Lead: domain.LeadOfPerson(ada)})
			require.Equal(t, domain.NotFound, domain.CodeOf(err))
			none, err := s.VisitorsOf(t.Context(), account, []domain.PersonID{ada})
			require.NoError(t, err)
			require.Empty(t, none)
			for _, d := range cast.sent {
				_, err := s.Delivery(t.Context(), account, d.N)
				require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
				_, err = s.Receipts(t.Context(), account, d.N, 10)
				require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
			}
			require.Empty(t, due(t, s, warehouse, noon.Add(day)))
		}
	})

	// A buyer's feed keeps its places: who reads on misses nothing, and reads that somebody was erased.
	t.Run("FeedsKeepTheirPlaces", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		cast := erasureCast(t, s, f)
		before := feed(t, s, "bea")
		_, err := s.Erase(t.Context(), cast.erasure)
		require.NoError(t, err)
		after := feed(t, s, "bea")
		require.Len(t, after, len(before))
		erased := 0
		for i := range after {
			want := string(before[i].Contact)
			if before[i].Lead == "ghl-ada" {
				want, erased = domain.ErasedContact, erased+1
			}
			require.JSONEq(t, want, string(after[i].Contact))
			require.Equal(t, before[i].EventID, after[i].EventID)
		}
		require.Equal(t, 2, erased)
		lead, err := s.Lead(t.Context(), domain.LeadKey{Account: account, Lead: "ghl-ada"})
		require.NoError(t, err)
		require.JSONEq(t, domain.ErasedContact, string(lead.Contact))
		require.EqualValues(t, 3, lead.Revision, "whoever has it in memory is stale")
		require.Equal(t, domain.BuyerID("bea"), lead.Buyer)
		require.EqualValues(t, 2, count(t, s, "bea").Total, "what was sold was sold")
	})

	// The keys of its events stay: a source that sends one again does not bring the person back.
	t.Run("ARepeatIsStillADuplicate", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		cast := erasureCast(t, s, f)
		_, err := s.Erase(t.Context(), cast.erasure)
		require.NoError(t, err)
		for _, e := range cast.events {
			again, err := s.Receive(t.Context(), f, e)
			require.NoError(t, err)
			require.True(t, again.Duplicate, e.ID)
		}
		got, err := s.Observe(t.Context(), observation(t, s, f, hit("h-1", visit1)))
		require.NoError(t, err)
		require.Equal(t, domain.Duplicated, got.Outcome)
	})

	// Actors have the person in memory. Whatever they still commit is refused, each in its own way.
	t.Run("WhatWasInMemoryCannotComeBack", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		cast := erasureCast(t, s, f)
		visit, err := s.Visit(t.Context(), domain.VisitorKey{Account: account, Visitor: visit1})
		require.NoError(t, err)
		remembered := meeting(t, s, f, hit("h-next", visit1), ada)
		remembered.Expect = visit.Revision
		known := judgement(t, s, f, cast.owed)
		known.Expect = 1
		_, err = s.Erase(t.Context(), cast.erasure)
		require.NoError(t, err)

		observed, err := s.Observe(t.Context(), remembered)
		require.NoError(t, err)
		require.Equal(t, domain.Outdated, observed.Outcome)
		remembered.Basis = observed.Basis
		observed, err = s.Observe(t.Context(), remembered)
		require.NoError(t, err)
		require.Equal(t, domain.Stale, observed.Outcome)
		require.Equal(t, domain.Visit{}, observed.Visit)
		for _, a := range []domain.Attempted{fails(f, cast.sent[0], noon), arrives(f, cast.sent[1], noon)} {
			attempted, err := s.RecordAttempt(t.Context(), a)
			require.NoError(t, err)
			require.Equal(t, domain.AlreadyDecided, attempted.Outcome)
		}
		judged, err := s.Judge(t.Context(), known)
		require.NoError(t, err)
		require.Equal(t, domain.AlreadyDecided, judged.Outcome)
		for _, p := range []domain.Pending{cast.pending, cast.held} {
			decided, err := s.Decide(t.Context(), assign(f, p, "bea"))
			require.NoError(t, err)
			require.Equal(t, domain.AlreadyDecided, decided.Outcome, p.Event.ID)
		}
		require.NotContains(t, everything(t, s), "Lovelace")
	})

	// The suppression is in force with the first commit of the erasure, and the audit says who asked.
	t.Run("LeavesASuppressionAndALineOfAudit", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		cast := erasureCast(t, s, f)
		before := basis(t, s)
		got, err := s.Erase(t.Context(), cast.erasure)
		require.NoError(t, err)
		require.Greater(t, got.Revision, before)
		s = in.Crash(t).Store
		require.Equal(t, got.Revision, basis(t, s))
		all := since(t, s, before, "", 10)
		require.Len(t, all, 1)
		require.Equal(t, "s-ada", all[0].ID)
		require.Equal(t, "erase", entries(t, s, account)[0].Action)
	})

	// Other nodes hold links in memory: they learn which to drop from reading on, and nothing more.
	t.Run("LinksGoFromOtherNodes", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		cast := erasureCast(t, s, f)
		known := links(t, s)
		_, err := s.Erase(t.Context(), cast.erasure)
		require.NoError(t, err)
		news, err := s.Links(t.Context(), known[len(known)-1].Seq, 100)
		require.NoError(t, err)
		var gone []domain.Key
		for _, l := range news {
			require.True(t, l.Removed)
			require.Empty(t, l.Person)
			require.Equal(t, account, l.Account)
			gone = append(gone, l.Key)
		}
		visitorKey := domain.Key{Kind: domain.KeyVisitor, Value: string(visit1)}
		require.ElementsMatch(t, []domain.Key{adaKey, adaClick, adaPhone, visitorKey}, gone, "by person, by key and by visitor")
		back := learn(t, s, link(adaKey, bob)) // the key can belong to somebody again
		require.Greater(t, back[0].Seq, news[len(news)-1].Seq)
		require.False(t, back[0].Removed)

		// They are told for a day, long after the last one has read on; then the key itself is forgotten.
		maintain(t, s, time.Now().Add(49*time.Hour), domain.Retention{})
		for _, l := range links(t, s) {
			require.False(t, l.Removed)
		}
	})

	// The same ids in another account are another person's.
	t.Run("OtherAccountsKeepTheirs", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		cast := erasureCast(t, s, f)
		cast.erasure.Account = "globex"
		got, err := s.Erase(t.Context(), cast.erasure)
		require.NoError(t, err)
		for table, n := range got.Rows {
			require.Zero(t, n, table)
		}
		require.Contains(t, everything(t, s), "Lovelace")
	})

	// A lost answer, or a node that died half way: asking again finishes the work.
	t.Run("CanBeAskedAgain", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		cast := erasureCast(t, s, f)
		first, err := s.Erase(t.Context(), cast.erasure)
		require.NoError(t, err)
		late := domain.Lesson{Basis: basis(t, s), Links: []domain.Link{link(adaKey, ada)}}
		again, err := s.Erase(t.Context(), cast.erasure)
		require.NoError(t, err)
		require.Greater(t, again.Revision, first.Revision, "whoever has matched meanwhile looks again, though nothing new is suppressed")
		learned, err := s.Learn(t.Context(), late)
		require.NoError(t, err)
		require.Equal(t, domain.Outdated, learned.Outcome)
		for table, n := range again.Rows {
			require.Zero(t, n, table)
		}
		lead, err := s.Lead(t.Context(), domain.LeadKey{Account: account, Lead: "ghl-ada"})
		require.NoError(t, err)
		require.EqualValues(t, 3, lead.Revision)
	})

	// A person with more history than one transaction takes: all of it goes.
	t.Run("HoweverMuchThereIs", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		assigned(t, s, f, "long", "bea")
		const updates = 700
		for i := range updates {
			e := event(fmt.Sprintf("u-%d", i), "ghl-long")
			e.Contact = contact("Ada", "Lovelace")
			d := settle(f, domain.Pending{Event: e}, domain.Update)
			d.Expect = int64(i + 1)
			admit(t, s, e, d)
			o := observation(t, s, f, hit(fmt.Sprintf("h-%d", i), visit1))
			o.Expect = int64(i)
			observe(t, s, o)
		}
		got, err := s.Erase(t.Context(), domain.Erasure{
			Account: account, Visitors: []domain.VisitorID{visit1}, Leads: []domain.LeadID{"ghl-long"}, Audit: audit("erase"),
		})
		require.NoError(t, err)
		require.EqualValues(t, 2*updates+1, got.Rows["events"])
		require.EqualValues(t, updates+1, got.Rows["feed_events"])
		require.NotContains(t, everything(t, s), "Lovelace")
	})

	erasingNames(t, h)
}
