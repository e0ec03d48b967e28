package storetest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// erasingNames: who asked to be forgotten is named in what is about others, and in what endpoints were told and said.
func erasingNames(t *testing.T, h Harness) {
	// A browser told a hash that nobody was found for, and another that two people share told hers long ago: what
	// names her goes, wherever it stands, and of the others' nothing but that.
	t.Run("WhatNamesHerGoesFromOthers", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		hash := strings.Repeat("ada0", 16)
		texts := []string{hash, "ann@shop.example"}
		her := func(id string, v domain.VisitorID) domain.Hit {
			one := hit(id, v)
			one.Body = []byte(`{"sha256":"` + strings.ToUpper(hash) + `","name":"Lovelace","other":"` + "\xff" + `"}`)
			return one
		}
		unknown := observation(t, s, f, her("h-1", visit1)) // nobody is known by it
		unknown.Visit.HEMs = []domain.HEM{{Variant: "lower", SHA256: hash}}
		unknown.Visit.Pages[0].Title = "Lovelace"
		observe(t, s, unknown)
		later := observation(t, s, f, hit("h-2", visit1))
		later.Visit, later.Expect = unknown.Visit, 1
		observe(t, s, later)
		phone := observation(t, s, f, hit("h-3", "by-phone"))
		phone.Visit.Phone = hash
		observe(t, s, phone)
		clear := observation(t, s, f, hit("h-4", "by-address"))
		clear.Visit.Referrer = "https://shop.example/?m=Ann@Shop.example"
		observe(t, s, clear)

		observe(t, s, observation(t, s, f, her("h-5", visit2))) // then bob took over
		shared := meeting(t, s, f, hit("h-6", visit2), bob)
		shared.Expect = 1
		bobs := observe(t, s, shared)
		joann := observation(t, s, f, hit("h-7", "joann"))
		joann.Visit.Referrer = "https://shop.example/?m=joann@shop.example"
		joann.Visit.HEMs = []domain.HEM{{Variant: "lower", SHA256: hash + "00"}}
		observe(t, s, joann)
		mention := event("e-1", "ghl-bob")
		mention.Body = []byte("\x00\xff{\"note\":\"Lovelace, ann@shop.example\"}")
		bobsLead := decide(t, s, assign(f, receive(t, s, f, mention), "bea")).Lead
		j := judgement(t, s, f, stored(shared, bobs)...)
		j.Announce = append(j.Announce, announcement("names-her", j.Lead.Lead))
		j.Announce[1].Payload = json.RawMessage(`{"hems":["` + hash + `"],"name":"Lovelace"}`)
		judge(t, s, j)
		owes := meeting(t, s, f, hit("h-8", "visitor-3"), bob)
		owes.Owed[0].Page.URL = "https://shop.example/Lovelace?m=ann@shop.example"
		observe(t, s, owes)

		elsewhere := her("h-1", visit1)
		elsewhere.Account = "globex"
		theirs := meeting(t, s, f, elsewhere, ada)
		theirs.Visit.HEMs = unknown.Visit.HEMs
		observe(t, s, theirs)
		found, err := s.VisitorsNaming(t.Context(), account, texts)
		require.NoError(t, err)
		require.ElementsMatch(t, []domain.VisitorID{visit1, "by-phone", "by-address"}, found)
		for _, nothing := range [][]string{nil, {""}, {"ann@shop"}} {
			none, err := s.VisitorsNaming(t.Context(), account, nothing)
			require.NoError(t, err)
			require.Empty(t, none, nothing)
		}

		for again := range 2 {
			got, err := s.Erase(t.Context(), domain.Erasure{Account: account, Visitors: found, Texts: texts, Audit: audit("erase")})
			require.NoError(t, err)
			want := map[string]int64{"visits": 3, "events": 6, "sightings": 1, "announcements": 1}
			for table, n := range got.Rows {
				require.Equal(t, want[table]*int64(1-again), n, table)
			}
		}
		s = in.Crash(t).Store
		require.NotContains(t, everything(t, s), "Lovelace")
		for _, v := range found {
			requireNoVisit(t, s, v)
		}
		requireVisit(t, s, bobs.Visit)
		requireStands(t, s, bobsLead)
		require.Len(t, announced(t, s), 1)
		for _, v := range []domain.VisitorKey{{Account: account, Visitor: "joann"}, {Account: "globex", Visitor: visit1}} {
			_, err := s.Visit(t.Context(), v)
			require.NoError(t, err, v)
		}
		got, err := s.Erase(t.Context(), domain.Erasure{Account: account, Visitors: []domain.VisitorID{visit2}, Audit: audit("erase")})
		require.NoError(t, err)
		require.EqualValues(t, 2, got.Rows["events"], "hers among bob's kept its place: his are found behind it")
	})

	// Somebody else's announcement names them, or an endpoint that was sent somebody else. What is behind an
	// announcement that goes does not wait for it.
	t.Run("WhatEndpointsWereToldAndSaid", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		a := announcement("names-her", "ghl-bob")
		a.Payload, a.Owed = json.RawMessage(`{"id":"names-her","referred_by":"Ada@Shop.example"}`), owes(crm)
		gone := announce(t, s, f, a)[0]
		record(t, s, fails(f, gone, noon))
		behind := oweOne(t, s, f, "after-her", "ghl-bob", crm)
		answered, other := oweOne(t, s, f, "answered", "ghl-cyd", crm), oweOne(t, s, f, "other", "ghl-dan", crm)
		said := fails(f, answered, noon)
		said.Receipt.Body, said.Receipt.Reason = []byte("\x00there is ada@shop.example"), "409 for ada@shop.example"
		record(t, s, said)
		said = fails(f, other, noon)
		said.Receipt.Body = []byte("there is joada@shop.example")
		record(t, s, said)
		was := delivery(t, s, other.N)
		_, err := s.Erase(t.Context(), domain.Erasure{Account: account, Texts: []string{"ada@shop.example"}, Audit: audit("erase")})
		require.NoError(t, err)
		s = in.Crash(t).Store
		_, err = s.Delivery(t.Context(), account, gone.N)
		require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
		require.False(t, delivery(t, s, behind.N).Behind)
		require.Contains(t, due(t, s, crm, time.Now().Add(day)), behind.N)
		require.NotContains(t, strings.ReplaceAll(everything(t, s), "joada@", ""), "ada@shop.example")
		left := delivery(t, s, answered.N)
		require.Equal(t, domain.DeliveryPending, left.State)
		require.EqualValues(t, 1, left.Attempts)
		require.Equal(t, was, delivery(t, s, other.N))
		require.Len(t, receipts(t, s, other.N), 1)
	})

	// The disk or the connection fails at any step, again and again: the erasure says so, nothing it does stands
	// by halves, and asking again finishes it.
	for _, step := range h.Steps {
		t.Run("SurvivesAFailureAt/"+step, func(t *testing.T) {
			t.Parallel()
			var p trap
			in := h.Open(t, Options{Fail: p.fail})
			s := in.Store
			f := claim(t, s)
			cast := erasureCast(t, s, f)
			p.set(step, 1<<30)
			_, err := s.Erase(t.Context(), cast.erasure)
			failed := p.hits() > 0
			require.Equal(t, failed, err != nil, "%v", err)
			p.set("", 0)
			s = in.Crash(t).Store
			feed(t, s, "bea")
			if len(since(t, s, 0, "", 10)) == 0 {
				require.Contains(t, everything(t, s), "Lovelace", "nothing goes before the suppression is in force")
			}
			_, err = s.Erase(t.Context(), cast.erasure)
			require.NoError(t, err)
			require.NotContains(t, everything(t, s), "Lovelace")
			cast.requireOthers(t, s)
		})
	}
}
