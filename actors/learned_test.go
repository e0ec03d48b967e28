package actors_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// The graph knows somebody by one e-mail; the account has learned a phone and another e-mail of theirs. Suppressed by
// what only the account knows, they are found by nothing any more: not by the browser, not by the graph's e-mail, and
// not by a node that has heard of neither the link nor the suppression.
func TestVisitor_IsSuppressedByWhatTheAccountLearned(t *testing.T) {
	t.Parallel()
	for name, suppress := range map[string]func(*actortest.Node){
		"by a phone that a page told":      func(n *actortest.Node) { n.Suppress(domain.SuppressPhone, "+1 415 555 0100") },
		"by an e-mail that a CRM told":     func(n *actortest.Node) { n.Suppress(domain.SuppressEmail, "ADA@home.example") },
		"by one digest of what a CRM told": func(n *actortest.Node) { n.Suppress(domain.SuppressEmail, identity.HEMs("ada@home.example")[0].MD5) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			graph := actortest.NewGraph(ada)
			graph.Cookie("ada-phone", "ada")
			node := actortest.New(t, actortest.WithPixel(actortest.Catalog("ann")), actortest.WithGraph(graph))
			phone, _ := identity.PhoneHash("+14155550100")
			first := actortest.Identify("a", "ada@example.com")
			first.Phone = phone
			node.See(first)
			var links []domain.Link // as another node learns them, which has asked the graph by a phone of hers
			for _, k := range identity.KeysOf("", identity.HEMs("ada@home.example"), "", nil) {
				links = append(links, domain.Link{Account: "acme", Key: k, Person: "ada", From: identity.FromCRM, At: node.Clock.Now()})
			}
			basis, err := node.Store.SuppressionRevision(t.Context())
			require.NoError(t, err)
			learned, err := node.Store.Learn(t.Context(), domain.Lesson{Basis: basis, Links: links})
			require.NoError(t, err)
			require.Equal(t, domain.Done, learned.Outcome)
			require.Len(t, node.Announced(), 1)

			suppress(node)
			elsewhere, again := actortest.View("b"), actortest.Identify("c", "ada@example.com")
			elsewhere.Visitor, again.Visitor = "ada-phone", "a-third"
			node.See(elsewhere, again, actortest.View("d"))
			for _, v := range []domain.VisitorID{"ada-phone", "a-third", actortest.Visitor} {
				visit := node.Visit(v)
				require.Empty(t, visit.Person, v)
				require.Empty(t, visit.HEMs, v)
				require.NotEmpty(t, visit.Suppressed, v)
			}
			require.Len(t, node.Announced(), 1)
			require.Empty(t, node.Owed())
		})
	}
}

// The phone that only the account knows is suppressed while her lead waits for a buyer, or her sighting for its
// judgement: neither goes on.
func TestLead_IsSuppressedByWhatTheAccountLearned(t *testing.T) {
	t.Parallel()
	catalog := actortest.WithPixel(actortest.Catalog("ann"), func(p *domain.Pixel) { p.Campaign = "solar" })
	catalog.Accounts[0].Buyers[0].Paused = true
	node := actortest.New(t, catalog, actortest.WithGraph(actortest.NewGraph(ada)))
	first := actortest.Identify("a", "ada@example.com")
	first.Phone, _ = identity.PhoneHash("+14155550100")
	node.See(first, actortest.View("b"))
	require.Len(t, node.Owed(), 1, "an update is gathered")
	node.Suppress(domain.SuppressPhone, "+14155550100")
	node.Apply(func(c *domain.Catalog) { c.Accounts[0].Buyers[0].Paused = false })
	node.Advance(6 * time.Second)
	require.Empty(t, node.Owed())
	require.Equal(t, []domain.AnnouncementType{identified}, node.Announced())
	require.Contains(t, string(node.Lead(domain.LeadOfPerson("ada")).Contact), "account:phone")
}
