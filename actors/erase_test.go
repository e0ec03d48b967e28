package actors_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors"
	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/persistence/embedded"
)

// shelf is a graph of one person, whom it knows by a business e-mail and a personal one.
type shelf struct{ person domain.Person }

func (s shelf) Borrow() identity.Graph { return s }
func (s shelf) Release()               {}

func (s shelf) Person(k domain.Key) (domain.PersonID, bool) {
	for _, one := range identity.KeysOf("", s.person.HEMs, "", nil) {
		if one == k {
			return s.person.ID, true
		}
	}
	return "", false
}

func (s shelf) Record(p domain.PersonID) (domain.Person, bool) { return s.person, p == s.person.ID }
func (s shelf) Company(string) (domain.Company, bool)          { return domain.Company{}, false }
func (s shelf) Network(netip.Addr) (string, bool)              { return "", false }

// archive is an archive over a fresh store, with a lead of the CRM for each e-mail.
func archive(t *testing.T, graphs identity.Graphs, emails ...string) actors.Archive {
	t.Helper()
	store, err := embedded.Open(t.Context(), t.TempDir(), embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	fences, err := store.Claim(t.Context(), "n1", []domain.Partition{1})
	require.NoError(t, err)
	for _, email := range emails {
		key := domain.LeadKey{Account: "acme", Lead: domain.LeadID("ghl-" + email[:3])}
		e := domain.Event{
			Account: "acme", Source: "ghl", ID: domain.EventID("e-" + key.Lead), Lead: key.Lead, Campaign: "solar", Type: "contact", Effect: domain.Open,
			Contact: domain.Contact{Email: email, Phone: "+14155550100"}.JSON(), Body: []byte(`{}`), ReceivedAt: actortest.Noon, OccurredAt: actortest.Noon,
		}
		got, err := store.Receive(t.Context(), fences[0], e)
		require.NoError(t, err)
		_, err = store.Decide(t.Context(), domain.Decision{
			Fence: fences[0], EventSeq: got.Seq, Verb: domain.Hold, Lead: key, Source: e.Source, EventID: e.ID, Campaign: e.Campaign, Contact: e.Contact,
			ReceivedAt: e.ReceivedAt, At: e.ReceivedAt,
		})
		require.NoError(t, err)
	}
	return actors.Archive{Store: store, Graphs: graphs, Clock: actortest.NewClock(actortest.Noon)}
}

// An erasure by one e-mail reaches the lead under the other one that the graph knows of the same person, and
// suppresses both, hashes and person alike; whoever only shares the phone stays.
func TestArchive_FollowsTheGraph(t *testing.T) {
	t.Parallel()
	ada := domain.Person{
		ID: "p1", BusinessEmail: "ada@work.example", PersonalEmail: "ada.l@gmail.com", Phones: []string{"+14155550100"},
		HEMs: append(identity.HEMs("ada@work.example"), identity.HEMs("ada.l@gmail.com")...),
	}
	a := archive(t, shelf{ada}, "adal@gmail.com", "cyd@work.example")
	found, err := a.Find(t.Context(), "acme", "ADA@work.example")
	require.NoError(t, err)
	require.Equal(t, []domain.LeadID{"ghl-ada"}, found.Leads)
	require.Equal(t, []domain.PersonID{"lead-ghl-ada", "p1"}, found.Persons)
	require.Equal(t, []domain.Person{ada}, found.Records)

	_, err = a.Erase(t.Context(), "acme", "ADA@work.example", domain.AuditEntry{At: actortest.Noon, Actor: "key k", Action: "erase"})
	require.NoError(t, err)
	revision, err := a.Store.SuppressionRevision(t.Context())
	require.NoError(t, err)
	list, err := a.Store.SuppressionsSince(t.Context(), 0, "", 1000)
	require.NoError(t, err)
	for _, subject := range []identity.Subject{
		{Account: "acme", HEMs: identity.HEMs("ada@work.example")}, {Account: "acme", HEMs: identity.HEMs("a.dal@gmail.com")},
		{Account: "acme", Person: "p1"}, {Account: "acme", Person: "lead-ghl-ada"},
	} {
		s := identity.NewSuppressions(nil)
		s.Take(revision, list)
		_, suppressed := s.Check(subject)
		require.True(t, suppressed, subject)
	}
	s := identity.NewSuppressions(nil)
	s.Take(revision, list)
	for _, subject := range []identity.Subject{
		{Account: "rival", Person: "p1"}, {Account: "acme", HEMs: identity.HEMs("cyd@work.example"), Phones: phones(t, "+14155550100")},
	} {
		_, suppressed := s.Check(subject)
		require.False(t, suppressed, subject)
	}
	lead, err := a.Store.Lead(t.Context(), domain.LeadKey{Account: "acme", Lead: "ghl-cyd"})
	require.NoError(t, err)
	require.Contains(t, string(lead.Contact), "cyd@work.example")
}

// The graph is shared by all accounts. What it says of somebody is an account's to read where the account keeps
// something of them, and nobody's once they objected: otherwise anybody's key would open the whole graph.
func TestArchive_TellsNoStrangersRecord(t *testing.T) {
	t.Parallel()
	ada := domain.Person{
		ID: "p1", FirstName: "Ada", BusinessEmail: "ada@work.example", PersonalEmail: "ada.l@gmail.com", Phones: []string{"+14155550100"},
		HEMs: append(identity.HEMs("ada@work.example"), identity.HEMs("ada.l@gmail.com")...),
	}
	asked := func(a actors.Archive, account domain.AccountID, key string) domain.Belongings {
		t.Helper()
		found, err := a.Find(t.Context(), account, key)
		require.NoError(t, err)
		return found
	}
	a := archive(t, shelf{ada}, "cyd@work.example")
	s := identity.NewSuppressions(nil)
	a.Check = s.Check
	gmail := identity.KeysOf("", identity.HEMs("ada.l@gmail.com"), "", nil)
	for _, key := range []string{"ada@work.example", identity.HEMs("ada@work.example")[0].MD5, "p1", "+14155550100"} {
		found := asked(a, "acme", key)
		require.Empty(t, found.Records, "%s: nothing of hers is here", key)
		require.NotContains(t, found.Persons, domain.PersonID("p1"), "%s: nor does it say that the graph knows her", key)
		for _, k := range gmail {
			require.NotContains(t, found.Keys, k, "%s: nor by what else", key)
		}
	}

	a = archive(t, shelf{ada}, "adal@gmail.com")
	a.Check = s.Check
	found := asked(a, "acme", "ada@work.example")
	require.Equal(t, []domain.Person{ada}, found.Records, "a lead has her other e-mail")
	require.Subset(t, found.Keys, gmail)
	require.Empty(t, found.Suppressed)
	require.Empty(t, asked(a, "rival", "ada@work.example").Records, "it is another's lead")

	b := archive(t, shelf{ada})
	fences, err := b.Store.Claim(t.Context(), "n1", []domain.Partition{1})
	require.NoError(t, err)
	const visitor = "1d6b7f66-6a3f-4d0a-8f6e-3a5f5b0a0002"
	got, err := b.Store.Observe(t.Context(), domain.Observation{Fence: fences[0], Visit: domain.Visit{
		Account: "acme", Visitor: visitor, Pixel: "shop", Session: "s", Number: 1, StartedAt: actortest.Noon, LastAt: actortest.Noon,
		Person: "p1", Match: domain.Match{Level: domain.PersonMatch, By: domain.KeyClick, From: "graph"},
	}})
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
	require.Equal(t, []domain.Person{ada}, asked(b, "acme", "ada@work.example").Records, "a visit was hers, with nothing learned")
	require.Empty(t, asked(b, "rival", "ada@work.example").Records)

	one, err := identity.NewSuppression(domain.GlobalScope, "", "", domain.SuppressEmail, "ada@work.example", "", actortest.Noon)
	require.NoError(t, err)
	one.Revision = 1
	s.Take(1, []domain.Suppression{one})
	found = asked(a, "acme", "ada.l@gmail.com")
	require.Empty(t, found.Records, "she objected, by whichever e-mail")
	require.NotEmpty(t, found.Suppressed)
	require.Equal(t, []domain.LeadID{"ghl-ada"}, found.Leads, "what the account keeps is told all the same")
	for _, k := range identity.KeysOf("", identity.HEMs("ada@work.example"), "", nil) {
		require.NotContains(t, found.Keys, k)
	}
	require.Empty(t, asked(a, "rival", "ada.l@gmail.com").Suppressed, "whoever keeps nothing learns no e-mail of hers from an objection")
}

func phones(t *testing.T, phone string) []string {
	t.Helper()
	hash, ok := identity.PhoneHash(phone)
	require.True(t, ok)
	return []string{hash}
}

// Every way to name somebody finds the same lead.
func TestArchive_Keys(t *testing.T) {
	t.Parallel()
	a := archive(t, nil, "ada@work.example")
	h := identity.HEMs("ada@work.example")[0]
	for _, key := range []string{"ada@work.example", " Ada@Work.Example ", h.MD5, h.SHA1, h.SHA256, "+1 (415) 555-0100", phones(t, "+14155550100")[0], "lead-ghl-ada"} {
		found, err := a.Find(t.Context(), "acme", key)
		require.NoError(t, err, key)
		require.Equal(t, []domain.LeadID{"ghl-ada"}, found.Leads, key)
		other, err := a.Find(t.Context(), "rival", key)
		require.NoError(t, err)
		require.Empty(t, other.Leads, "another account keeps nothing of them")
	}
	for _, key := range []string{"", "no id", "+12"} {
		_, err := a.Find(t.Context(), "acme", key)
		require.Equal(t, domain.Invalid, domain.CodeOf(err), key)
	}
}

// After an erasure the visitor's lane, which still remembers, can bring nothing back: its next hit is kept as
// evidence, without the person.
func TestRuntime_EraseWhileTheLaneRemembers(t *testing.T) {
	t.Parallel()
	catalog := actortest.Catalog("ann")
	account := catalog.Accounts[0].ID
	catalog.Accounts[0].Pixels = []domain.Pixel{{ID: "eraser-shop", Origins: []string{"https://shop.example"}}}
	node := actortest.New(t, catalog)
	visitor := domain.VisitorKey{Account: account, Visitor: "1d6b7f66-6a3f-4d0a-8f6e-3a5f5b0a0001"}
	hit := func(id string, kind domain.HitType, hems []domain.HEM) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := node.Runtime.Hits(ctx, []domain.Hit{{
			Account: account, Pixel: "eraser-shop", Visitor: visitor.Visitor, ID: domain.EventID(id), Type: kind, HEMs: hems,
			Page: domain.Page{URL: "https://shop.example/", Path: "/"}, Body: []byte(`{}`), OccurredAt: node.Clock.Now(), ReceivedAt: node.Clock.Now(),
		}})
		require.NoError(t, err)
		node.Settle()
	}
	hit("h1", domain.Identify, identity.HEMs("ada@example.com"))
	before, err := node.Store.Visit(t.Context(), visitor)
	require.NoError(t, err)
	require.NotEmpty(t, before.Person)

	_, err = node.Runtime.Erase(t.Context(), account, "ada@example.com", domain.AuditEntry{At: node.Clock.Now(), Actor: "key k", Action: "erase"})
	require.NoError(t, err)
	node.Settle()
	found, err := node.Runtime.Find(t.Context(), account, "ada@example.com")
	require.NoError(t, err)
	require.Empty(t, found.Persons)
	require.Empty(t, found.Visitors)
	require.NotEmpty(t, found.Suppressed)

	hit("h2", domain.PageView, nil)
	after, err := node.Store.Visit(t.Context(), visitor)
	require.NoError(t, err)
	require.Empty(t, after.Person)
	require.Empty(t, after.HEMs)
	hit("h3", domain.Identify, identity.HEMs("Ada@Example.com"))
	after, err = node.Store.Visit(t.Context(), visitor)
	require.NoError(t, err)
	require.Empty(t, after.Person)
	require.NotEmpty(t, after.Suppressed)
	links, err := node.Store.Links(t.Context(), 0, 100)
	require.NoError(t, err)
	for _, l := range links {
		require.True(t, l.Removed, l)
	}
}

// What a browser told and nobody was found by is found by the hash itself; and what she told at a browser that somebody
// else has taken over goes from among his. Afterwards no byte of the store's files names her, in clear or by a word
// that stood beside: only the suppressions, and for a day the keys of links, have her hashes.
func TestRuntime_ErasesWhatNobodyWasFoundBy(t *testing.T) {
	t.Parallel()
	bob := domain.Person{ID: "bob", PersonalEmail: "bob@example.com"}
	for name, key := range map[string]string{"by an e-mail": "ada@example.com", "by a phone": "+1 415 555 0100"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := actortest.New(t, actortest.WithPixel(actortest.Catalog("ann")), actortest.WithGraph(actortest.NewGraph(bob)))
			phone := phones(t, "+14155550100")[0]
			tell := func(id domain.EventID, v domain.VisitorID) domain.Hit {
				h := actortest.View(id)
				h.Visitor, h.Type, h.Body = v, domain.Identify, []byte(`{"sha256":"`+identity.HEMs("ada@example.com")[0].SHA256+`","phone":"`+phone+`","note":"Lovelace"}`)
				if key == "ada@example.com" {
					h.HEMs = identity.HEMs(key)
				} else {
					h.Phone = phone
				}
				return h
			}
			node.See(tell("a", "unknown"), tell("b", "shared"))
			letter := actortest.View("c") // she followed a link that has her e-mail in it
			letter.Visitor, letter.Page.URL = "by-letter", "https://shop.example/?phone=%2B14155550100&m="+url.QueryEscape("Ada@Example.com")
			letter.Body = []byte(`{"url":"` + letter.Page.URL + `","title":"Lovelace"}`)
			taken := actortest.Identify("d", "bob@example.com")
			taken.Visitor = "shared"
			node.See(letter, taken)

			found, err := node.Runtime.Find(t.Context(), "acme", key)
			require.NoError(t, err)
			require.Equal(t, []domain.VisitorID{"by-letter", "unknown"}, found.Visitors)
			_, err = node.Runtime.Erase(t.Context(), "acme", key, domain.AuditEntry{At: node.Clock.Now(), Actor: "key k", Action: "erase"})
			require.NoError(t, err)
			node.Settle()
			require.Equal(t, domain.PersonID("bob"), node.Visit("shared").Person)
			for _, v := range []domain.VisitorID{"unknown", "by-letter"} {
				_, err := node.Store.Visit(t.Context(), domain.VisitorKey{Account: "acme", Visitor: v})
				require.Equal(t, domain.NotFound, domain.CodeOf(err), v)
			}
			for _, word := range []string{"Lovelace", "ada@example.com", "Ada@Example.com", "Ada%40Example.com", "14155550100"} {
				require.Empty(t, node.FilesWith(word), word)
			}
			audit, err := node.Store.Audit(t.Context(), "", 0, 100)
			require.NoError(t, err)
			require.NotEmpty(t, audit)
			list, err := node.Store.SuppressionsSince(t.Context(), 0, "", 100)
			require.NoError(t, err)
			said, err := json.Marshal([]any{audit, list})
			require.NoError(t, err)
			for _, word := range []string{"ada@", "Ada@", "4155550100", "415 555"} {
				require.NotContains(t, string(said), word)
			}
		})
	}
}

// An e-mail that stands in no record and no contact, but was linked to her, is hers as well: it is suppressed, and
// what was told by it goes. A phone is not followed: somebody else's e-mail that shares it stays.
func TestArchive_FollowsLinks(t *testing.T) {
	t.Parallel()
	a := archive(t, nil, "cyd@work.example")
	old, shared := identity.HEMs("ada@old.example"), phones(t, "+14155550100")[0]
	var links []domain.Link
	for _, k := range identity.KeysOf("", append(identity.HEMs("ada@new.example"), old...), shared, nil) {
		links = append(links, domain.Link{Account: "acme", Key: k, Person: "p1", From: identity.FromCRM, At: actortest.Noon})
	}
	_, err := a.Store.Learn(t.Context(), domain.Lesson{Links: links})
	require.NoError(t, err)
	fences, err := a.Store.Claim(t.Context(), "n1", []domain.Partition{1})
	require.NoError(t, err)
	for visitor, hems := range map[domain.VisitorID][]domain.HEM{"hers": {{Variant: "lower", MD5: old[0].MD5}}, "cyds": identity.HEMs("cyd@work.example")} {
		got, err := a.Store.Observe(t.Context(), domain.Observation{Fence: fences[0], Visit: domain.Visit{
			Account: "acme", Visitor: visitor, Pixel: "shop", Session: "s", Number: 1, LastAt: actortest.Noon, HEMs: hems, Phone: shared,
		}})
		require.NoError(t, err)
		require.Equal(t, domain.Done, got.Outcome)
	}
	found, err := a.Find(t.Context(), "acme", "ada@new.example")
	require.NoError(t, err)
	require.Equal(t, []domain.VisitorID{"hers"}, found.Visitors)
	_, err = a.Erase(t.Context(), "acme", "ada@new.example", domain.AuditEntry{At: actortest.Noon, Actor: "key k", Action: "erase"})
	require.NoError(t, err)
	list, err := a.Store.SuppressionsSince(t.Context(), 0, "", 1000)
	require.NoError(t, err)
	s := identity.NewSuppressions(nil)
	s.Take(1, list)
	_, suppressed := s.Check(identity.Subject{Account: "acme", HEMs: []domain.HEM{{SHA1: old[0].SHA1}}})
	require.True(t, suppressed)
	_, suppressed = s.Check(identity.Subject{Account: "acme", HEMs: identity.HEMs("cyd@work.example"), Phones: []string{shared}})
	require.False(t, suppressed)
}
