// Package actortest is a node for tests: the real actors on a real cluster of one and a real embedded
// store, with a clock that only the test moves and a store that fails when the test says so.
//
//	node := actortest.New(t, actortest.Catalog("ann", "bob"))
//	node.Ingest(actortest.Contact("e1", "lead-1"))
//	node.See(actortest.View("v1"))      // a page view
//	node.Settle()                       // every mailbox and every commit is quiet
//	node.Advance(10 * time.Second)      // timers run, one by one, each to quiet
//
// Advance and Settle return when nothing is under way, so no test sleeps. The package is for tests only.
package actortest

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/telemetry"
	"github.com/leadwire/leadwire/actors/vault"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/persistence/embedded"
	"github.com/leadwire/leadwire/persistence/groupcommit"
)

// Noon is when every test begins.
var Noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// settleWithin is how long a node may take to become quiet; longer means that something never will.
const settleWithin = 20 * time.Second

// Node is one node under test.
type Node struct {
	t       testing.TB
	Clock   *Clock
	Store   *Store
	Runtime *actors.Runtime
	Cluster *cluster.Node
	Book    *actors.Book
	dir     string
	graph   *Graph
	tier    identity.Tier

	receivers *Receivers
	vault     *vault.Vault
	registry  *prometheus.Registry
}

// New starts a node on a fresh store that holds catalog. It stops with the test.
func New(t testing.TB, catalog domain.Catalog, options ...Option) *Node {
	t.Helper()
	n := &Node{t: t, Clock: NewClock(Noon), dir: t.TempDir()}
	n.receivers = &Receivers{clock: n.Clock, got: map[domain.EndpointID][]Arrival{}, plans: map[domain.EndpointID][]domain.Sent{}, while: map[domain.EndpointID]func(context.Context){}}
	var err error
	n.vault, err = vault.New(vault.NewKey())
	require.NoError(t, err)
	for _, o := range options {
		o(n)
	}
	store := n.openStore()
	_, err = store.ApplyCatalog(t.Context(), catalog)
	require.NoError(t, err)
	n.start(store)
	t.Cleanup(n.Stop)
	return n
}

// Restart stops the node without letting it finish anything, and starts another one on the same store:
// what a crash leaves, the next run finds.
func (n *Node) Restart() {
	n.t.Helper()
	n.Cluster.Kill()
	n.Runtime.Stop()
	require.NoError(n.t, n.Store.Close())
	n.start(n.openStore())
}

// Stop ends the node. A second call does nothing.
func (n *Node) Stop() {
	if n.Cluster == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
	defer cancel()
	require.NoError(n.t, n.Cluster.Stop(ctx))
	n.Runtime.Stop()
	require.NoError(n.t, n.Store.Close())
	n.Cluster = nil
}

func (n *Node) openStore() *embedded.Store {
	n.t.Helper()
	store, err := embedded.Open(context.Background(), n.dir, embedded.Options{Clock: n.Clock, Commit: groupcommit.Config{Spacing: -1}})
	require.NoError(n.t, err)
	return store
}

func (n *Node) start(store domain.Store) {
	n.t.Helper()
	ctx := context.Background()
	log := slog.New(slog.DiscardHandler)
	n.Store = &Store{Store: store, rules: map[string]*rule{}, calls: map[string]int{}, before: map[string]func(){}, until: map[string]time.Time{}}
	var err error
	n.Book, err = actors.OpenBook(ctx, n.Store, log, func() { n.Runtime.CatalogChanged() })
	require.NoError(n.t, err)
	counts, err := n.Store.Counts(ctx)
	require.NoError(n.t, err)
	n.registry = prometheus.NewRegistry()
	deps := actors.Deps{
		Store: n.Store, Book: n.Book, Clock: n.Clock, Log: log,
		Metrics: actors.NewMetrics(n.registry), Telemetry: telemetry.New(nil),
		Sender: n.receivers, Vault: n.vault,
	}
	if n.graph != nil {
		deps.Graphs = n.graph
	}
	if n.tier != nil {
		deps.Slow = identity.NewSlow(n.tier, identity.SlowConfig{}, n.Clock, nil)
	}
	n.Runtime = actors.New(actors.Config{}, deps, counts)
	n.Runtime.RegisterBacklog(n.registry)
	require.NoError(n.t, n.Runtime.Load(ctx))
	n.Cluster, err = cluster.Start(ctx, cluster.Config{}, cluster.Deps{
		Ledger: n.Store, Kinds: n.Runtime.Kinds(), Clock: n.Clock, Log: log,
		OnHeld: n.Runtime.Held, OnChange: n.Runtime.Moved,
	})
	require.NoError(n.t, err)
	n.Runtime.Start(n.Cluster)
	n.Settle()
}

// Ingest hands an event over as the edge does, and waits for its answer.
func (n *Node) Ingest(e domain.Event) (domain.Received, error) {
	n.t.Helper()
	e.ReceivedAt = n.Clock.Now()
	ctx, cancel := context.WithTimeout(n.t.Context(), settleWithin)
	defer cancel()
	return n.Runtime.Ingest(ctx, e)
}

// Keep is Ingest for an event that has to be new, and Settle.
func (n *Node) Keep(e domain.Event) {
	n.t.Helper()
	r, err := n.Ingest(e)
	require.NoError(n.t, err)
	require.False(n.t, r.Duplicate, "%s is a duplicate", e.ID)
	n.Settle()
}

// Apply changes the catalog and lets the node see it.
func (n *Node) Apply(change func(*domain.Catalog)) {
	n.t.Helper()
	c, err := n.Store.Catalog(n.t.Context())
	require.NoError(n.t, err)
	change(&c)
	_, err = n.Store.ApplyCatalog(n.t.Context(), c)
	require.NoError(n.t, err)
	require.NoError(n.t, n.Book.Refresh(n.t.Context()))
	n.Settle()
}

// Advance moves the clock by d. Timers that come due run in order, each until the node is quiet.
func (n *Node) Advance(d time.Duration) {
	n.t.Helper()
	for until := n.Clock.Now().Add(d); n.Clock.step(until); {
		n.Settle()
	}
	n.Settle()
}

// Leap moves the clock by d at once, as a machine does that was asleep: timers that came due meanwhile
// run after it, late.
func (n *Node) Leap(d time.Duration) {
	n.t.Helper()
	n.Clock.leap(d)
	n.Settle()
}

// Settle returns when nothing is under way: no message unhandled, no commit unanswered. It looks three
// times, because work passes from one to the other.
func (n *Node) Settle() {
	n.t.Helper()
	deadline := time.Now().Add(settleWithin)
	for quiet := 0; quiet < 3; {
		if n.Cluster.Pending() == 0 && n.Runtime.Quiet() {
			quiet++
		} else {
			quiet = 0
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("the node did not become quiet within %v: %d messages unhandled", settleWithin, n.Cluster.Pending())
		}
		runtime.Gosched()
	}
}

// Leases is the gauge of nodes that watch feeds of buyers who live here.
func (n *Node) Leases() float64 { n.t.Helper(); return n.Gauge("leadwire_buyer_leases") }

// Gauge reads a gauge without labels.
func (n *Node) Gauge(name string) float64 {
	n.t.Helper()
	families, err := n.registry.Gather()
	require.NoError(n.t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	n.t.Fatalf("no gauge %s", name)
	return 0
}

// Value reads a gauge or a counter by its labels.
func (n *Node) Value(name string, labels map[string]string) float64 {
	n.t.Helper()
	families, err := n.registry.Gather()
	require.NoError(n.t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			is := map[string]string{}
			for _, l := range m.GetLabel() {
				is[l.GetName()] = l.GetValue()
			}
			if maps.Equal(is, labels) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	n.t.Fatalf("no metric %s with %v", name, labels)
	return 0
}

// Hear has an actor that is in memory hear of something, as its node would tell it.
func (n *Node) Hear(kind, id string, msg any) {
	n.t.Helper()
	system, heard := n.Cluster.System(), 0
	for _, bucket := range system.ProcessRegistry.LocalPIDs.LocalPIDs {
		for _, name := range bucket.Keys() {
			if strings.HasPrefix(name, kind+"/"+id+"$") {
				system.Root.Send(system.NewLocalPID(name), msg)
				heard++
			}
		}
	}
	require.Equal(n.t, 1, heard, "%s %s is not in memory", kind, id)
}

// Lose has the node believe that another one has claimed what an identity is in. It claims it again by itself.
func (n *Node) Lose(kind, id string) {
	p := cluster.PartitionOf(kind, id)
	for _, f := range n.Cluster.Held() {
		if f.Partition == p {
			n.Cluster.Abandon(f)
		}
	}
}

// Lead reads a lead of the account "acme".
func (n *Node) Lead(id domain.LeadID) domain.Lead {
	n.t.Helper()
	lead, err := n.Store.Lead(n.t.Context(), domain.LeadKey{Account: "acme", Lead: id})
	require.NoError(n.t, err)
	return lead
}

// Feed reads a buyer's whole feed from the store.
func (n *Node) Feed(buyer domain.BuyerID) []domain.FeedEvent {
	n.t.Helper()
	events, err := n.Store.Store.Feed(n.t.Context(), domain.BuyerKey{Account: "acme", Buyer: buyer}, 0, 10000)
	require.NoError(n.t, err)
	return events
}

// FilesWith lists the store's files in which a word stands.
func (n *Node) FilesWith(word string) (in []string) {
	n.t.Helper()
	require.NoError(n.t, filepath.WalkDir(n.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(word)) {
			in = append(in, path)
		}
		return err
	}))
	return in
}
