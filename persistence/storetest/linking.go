package storetest

import (
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// linking: what accounts learn about who is who.
func linking(t *testing.T, h Harness) {
	// The CRM's leads are gone through again and again: what is known already is not news.
	t.Run("LearningAgainIsNoNews", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		first := learn(t, s, link(adaKey, ada), link(bobKey, bob))
		require.Len(t, first, 2)
		require.Less(t, first[0].Seq, first[1].Seq)
		again := learn(t, s, link(bobKey, bob), link(adaKey, ada))
		require.Equal(t, []domain.Link{first[1], first[0]}, again, "answered in the order asked, as they stand")
		require.Equal(t, first, links(t, in.Crash(t).Store))
	})

	// A key goes over to somebody else: the newest counts, and comes to everybody who reads on from where they are.
	t.Run("TheNewestPersonCounts", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		first := learn(t, s, link(adaKey, ada))
		o := observation(t, s, f, hit("h-1", visit1))
		o.Learn = []domain.Link{link(adaKey, bob)}
		second := observe(t, s, o).Links
		require.Greater(t, second[0].Seq, first[0].Seq)
		news, err := s.Links(t.Context(), first[0].Seq, 10)
		require.NoError(t, err)
		require.Equal(t, second, news)
		require.Equal(t, bob, lastPerson(links(t, s), adaKey))
		back := learn(t, s, link(adaKey, ada))
		require.Greater(t, back[0].Seq, second[0].Seq)
		require.Equal(t, ada, lastPerson(links(t, s), adaKey))
	})

	// The same key twice in one call: the later one counts.
	t.Run("TheLaterOfOneCallCounts", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		learn(t, s, link(adaKey, ada), link(adaKey, bob))
		require.Equal(t, bob, lastPerson(links(t, s), adaKey))
	})

	// A lesson was made ready, and then its person objected: nothing of it may be written behind that, and its
	// links are learned or not at the next look.
	t.Run("NothingIsLearnedBehindASuppression", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		first := learn(t, s, link(bobKey, bob))
		for i, raise := range []func(){
			func() { suppress(t, s, suppression("s-1", ada)) },
			func() {
				_, err := s.Erase(t.Context(), domain.Erasure{
					Account: account, Persons: []domain.PersonID{ada}, Suppress: []domain.Suppression{suppression("s-2", ada)}, Audit: audit("erase"),
				})
				require.NoError(t, err)
			},
			func() {
				_, err := s.ApplyCatalog(t.Context(), configured())
				require.NoError(t, err)
			},
		} {
			late := domain.Lesson{Basis: basis(t, s), Links: []domain.Link{link(adaKey, ada), link(bobKey, bob)}}
			raise()
			got, err := s.Learn(t.Context(), late)
			require.NoError(t, err)
			require.Equal(t, domain.Learned{Outcome: domain.Outdated}, got, i)
			require.Equal(t, first, links(t, s), "not even what was known is answered")
		}
		got, err := s.Learn(t.Context(), domain.Lesson{Basis: basis(t, s)})
		require.NoError(t, err)
		require.Equal(t, domain.Learned{Outcome: domain.Done}, got, "of nothing")
		again := learn(t, s, link(bobKey, bob), link(adaKey, ada))
		require.Equal(t, first[0], again[0])
		require.Equal(t, again, links(t, in.Crash(t).Store))
	})

	t.Run("LinksAreTheAccounts", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		other := link(adaKey, bob)
		other.Account = "globex"
		want := learn(t, s, link(adaKey, ada), other)
		require.Equal(t, want, links(t, s))
	})

	t.Run("AreReadInPages", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		var want []domain.Link
		for _, id := range names("click", 25) {
			got := learn(t, s, link(domain.Key{Kind: domain.KeyClick, Value: id}, ada))
			want = append(want, got...)
		}
		var got []domain.Link
		for full := true; full; {
			after := int64(0)
			if len(got) > 0 {
				after = got[len(got)-1].Seq
			}
			page, err := s.Links(t.Context(), after, 7)
			require.NoError(t, err)
			got = append(got, page...)
			full = len(page) == 7
		}
		require.Equal(t, want, got)
	})

	// Whoever asks what belongs to a person finds its visitors in the account, and only there.
	t.Run("VisitorsOfAPerson", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		met(t, s, f, "h-1", visit1, ada)
		met(t, s, f, "h-2", visit2, bob)
		observe(t, s, observation(t, s, f, hit("h-3", "visitor-3")))
		elsewhere := hit("h-4", "visitor-4")
		elsewhere.Account = "globex"
		observe(t, s, meeting(t, s, f, elsewhere, ada))
		for _, row := range []struct {
			persons []domain.PersonID
			want    []domain.VisitorID
		}{
			{[]domain.PersonID{ada}, []domain.VisitorID{visit1}},
			{[]domain.PersonID{bob, ada, bob}, []domain.VisitorID{visit1, visit2}},
			{[]domain.PersonID{"p-nobody", ""}, nil},
			{nil, nil},
		} {
			got, err := s.VisitorsOf(t.Context(), account, row.persons)
			require.NoError(t, err)
			require.ElementsMatch(t, row.want, got, row.persons)
		}
	})

	// The CRM's leads are gone through page by page, each account's own.
	t.Run("LeadsAreScanned", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		want := names("lead", 9) // sorted as text, too
		for i := range want {
			e := event(want[len(want)-1-i], domain.LeadID(want[len(want)-1-i]))
			verb := []domain.Verb{domain.Assign, domain.Hold}[i%2]
			d := settle(f, domain.Pending{Event: e}, verb)
			d.Buyer, d.Day = "bea", today
			admit(t, s, e, d)
			e.Account = "globex"
			d.Lead.Account = "globex"
			admit(t, s, e, d)
		}
		var got []string
		for after := domain.LeadID(""); ; {
			page, err := s.ScanLeads(t.Context(), account, after, 4)
			require.NoError(t, err)
			for _, lead := range page {
				got, after = append(got, string(lead.ID)), lead.ID
				requireStands(t, s, lead)
			}
			if len(page) < 4 {
				break
			}
		}
		require.Equal(t, want, got)
	})
}

// learn is a lesson under the suppressions in force.
func learn(t *testing.T, s domain.Store, all ...domain.Link) []domain.Link {
	t.Helper()
	got, err := s.Learn(t.Context(), domain.Lesson{Basis: basis(t, s), Links: all})
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
	return got.Links
}

// lastPerson is whom a key belongs to for somebody who reads the links in order.
func lastPerson(all []domain.Link, key domain.Key) (person domain.PersonID) {
	for _, l := range all {
		if l.Account == account && l.Key == key {
			person = l.Person
		}
	}
	return person
}
