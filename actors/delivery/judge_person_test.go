package delivery_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// A first match of a person enters the pixel's campaign, with what a buyer needs. An update does not enter again.
func TestJudge_EntersTheCampaign(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Announce{Companies: true})
	o.pixels["shop"].Pixel.Campaign = "pumps"
	c := newCrew(t, o)
	now := noon.Add(time.Second)
	d := only[delivery.Decide](t, c.Sighted(now, sighting(1))).Judgement
	require.NotNil(t, d.Enter)
	require.Equal(t, int64(101), d.Enter.Seq, "the hit's place is the pending event's")
	e := d.Enter.Event
	require.JSONEq(t, `{"first_name":"Ada","last_name":"Byron","email":"ada@pumps.example","phone":"+14155550100",
		"company":"United Pumps","city":"Reno","state":"NV","postal_code":"89501","country":"US","website":"https://pumps.example",
		"channel":"shop","fields":{"linkedin":"https://linkedin.example/in/ada","title":"Head of Engines","page":"https://shop.example/p/1"}}`, string(e.Contact))
	e.Contact = nil
	require.Equal(t, domain.Event{
		Account: "acme", Source: domain.PixelSource, ID: "hit-1", Type: "visitor.identified", Effect: domain.Open,
		Lead: "person-ada", Campaign: "pumps", OccurredAt: now, ReceivedAt: now,
	}, e)
	require.Equal(t, *d.Enter, find[delivery.Enter](t, c.done(now, d)).Pending)
	require.Nil(t, only[delivery.Decide](t, c.Sighted(noon.Add(time.Minute), sighting(2))).Judgement.Enter)

	company := sighting(1)
	company.Person = ""
	require.Nil(t, only[delivery.Decide](t, newCrew(t, o).Sighted(now, company)).Judgement.Enter, "a company is nobody to call")
}

// Days later the event is all there is of an entry. What it says and what the graph says by then is asked about: also
// of a person whom the graph has lost since, and of an event that no JSON is in.
func TestSubjectOfEntry(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Announce{})
	o.pixels["shop"].Pixel.Campaign = "pumps"
	first := sighting(1)
	first.Page.URL = "https://shop.example/p%2F1/%C3%A9?m=1"
	e := only[delivery.Decide](t, newCrew(t, o).Sighted(noon, first)).Judgement.Enter.Event
	suppressions := func(pixel domain.PixelID, kind domain.SuppressionKind, value string) *identity.Suppressions {
		scope := domain.AccountScope
		if pixel != "" {
			scope = domain.PixelScope
		}
		one, err := identity.NewSuppression(scope, "acme", pixel, kind, value, "", noon)
		require.NoError(t, err)
		all := identity.NewSuppressions(nil)
		all.Take(1, []domain.Suppression{one})
		return all
	}
	for _, row := range []struct {
		pixel domain.PixelID
		kind  domain.SuppressionKind
		value string
		lost  bool // also without the record
		want  bool
	}{
		{"", domain.SuppressEmail, "Ada@pumps.example", true, true},
		{"", domain.SuppressEmail, "ada@mail.example", false, true}, // the row has one e-mail, the record both
		{"", domain.SuppressPhone, "+1 415 555 0100", true, true},
		{"", domain.SuppressPerson, "ada", true, true},
		{"", domain.SuppressCompany, "pumps.example", true, true},
		{"", domain.SuppressRegion, "US-NV", true, true},
		{"", domain.SuppressPath, "/p%2F1/*", true, true},
		{"shop", domain.SuppressPerson, "ada", true, true},
		{"other", domain.SuppressPerson, "ada", true, false},
		{"", domain.SuppressPath, "/about", true, false},
		{"", domain.SuppressPerson, "bob", true, false},
	} {
		all := suppressions(row.pixel, row.kind, row.value)
		_, held := all.Check(delivery.SubjectOfEntry(e, "ada", ada))
		require.Equal(t, row.want, held, row)
		_, held = all.Check(delivery.SubjectOfEntry(e, "ada", domain.Person{}))
		require.Equal(t, row.want && row.lost, held, row)
	}
	e.Contact = []byte("{")
	_, held := suppressions("", domain.SuppressPerson, "ada").Check(delivery.SubjectOfEntry(e, "ada", domain.Person{}))
	require.True(t, held)
}

// The CRM knows somebody whom the graph does not: the contact of its lead is who that is. It is loaded before
// anything is said, and again when it has aged. It has its campaign already.
func TestJudge_LoadsTheContactOfACRMsLead(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Announce{})
	o.pixels["shop"].Pixel.Campaign = "pumps"
	crm := domain.LeadKey{Account: "acme", Lead: "ghl-1"}
	of := func(n int64) domain.Sighting {
		s := sighting(n)
		s.Lead, s.Person = crm.Lead, domain.PersonOfLead(crm.Lead)
		return s
	}
	judge := delivery.NewJudge(crm, fence, o.deps())
	now := noon.Add(time.Second)
	require.Equal(t, crm, only[delivery.LoadContact](t, judge.Sighted(now, of(1))).Lead)
	require.Empty(t, judge.Sighted(now, of(2)), "one question at a time")
	contact := domain.Contact{Name: "Jo Ann Doe", Email: "jo@example.com", Phone: "+14155550111", City: "Elko"}
	d := only[delivery.Decide](t, judge.Contact(now, &contact, nil)).Judgement
	p := read(t, d.Announce[0]).Person
	require.Equal(t, &domain.Person{
		ID: "lead-ghl-1", FirstName: "Jo Ann", LastName: "Doe", PersonalEmail: "jo@example.com", Phones: []string{"+14155550111"}, City: "Elko",
	}, p)
	require.Nil(t, d.Enter)
	d.After.Revision = 1
	judge.Judged(now, d, domain.Judged{Outcome: domain.Done, Acquaintance: d.After}, nil)

	only[delivery.LoadContact](t, judge.Due(noon.Add(time.Minute)))
	require.Equal(t, 50*time.Millisecond, only[delivery.Wake](t, judge.Contact(noon.Add(time.Minute), nil, down)).After)
	only[delivery.LoadContact](t, judge.Due(noon.Add(2*time.Minute)))
	erased := domain.Contact{Status: "erased"}
	d = only[delivery.Decide](t, judge.Contact(noon.Add(2*time.Minute), &erased, nil)).Judgement
	require.Empty(t, d.Announce, "what was erased is not announced")
	require.Equal(t, int64(1), d.Expect)
}

// A phone known by its hash is there for suppressions, and leaves neither in a payload nor to a buyer; nor does a
// number without its country, which no suppression can be compared with.
func TestJudge_TellsPhonesInClearOnly(t *testing.T) {
	t.Parallel()
	hash, _ := identity.PhoneHash("+14155550199")
	for name, row := range map[string]struct {
		phones, want []string
		buyer        string
	}{
		"hashes only":   {[]string{hash}, nil, ""},
		"a hash first":  {[]string{hash, "+1 (415) 555-0100", hash}, []string{"+14155550100"}, "+14155550100"},
		"no country":    {[]string{"4155550100"}, nil, ""},
		"nothing to do": {[]string{"+14155550100", "+14155550101"}, []string{"+14155550100", "+14155550101"}, "+14155550100"},
	} {
		o := newOffice(domain.Announce{})
		o.pixels["shop"].Pixel.Campaign = "pumps"
		deps := o.deps()
		deps.Record = func(domain.AccountID, domain.PersonID) (domain.Person, bool) {
			p := ada
			p.Phones = row.phones
			return p, true
		}
		judge := delivery.NewJudge(key, fence, deps)
		d := only[delivery.Decide](t, judge.Sighted(noon.Add(time.Second), sighting(1))).Judgement
		require.Equal(t, row.want, read(t, d.Announce[0]).Person.Phones, name)
		require.NotContains(t, string(d.Announce[0].Payload), hash, name)
		var contact domain.Contact
		require.NoError(t, json.Unmarshal(d.Enter.Event.Contact, &contact), name)
		require.Equal(t, row.buyer, contact.Phone, name)
	}
	o := newOffice(domain.Announce{})
	deps := o.deps()
	deps.Record = func(domain.AccountID, domain.PersonID) (domain.Person, bool) {
		return domain.Person{ID: "ada", Phones: []string{hash}}, true
	}
	list := identity.NewSuppressions(nil)
	s, err := identity.NewSuppression(domain.GlobalScope, "", "", domain.SuppressPhone, "+14155550199", "", noon)
	require.NoError(t, err)
	list.Take(1, []domain.Suppression{s})
	deps.Check = list.Check
	judge := delivery.NewJudge(key, fence, deps)
	only[delivery.Wake](t, judge.Sighted(noon.Add(time.Second), sighting(1)))
	d := only[delivery.Decide](t, judge.Due(noon.Add(6*time.Second))).Judgement
	require.Empty(t, d.Announce, "the hash is what suppresses")
}

// Where the CRM's own person works is said by its e-mail and its website: a suppressed company's people are not
// announced.
func TestJudge_SuppressesTheCompanyOfACRMsLead(t *testing.T) {
	t.Parallel()
	crm := domain.LeadKey{Account: "acme", Lead: "ghl-1"}
	for name, row := range map[string]struct {
		contact    domain.Contact
		suppressed bool
	}{
		"by its e-mail":               {domain.Contact{Email: "Jo@Mail.Rival.example "}, true},
		"by its website":              {domain.Contact{Email: "jo@mail.example", Website: "https://www.Rival.example:8443/about?x=1"}, true},
		"by a website as people type": {domain.Contact{Website: " www.rival.example/about"}, true},
		"by a bare domain":            {domain.Contact{Website: "rival.example"}, true},
		"somebody else":               {domain.Contact{Email: "jo@arrival.example", Website: "https://other.example/rival.example"}, false},
		"nothing is said":             {domain.Contact{FirstName: "Jo", Email: "@", Website: "://"}, false},
	} {
		o := newOffice(domain.Announce{})
		deps := o.deps()
		s, err := identity.NewSuppression(domain.AccountScope, "acme", "", domain.SuppressCompany, "rival.example", "", noon)
		require.NoError(t, err)
		list := identity.NewSuppressions(nil)
		list.Take(1, []domain.Suppression{s})
		deps.Check = list.Check
		seen := sighting(1)
		seen.Lead, seen.Person, seen.Company = crm.Lead, domain.PersonOfLead(crm.Lead), ""
		judge, now := delivery.NewJudge(crm, fence, deps), noon.Add(time.Second)
		only[delivery.LoadContact](t, judge.Sighted(now, seen))
		steps := judge.Contact(now, &row.contact, nil)
		if row.suppressed {
			only[delivery.Wake](t, steps)
			steps = judge.Due(noon.Add(6 * time.Second))
		}
		require.Equal(t, row.suppressed, len(only[delivery.Decide](t, steps).Judgement.Announce) == 0, name)
	}
}
