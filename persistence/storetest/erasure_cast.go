package storetest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

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
