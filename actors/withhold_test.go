package actors_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// Somebody was identified while nobody could have them, and objects while they wait. When a buyer comes back nobody
// is assigned, though this node has not heard of the suppression: the lead ends without the person and says why.
func TestLead_WhoObjectsWhileWaitingIsNotRouted(t *testing.T) {
	t.Parallel()
	anna := domain.Person{ID: "anna", FirstName: "Anna", PersonalEmail: "anna@example.com", BusinessEmail: "anna@engines.example", Phones: []string{"+14155550100"}}
	for rule, suppress := range map[string]func(*actortest.Node){
		"account:email":   func(n *actortest.Node) { n.Suppress(domain.SuppressEmail, "anna@example.com") },
		"account:phone":   func(n *actortest.Node) { n.Suppress(domain.SuppressPhone, "+14155550100") },
		"account:person":  func(n *actortest.Node) { n.Suppress(domain.SuppressPerson, "anna") },
		"account:company": func(n *actortest.Node) { n.Suppress(domain.SuppressCompany, "engines.example") },
		"account:path":    func(n *actortest.Node) { n.Suppress(domain.SuppressPath, "/a") },
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			catalog := actortest.WithPixel(actortest.Catalog("ann"), func(p *domain.Pixel) { p.Campaign = "solar" })
			catalog.Accounts[0].Buyers[0].Paused = true
			node := actortest.New(t, catalog, actortest.WithGraph(actortest.NewGraph(anna)))
			ann, _ := node.Watch("ann")
			h := actortest.View("a")
			h.HEMs, h.Type = identity.HEMs("anna@engines.example"), domain.Identify
			node.See(h)
			lead := node.Lead(domain.LeadOfPerson("anna"))
			require.Equal(t, domain.Waiting, lead.State)
			require.Contains(t, string(lead.Contact), "Anna")

			suppress(node)
			node.Apply(func(c *domain.Catalog) { c.Accounts[0].Buyers[0].Paused = false })
			node.Advance(4 * time.Second)
			lead = node.Lead(domain.LeadOfPerson("anna"))
			require.Equal(t, domain.Waiting, lead.State)
			require.Empty(t, lead.Buyer)
			require.JSONEq(t, `{"status":"suppressed","fields":{"rule":"`+rule+`"}}`, string(lead.Contact))
			backlog, err := node.Store.Backlog(t.Context())
			require.NoError(t, err)
			require.Zero(t, backlog.Held+backlog.Undecided, "nothing waits any more")
			require.Empty(t, ann.Seqs())
		})
	}
}
