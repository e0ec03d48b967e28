package actortest

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// Visitor is the browser of hits that do not say otherwise.
const Visitor domain.VisitorID = "0b54a9a4-3c39-4a2c-9a43-4f2ff8a1b8a1"

// WithPixel adds the pixel "shop" to the account "acme".
func WithPixel(c domain.Catalog, change ...func(*domain.Pixel)) domain.Catalog {
	p := domain.Pixel{ID: "shop", Origins: []string{"https://shop.example"}}
	for _, f := range change {
		f(&p)
	}
	c.Accounts[0].Pixels = append(c.Accounts[0].Pixels, p)
	return c
}

// View is a page view of the pixel "shop".
func View(id domain.EventID) domain.Hit {
	return domain.Hit{Account: "acme", Pixel: "shop", Visitor: Visitor, ID: id, Type: domain.PageView, View: "view-" + string(id),
		Page: domain.Page{URL: "https://shop.example/" + string(id), Path: "/" + string(id)}, Body: []byte(`{}`)}
}

// Identify is a page that knows an e-mail, and sends its hashes.
func Identify(id domain.EventID, email string) domain.Hit {
	h := View(id)
	h.Type, h.HEMs = domain.Identify, identity.HEMs(email)
	return h
}

// Option changes a node before it starts.
type Option func(*Node)

// WithGraph gives the node an identity graph.
func WithGraph(g *Graph) Option { return func(n *Node) { n.graph = g } }

// WithTier gives the node a slow tier, asked with the config's patience.
func WithTier(t identity.Tier) Option { return func(n *Node) { n.tier = t } }

// Graph is an identity graph in a few maps.
type Graph struct {
	mu        sync.Mutex
	persons   map[domain.Key]domain.PersonID
	records   map[domain.PersonID]domain.Person
	companies map[string]domain.Company
	networks  map[netip.Addr]string
}

// NewGraph is a graph of these persons, each to be found by the hashes of its e-mails and phones.
func NewGraph(persons ...domain.Person) *Graph {
	g := &Graph{persons: map[domain.Key]domain.PersonID{}, records: map[domain.PersonID]domain.Person{},
		companies: map[string]domain.Company{}, networks: map[netip.Addr]string{}}
	for _, p := range persons {
		hems := append(identity.HEMs(p.BusinessEmail), identity.HEMs(p.PersonalEmail)...)
		p.HEMs = hems
		g.records[p.ID] = p
		keys := identity.KeysOf("", hems, "", nil)
		for _, phone := range p.Phones {
			keys = append(keys, identity.KeysOf("", nil, phone, nil)...)
		}
		for _, k := range keys {
			g.persons[k] = p.ID
		}
	}
	return g
}

// Cookie says whose a browser is.
func (g *Graph) Cookie(v domain.VisitorID, p domain.PersonID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.persons[domain.Key{Kind: domain.KeyVisitor, Value: string(v)}] = p
}

// Office says whose an address is.
func (g *Graph) Office(a netip.Addr, c domain.Company) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.networks[a], g.companies[c.Domain] = c.Domain, c
}

// Borrow is identity.Graphs'.
func (g *Graph) Borrow() identity.Graph { return g }

// Release is identity.Graph's.
func (g *Graph) Release() {}

// Person is identity.Graph's.
func (g *Graph) Person(k domain.Key) (domain.PersonID, bool) { return lookup(g, g.persons, k) }

// Record is identity.Graph's.
func (g *Graph) Record(p domain.PersonID) (domain.Person, bool) { return lookup(g, g.records, p) }

// Company is identity.Graph's.
func (g *Graph) Company(name string) (domain.Company, bool) { return lookup(g, g.companies, name) }

// Network is identity.Graph's.
func (g *Graph) Network(a netip.Addr) (string, bool) { return lookup(g, g.networks, a) }

func lookup[K comparable, V any](g *Graph, m map[K]V, key K) (V, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v, ok := m[key]
	return v, ok
}

// Tier is a slow tier that answers when the test lets it.
type Tier struct {
	graph *Graph
	gate  chan struct{}
	mu    sync.Mutex
	asked int
}

// NewTier is a tier that knows what a graph knows, and answers nobody before Open.
func NewTier(g *Graph) *Tier { return &Tier{graph: g, gate: make(chan struct{})} }

// Open lets it answer, what is being asked and whatever comes.
func (t *Tier) Open() { close(t.gate) }

// Asked is how often it was asked.
func (t *Tier) Asked() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.asked
}

// Lookup is identity.Tier's.
func (t *Tier) Lookup(ctx context.Context, keys []domain.Key) (domain.Known, error) {
	t.mu.Lock()
	t.asked++
	t.mu.Unlock()
	select {
	case <-t.gate:
	case <-ctx.Done():
		return domain.Known{}, domain.Fail("ask tier", domain.Unavailable, ctx.Err())
	}
	for _, k := range keys {
		if id, ok := t.graph.Person(k); ok {
			p, _ := t.graph.Record(id)
			c, _ := t.graph.Company(p.Company)
			return domain.Known{Found: true, Person: p, Company: c, By: k}, nil
		}
	}
	return domain.Known{}, nil
}

// Hit is Hits of one.
func (n *Node) Hit(h domain.Hit) (domain.Received, error) {
	n.t.Helper()
	got, err := n.Hits(h)
	if err != nil {
		return domain.Received{}, err
	}
	return got[0], nil
}

// Hits hands hits over that came together, as the edge does, and waits for their answer.
func (n *Node) Hits(hits ...domain.Hit) ([]domain.Received, error) {
	n.t.Helper()
	hits = slices.Clone(hits)
	for i := range hits {
		hits[i].ReceivedAt = n.Clock.Now()
	}
	ctx, cancel := context.WithTimeout(n.t.Context(), settleWithin)
	defer cancel()
	return n.Runtime.Hits(ctx, hits)
}

// See is Hit for hits that have to be new, each with Settle.
func (n *Node) See(hits ...domain.Hit) {
	n.t.Helper()
	for _, h := range hits {
		r, err := n.Hit(h)
		require.NoError(n.t, err)
		require.False(n.t, r.Duplicate, "%s is a duplicate", h.ID)
		n.Settle()
	}
}

// Suppress adds a suppression to the store, behind the node's back.
func (n *Node) Suppress(kind domain.SuppressionKind, value string) {
	n.t.Helper()
	s, err := identity.NewSuppression(domain.AccountScope, "acme", "", kind, value, "", n.Clock.Now())
	require.NoError(n.t, err)
	_, err = n.Store.Suppress(n.t.Context(), []domain.Suppression{s}, nil, domain.AuditEntry{At: n.Clock.Now(), Actor: "test", Action: "suppress"})
	require.NoError(n.t, err)
}

// Visit reads a visitor of "acme" from the store.
func (n *Node) Visit(v domain.VisitorID) domain.Visit {
	n.t.Helper()
	row, err := n.Store.Visit(n.t.Context(), domain.VisitorKey{Account: "acme", Visitor: v})
	require.NoError(n.t, err)
	return row
}

// Announced reads what has left "acme", by type.
func (n *Node) Announced() []domain.AnnouncementType {
	n.t.Helper()
	var out []domain.AnnouncementType
	for _, a := range n.Announcements() {
		out = append(out, a.Type)
	}
	return out
}

// Announcements reads what has left "acme", whole.
func (n *Node) Announcements() []domain.Announcement {
	n.t.Helper()
	all, err := n.Store.Announcements(n.t.Context(), "acme", 0, 10000)
	require.NoError(n.t, err)
	return all
}

// Owed reads what the store owes to its leads.
func (n *Node) Owed() []domain.Sighting {
	n.t.Helper()
	var all []domain.Partition
	for p := range domain.Partitions {
		all = append(all, domain.Partition(p))
	}
	owed, err := n.Store.Owed(n.t.Context(), all, n.Clock.Now().Add(24*time.Hour), 0, 10000)
	require.NoError(n.t, err)
	return owed
}
