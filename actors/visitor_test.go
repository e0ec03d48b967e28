package actors_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/wire"
)

var ada = domain.Person{ID: "ada", FirstName: "Ada", PersonalEmail: "ada@example.com", Company: "engines.example"}

const (
	identified = domain.VisitorIdentifiedEvent
	updated    = domain.VisitorUpdatedEvent
)

// Two views of nobody, then the page knows an e-mail: whoever it is, is announced at once, with the views
// before. What follows is gathered into one update.
func TestVisitor_IsIdentified(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()), actortest.WithGraph(actortest.NewGraph(ada)))
	node.See(actortest.View("a"), actortest.View("b"))
	require.Empty(t, node.Announced())
	node.See(actortest.Identify("c", "Ada@Example.com"))
	require.Equal(t, []domain.AnnouncementType{identified}, node.Announced())
	require.Equal(t, domain.PersonID("ada"), node.Visit(actortest.Visitor).Person)
	payload := string(node.Announcements()[0].Payload)
	require.Contains(t, payload, `"Ada"`)
	require.Contains(t, payload, `https://shop.example/a`)
	node.See(actortest.View("d"), actortest.View("e"), actortest.View("f"))
	node.Advance(4 * time.Second)
	require.Len(t, node.Announced(), 1, "gathered")
	node.Advance(2 * time.Second)
	require.Equal(t, []domain.AnnouncementType{identified, updated}, node.Announced())
	require.Empty(t, node.Owed())
}

// The link that an identify call made outlives the visit's memory, and the node.
func TestVisitor_IsKnownAgain(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()), actortest.WithGraph(actortest.NewGraph(ada)))
	node.See(actortest.Identify("a", "ada@example.com"))
	node.Advance(6 * time.Second)
	node.Leap(time.Hour)
	node.Advance(time.Minute)
	require.Zero(t, node.Cluster.Live(wire.KindVisitor), "it has left memory")
	node.Restart()
	node.See(actortest.View("b"))
	node.Advance(6 * time.Second)
	require.Equal(t, []domain.AnnouncementType{identified, updated}, node.Announced())
	require.Equal(t, 2, node.Visit(actortest.Visitor).Number)
}

// Every hit ten times, of many visitors at once: each is kept once, each person announced once.
func TestVisitor_RetryStorm(t *testing.T) {
	t.Parallel()
	var people []domain.Person
	for i := range 8 {
		people = append(people, domain.Person{ID: domain.PersonID(fmt.Sprint("p", i)), PersonalEmail: fmt.Sprintf("p%d@example.com", i)})
	}
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()), actortest.WithGraph(actortest.NewGraph(people...)))
	storm(t, 64, func(i int) (bool, error) {
		h := actortest.Identify(domain.EventID(fmt.Sprint("h", i)), fmt.Sprintf("p%d@example.com", i%8))
		h.Visitor = domain.VisitorID(fmt.Sprint("v", i%16))
		r, err := node.Hit(h)
		return r.Duplicate, err
	})
	node.Settle()
	node.Advance(10 * time.Second)
	met := 0
	for _, a := range node.Announced() {
		if a == identified {
			met++
		}
	}
	require.Equal(t, 8, met)
	require.Empty(t, node.Owed())
}

// Everything crashes after a hit was acked and before its sighting was judged. The next run announces it,
// once.
func TestVisitor_FirstMatchSurvivesACrash(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()), actortest.WithGraph(actortest.NewGraph(ada)))
	node.Store.Fail("Judge", 1000, actortest.ErrDown)
	node.See(actortest.Identify("a", "ada@example.com"))
	require.Empty(t, node.Announced())
	require.Len(t, node.Owed(), 1)
	node.Restart()
	require.Equal(t, []domain.AnnouncementType{identified}, node.Announced())
	require.Empty(t, node.Owed())
	r, err := node.Hit(actortest.Identify("a", "ada@example.com"))
	require.NoError(t, err)
	require.True(t, r.Duplicate)
}

// Sightings that nobody can judge show on a gauge, until somebody can.
func TestRecovery_ShowsWhatIsOwed(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()), actortest.WithGraph(actortest.NewGraph(ada)))
	const owed = "leadwire_backlog_oldest_owed_sighting_seconds"
	node.Store.Fail("Judge", 1000, actortest.ErrDown)
	node.See(actortest.Identify("a", "ada@example.com"))
	node.Advance(10 * time.Second)
	require.Equal(t, 10.0, node.Gauge(owed))
	node.Store.Fail("Judge", 0, nil)
	node.Advance(10 * time.Second)
	require.Zero(t, node.Gauge(owed))
	require.Equal(t, []domain.AnnouncementType{identified}, node.Announced())
}

// The judgement is committed and its answer lost: the first match is announced under one id.
func TestVisitor_FirstMatchSurvivesALostAnswer(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()), actortest.WithGraph(actortest.NewGraph(ada)))
	node.Store.FailAfter("Judge", 1, actortest.ErrDown)
	node.See(actortest.Identify("a", "ada@example.com"))
	node.Advance(10 * time.Second)
	require.Equal(t, []domain.AnnouncementType{identified}, node.Announced())
	require.Empty(t, node.Owed())
}

// The store does not keep a hit, or its answer is lost: the page sends it again, and it counts once.
func TestVisitor_IsNotAckedWhenItIsNotKept(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()), actortest.WithGraph(actortest.NewGraph(ada)))
	node.Store.Fail("Observe", 1, actortest.ErrDown)
	_, err := node.Hit(actortest.View("a"))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	node.See(actortest.View("a"))
	node.Store.FailAfter("Observe", 1, actortest.ErrDown)
	_, err = node.Hit(actortest.Identify("b", "ada@example.com"))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	r, err := node.Hit(actortest.Identify("b", "ada@example.com"))
	require.NoError(t, err)
	require.True(t, r.Duplicate)
	require.Equal(t, 1, node.Visit(actortest.Visitor).Views)
	node.Advance(10 * time.Second)
	require.Equal(t, []domain.AnnouncementType{identified}, node.Announced(), "found by recovery")
}

// Somebody opts out, on another node: the very next hit names nobody, and nothing more leaves.
func TestVisitor_SuppressionIsInForceAtOnce(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		kind  domain.SuppressionKind
		value string
	}{
		"email":   {domain.SuppressEmail, "ADA@example.com"},
		"digest":  {domain.SuppressEmail, identity.HEMs("ada@example.com")[0].MD5},
		"phone":   {domain.SuppressPhone, "+14155550100"},
		"person":  {domain.SuppressPerson, "ada"},
		"company": {domain.SuppressCompany, "engines.example"},
		"region":  {domain.SuppressRegion, "US-CA"},
		"network": {domain.SuppressNetwork, "192.0.2.0/24"},
		"path":    {domain.SuppressPath, "/*"},
	} {
		kind, value := row.kind, row.value
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			her := ada
			her.Phones = []string{"+14155550100"}
			graph := actortest.NewGraph(her)
			graph.Cookie(actortest.Visitor, "ada")
			node := actortest.New(t, actortest.WithPixel(actortest.Catalog()), actortest.WithGraph(graph))
			view := func(id domain.EventID) domain.Hit {
				h := actortest.View(id)
				h.Address, h.Country, h.State = netip.MustParseAddr("192.0.2.7"), "US", "CA"
				return h
			}
			node.See(view("a"))
			require.Equal(t, []domain.AnnouncementType{identified}, node.Announced())
			node.See(view("b")) // gathered, and not yet announced
			node.Suppress(kind, value)
			node.See(view("c"))
			v := node.Visit(actortest.Visitor)
			require.Empty(t, v.Person)
			require.Equal(t, "account:"+string(kind), v.Suppressed)
			node.Advance(10 * time.Second)
			require.Len(t, node.Announced(), 1)
			require.Empty(t, node.Owed())
		})
	}
}

// Whoever said who they are and then opts out stays unknown, whatever still leads to them: the link that their
// browser's id left behind above all. It lasts until they say who they are again, and are somebody else.
func TestVisitor_SuppressedForGood(t *testing.T) {
	t.Parallel()
	for name, known := range map[string][]domain.Person{"by a hash alone": nil, "by the graph": {ada}, "by the CRM": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := actortest.New(t, actortest.WithPixel(actortest.Catalog("ann")), actortest.WithGraph(actortest.NewGraph(known...)))
			if name == "by the CRM" {
				contact := actortest.Contact("e1", "ghl-1")
				contact.Contact = []byte(`{"first_name":"Ada","email":"ada@example.com"}`)
				node.Keep(contact)
			}
			node.See(actortest.View("a"))
			node.See(actortest.Identify("b", "ada@example.com"))
			require.Len(t, node.Announced(), 1)
			node.Suppress(domain.SuppressEmail, "Ada@Example.com")
			for i := range 4 {
				node.See(actortest.View(domain.EventID(fmt.Sprintf("later-%d", i))))
				node.Advance(10 * time.Second)
				require.Empty(t, node.Visit(actortest.Visitor).Person, "view %d after it", i)
			}
			require.Len(t, node.Announced(), 1)
			require.Empty(t, node.Owed())
			node.See(actortest.Identify("c", "bob@example.com"))
			require.NotEmpty(t, node.Visit(actortest.Visitor).Person, "somebody else at the same browser")
			require.Len(t, node.Announced(), 2)
		})
	}
}

// The browser says that it does not want to be sold: its hits are kept, and nobody is looked up.
func TestVisitor_GPC(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()), actortest.WithGraph(actortest.NewGraph(ada)))
	h := actortest.Identify("a", "ada@example.com")
	h.GPC = true
	node.See(h)
	v := node.Visit(actortest.Visitor)
	require.Equal(t, "gpc", v.Suppressed)
	require.Empty(t, v.HEMs)
	require.Empty(t, node.Owed())
	links, err := node.Store.Links(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Empty(t, links)
}

// The slow tier knows what the graph does not. The page has its answer before it, and views go on; when it
// answers, all of them go along.
func TestVisitor_IsIdentifiedLate(t *testing.T) {
	t.Parallel()
	tier := actortest.NewTier(actortest.NewGraph(ada))
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()), actortest.WithTier(tier))
	for _, h := range []domain.Hit{actortest.View("a"), actortest.Identify("b", "ada@example.com"), actortest.View("c")} {
		r, err := node.Hit(h)
		require.NoError(t, err)
		require.NotZero(t, r.Seq)
	}
	require.Empty(t, node.Visit(actortest.Visitor).Person)
	tier.Open()
	node.Settle()
	require.Equal(t, domain.PersonID("ada"), node.Visit(actortest.Visitor).Person)
	require.Equal(t, []domain.AnnouncementType{identified}, node.Announced())
	require.Contains(t, string(node.Announcements()[0].Payload), "https://shop.example/a")
	require.Equal(t, 2, tier.Asked(), "for the browser, and then for the e-mail too")
}

// A CRM's lead gives its e-mail; later a visitor does. It is the CRM's own lead that is announced.
func TestVisitor_IsACRMsLead(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog("ann")))
	contact := actortest.Contact("e1", "ghl-1")
	contact.Contact = []byte(`{"first_name":"Bob","email":"bob@example.com"}`)
	node.Keep(contact)
	node.See(actortest.Identify("a", "bob@example.com"))
	require.Equal(t, []domain.AnnouncementType{identified}, node.Announced())
	require.Equal(t, domain.LeadID("ghl-1"), node.Announcements()[0].Lead)
	require.Contains(t, string(node.Announcements()[0].Payload), "Bob")
	again := actortest.Contact("e2", "ghl-1")
	again.Contact = contact.Contact
	node.Keep(again)
	require.Equal(t, 1, node.Store.Calls("Learn"), "nothing new is learned")
}

// A lesson is lost; the lead's next event brings it again.
func TestLead_TeachesAgain(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog("ann")))
	contact := actortest.Contact("e1", "ghl-1")
	contact.Contact = []byte(`{"email":"bob@example.com"}`)
	node.Store.Fail("Learn", 1, actortest.ErrDown)
	node.Keep(contact)
	contact.ID = "e2"
	node.Keep(contact)
	node.See(actortest.Identify("a", "bob@example.com"))
	require.Equal(t, domain.LeadID("ghl-1"), node.Announcements()[0].Lead)
}

// Whoever objected a moment ago is not learned, though no node has heard of it: the store refuses the lesson, and
// at the second look it is not made.
func TestLead_TeachesNobodySuppressed(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog("ann")))
	for i, suppress := range []func(){
		func() { node.Suppress(domain.SuppressEmail, "bob@example.com") },
		func() { node.Suppress(domain.SuppressPerson, string(domain.PersonOfLead("ghl-1"))) },
	} {
		suppress()
		contact := actortest.Contact(domain.EventID(fmt.Sprint("e", i)), "ghl-1")
		contact.Contact = fmt.Appendf(nil, `{"email":%q}`, []string{"bob@example.com", "robert@example.com"}[i])
		node.Keep(contact)
		require.Equal(t, i+1, node.Store.Calls("Learn"))
		links, err := node.Store.Links(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, links)
	}
	contact := actortest.Contact("e3", "ghl-2")
	contact.Contact = []byte(`{"email":"cyd@example.com"}`)
	node.Suppress(domain.SuppressEmail, "somebody@example.com")
	node.Keep(contact)
	links, err := node.Store.Links(t.Context(), 0, 10)
	require.NoError(t, err)
	require.NotEmpty(t, links, "whoever is not meant is learned at the second look")
}

// An account without a pixel pays nothing for what pixels need.
func TestLead_TeachesNobodyWithoutAPixel(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann"))
	contact := actortest.Contact("e1", "ghl-1")
	contact.Contact = []byte(`{"email":"bob@example.com"}`)
	node.Keep(contact)
	require.Zero(t, node.Store.Calls("Learn"))
}

// Nobody is known, but whose network it is: the company is announced if the pixel wants that.
func TestVisitor_IsOfACompany(t *testing.T) {
	t.Parallel()
	office := netip.MustParseAddr("192.0.2.7")
	graph := actortest.NewGraph(ada)
	graph.Office(office, domain.Company{Domain: "engines.example", Name: "Engines"})
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog(), func(p *domain.Pixel) { p.Announce.Companies = true }), actortest.WithGraph(graph))
	h := actortest.View("a")
	h.Address = office
	node.See(h)
	require.Equal(t, []domain.AnnouncementType{identified}, node.Announced())
	require.Equal(t, domain.LeadOfCompany("engines.example"), node.Announcements()[0].Lead)
}

// An identified visitor enters the pixel's campaign, once, and stands on a dashboard like any lead.
func TestVisitor_EntersACampaign(t *testing.T) {
	t.Parallel()
	catalog := actortest.WithPixel(actortest.Catalog("ann"), func(p *domain.Pixel) { p.Campaign = "solar" })
	catalog.Accounts[0].Announce = []domain.AnnouncementType{domain.LeadAssignedEvent}
	node := actortest.New(t, catalog, actortest.WithGraph(actortest.NewGraph(ada)))
	ann, _ := node.Watch("ann")
	node.See(actortest.Identify("a", "ada@example.com"), actortest.View("b"))
	node.Advance(10 * time.Second)
	require.Equal(t, []domain.Seq{1}, ann.Seqs())
	require.Equal(t, domain.LeadOfPerson("ada"), ann.Events()[0].Lead)
	require.Contains(t, string(ann.Events()[0].Contact), "Ada")
	require.Equal(t, []domain.AnnouncementType{identified, domain.LeadAssignedEvent, updated}, node.Announced())
}

// A fresh visitor's page view costs the store one operation; a reader's next one too.
func TestVisitor_TakesOneCommit(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()))
	h := actortest.View("a")
	h.Fresh = true
	node.See(h, actortest.View("b"))
	require.Equal(t, 2, node.Store.Calls("Observe"))
	require.Zero(t, node.Store.Calls("Visit"))
}

// A request's hits cost one commit, whoever they name; two people are two.
func TestVisitor_ARequestTakesOneCommit(t *testing.T) {
	t.Parallel()
	bob := domain.Person{ID: "bob", PersonalEmail: "bob@example.com"}
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()), actortest.WithGraph(actortest.NewGraph(ada, bob)))
	request := []domain.Hit{actortest.View("a"), actortest.Identify("b", "ada@example.com"), actortest.View("c")}
	got, err := node.Hits(request...)
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Less(t, got[0].Seq, got[2].Seq)
	node.Settle()
	require.Equal(t, 1, node.Store.Calls("Observe"))
	require.Equal(t, []domain.AnnouncementType{identified}, node.Announced())
	require.Contains(t, string(node.Announcements()[0].Payload), "https://shop.example/a")

	got, err = node.Hits(append(request, actortest.Identify("d", "bob@example.com"), actortest.View("e"))...)
	require.NoError(t, err)
	require.Equal(t, []bool{true, true, true, false, false}, duplicates(got))
	node.Advance(10 * time.Second)
	require.Equal(t, 2, node.Visit(actortest.Visitor).Number)
	var persons []domain.LeadID
	for _, a := range node.Announcements() {
		persons = append(persons, a.Lead)
		if a.Lead == domain.LeadOfPerson("bob") {
			require.NotContains(t, string(a.Payload), "https://shop.example/a", "what ada saw is not told of bob")
		}
	}
	require.Equal(t, domain.LeadOfPerson("ada"), persons[0])
	require.Contains(t, persons, domain.LeadOfPerson("bob"))
	require.Empty(t, node.Owed())
}

// The answer to a request is lost after its commit, the node forgets, and the page sends it with a hit more.
func TestVisitor_ARequestAgain(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()), actortest.WithGraph(actortest.NewGraph(ada)))
	request := []domain.Hit{actortest.View("a"), actortest.Identify("b", "ada@example.com")}
	node.Store.FailAfter("Observe", 1, actortest.ErrDown)
	_, err := node.Hits(request...)
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	node.Restart()
	got, err := node.Hits(append(request, actortest.View("c"))...)
	require.NoError(t, err)
	require.Equal(t, []bool{true, true, false}, duplicates(got))
	node.Advance(10 * time.Second)
	require.Equal(t, 2, node.Visit(actortest.Visitor).Views)
	require.Equal(t, []domain.AnnouncementType{identified, updated}, node.Announced())
}

func duplicates(got []domain.Received) (out []bool) {
	for _, r := range got {
		out = append(out, r.Duplicate)
	}
	return out
}

// A stale owner cannot commit: the page is told to come back, and finds the one who owns.
func TestVisitor_FencedOwnerLetsGo(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.WithPixel(actortest.Catalog()))
	node.See(actortest.View("a"))
	var all []domain.Partition
	for p := range domain.Partitions {
		all = append(all, domain.Partition(p))
	}
	require.NoError(t, node.Store.Resign(t.Context(), node.Cluster.ID()), "what no node does: nobody may take over from one whose lease lives")
	_, err := node.Store.Claim(t.Context(), "somebody-else", all)
	require.NoError(t, err)
	require.Eventually(t, func() bool { // it claims again, because nobody else is a member
		_, err := node.Hit(actortest.View("b"))
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	node.Settle()
	require.Equal(t, 2, node.Visit(actortest.Visitor).Views)
}
