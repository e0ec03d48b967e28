package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
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

var (
	adaClick = domain.Key{Kind: domain.KeyClick, Value: "gclid:ada"}
	adaPhone = domain.Key{Kind: domain.KeyPhone, Value: "fa0efa0efa0efa0efa0efa0efa0efa0efa0efa0efa0efa0efa0efa0efa0efa0e"}
)

// erasureStory is a person in every place a person can be, beside somebody else.
type erasureStory struct {
	erasure       domain.Erasure
	events        []domain.Event    // of the erased leads
	pending, held domain.Pending    // of the erased leads
	owed          domain.Sighting   // of the erased visitor
	sent          []domain.Delivery // of the erased lead, pending
	bobsVisit     domain.Visit
	bobsLead      domain.Lead
	bobsDelivery  domain.Delivery
}

func erasureCast(t *testing.T, s domain.Store, f domain.Fence) erasureStory {
	t.Helper()
	var c erasureStory
	her := func(id string, lead domain.LeadID) domain.Event {
		e := event(id, lead)
		e.Contact = contact("Ada", "Lovelace")
		e.Body = []byte(`{"lastName":"Lovelace"}`)
		c.events = append(c.events, e)
		return e
	}
	// A lead that was assigned and updated, with an event nobody has decided, and one that waits.
	c.bobsLead = assigned(t, s, f, "bob", "bea").Lead
	decide(t, s, assign(f, receive(t, s, f, her("e-1", "ghl-ada")), "bea"))
	d := settle(f, receive(t, s, f, her("e-2", "ghl-ada")), domain.Update)
	d.Expect = 1
	d.Announce = []domain.Announcement{announcement("updated", "ghl-ada")}
	d.Announce[0].Payload = json.RawMessage(`{"id":"updated","last_name":"Lovelace"}`)
	d.Announce[0].Owed = owes(crm, warehouse)
	c.sent = decide(t, s, d).Announced[0].Deliveries
	echo := fails(f, c.sent[0], noon)
	echo.Receipt.Body = []byte("cannot take Lovelace")
	record(t, s, echo)
	c.bobsDelivery = oweOne(t, s, f, "to-bob", "ghl-bob", crm)
	record(t, s, fails(f, c.bobsDelivery, noon))
	c.bobsDelivery = delivery(t, s, c.bobsDelivery.N)
	c.pending = receive(t, s, f, her("e-3", "ghl-ada"))
	waits := her("e-4", "ghl-ada-waits")
	got := admit(t, s, waits, settle(f, domain.Pending{Event: waits}, domain.Hold))
	c.held = domain.Pending{Seq: got.Received.Seq, Event: waits, Held: true}
	receive(t, s, f, event("e-5", "ghl-bob")) // pending, and nothing of hers

	// Her visits: one sighting judged, one still owed.
	o := meeting(t, s, f, hit("h-1", visit1), ada)
	o.Visit.HEMs = []domain.HEM{{Variant: "lower", SHA256: adaKey.Value}}
	o.Hits[0].Body = []byte(`{"title":"Lovelace"}`)
	o.Learn = []domain.Link{link(adaKey, ada), link(domain.Key{Kind: domain.KeyVisitor, Value: string(visit1)}, "p-somebody"), link(bobKey, bob)}
	judge(t, s, judgement(t, s, f, stored(o, observe(t, s, o))...))
	o = meeting(t, s, f, hit("h-2", visit1), ada)
	o.Expect, o.Learn, o.Owed[0].Page.Title = 1, nil, "Lovelace"
	c.owed = stored(o, observe(t, s, o))[0]
	// By key alone: a phone that stands for somebody else by now; by person alone: a click.
	learn(t, s, link(adaPhone, "p-somebody"), link(adaClick, ada))

	judge(t, s, judgement(t, s, f, met(t, s, f, "h-bob", visit2, bob)))
	o = meeting(t, s, f, hit("h-bob-2", visit2), bob)
	o.Expect = 1
	c.bobsVisit = observe(t, s, o).Visit
	c.erasure = domain.Erasure{
		Account: account, Visitors: []domain.VisitorID{visit1}, Persons: []domain.PersonID{ada}, Keys: []domain.Key{adaKey, adaPhone},
		Leads:    []domain.LeadID{"ghl-ada", "ghl-ada-waits", domain.LeadOfPerson(ada), "ghl-nobody"},
		Suppress: []domain.Suppression{suppression("s-ada", ada)}, Audit: audit("erase"),
	}
	return c
}

// requireOthers insists that nothing of bob's was touched.
func (c erasureStory) requireOthers(t *testing.T, s domain.Store) {
	t.Helper()
	requireVisit(t, s, c.bobsVisit)
	requireStands(t, s, c.bobsLead)
	require.Len(t, owed(t, s), 1)
	require.Len(t, announced(t, s), 2)
	require.Equal(t, []domain.Delivery{c.bobsDelivery}, deliveries(t, s, domain.DeliveryFilter{}))
	require.Len(t, receipts(t, s, c.bobsDelivery.N), 1)
	require.Equal(t, bob, lastPerson(links(t, s), bobKey))
	require.Len(t, undecided(t, s, false), 1)
}

// everything is all that the store says of the account, to look for words in.
func everything(t *testing.T, s domain.Store) string {
	t.Helper()
	var all strings.Builder
	write := func(what any, err error) {
		require.NoError(t, err)
		b, err := json.Marshal(what)
		require.NoError(t, err)
		all.Write(b)
	}
	leads, err := s.ScanLeads(t.Context(), account, "", 1000)
	write(leads, err)
	write(undecided(t, s, false), nil)
	write(undecided(t, s, true), nil)
	for _, buyer := range []domain.BuyerID{"bea", "cid"} {
		write(feed(t, s, buyer), nil)
	}
	write(owed(t, s), nil)
	write(announced(t, s), nil)
	for _, d := range deliveries(t, s, domain.DeliveryFilter{}) {
		whole, err := s.Delivery(t.Context(), account, d.N)
		write(whole, err)
		for _, r := range receipts(t, s, d.N) {
			write(string(r.Body), nil)
			write(r, nil)
		}
	}
	for _, l := range links(t, s) {
		if !l.Removed { // it says which key to drop
			write(l, nil)
		}
	}
	for _, v := range []domain.VisitorID{visit1, visit2} {
		visit, err := s.Visit(t.Context(), domain.VisitorKey{Account: account, Visitor: v})
		if domain.CodeOf(err) != domain.NotFound {
			write(visit, err)
		}
	}
	return all.String()
}
