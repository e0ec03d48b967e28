// Several nodes in one process have a test binary of their own: a node that opens its port sets gRPC's logger for the whole
// process, and all of these have opened theirs before the first of them speaks.
package actortest_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors"
	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/telemetry"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/persistence/embedded"
)

// hasty is a clock on which nothing that is further away than a moment ever comes: what is found by looking now and
// then (renewals, the lookout) is not found, so whatever happens was caused.
type hasty struct{ domain.SystemClock }

type never struct{}

func (never) Stop() bool { return true }

func (hasty) AfterFunc(d time.Duration, f func()) domain.Timer {
	if d > 300*time.Millisecond {
		return never{}
	}
	return time.AfterFunc(d, f)
}

// crowd is nodes of one process on one store, and buyers by where they live.
type crowd struct {
	t     *testing.T
	store domain.Store
	nodes []*member   // that have joined
	spare []*member   // that listen
	down  []func()    // speaks to an anchor, at which it looks up
	up    atomic.Bool // anchors let go
	sent  int
}

type member struct {
	*cluster.Node
	rt       *actors.Runtime
	registry *prometheus.Registry
	dead     bool
}

// value reads a metric of the node; label is the value of its one label.
func (m *member) value(name, label string) float64 {
	families, _ := m.registry.Gather()
	for _, f := range families {
		for _, one := range f.GetMetric() {
			if f.GetName() == name && (label == "" || one.GetLabel()[0].GetValue() == label) {
				return one.GetGauge().GetValue() + one.GetCounter().GetValue()
			}
		}
	}
	return -1
}

func (m *member) sessions(owner string) float64 { return m.value("leadwire_hub_sessions", owner) }

const screens = 24 // buyers; by chance, each node owns some of them: of three one has none once in 6,000

func screen(i int) domain.BuyerID { return domain.BuyerID(fmt.Sprint("b", i)) }

// newCrowd starts nodes, and some that may join later.
func newCrowd(t *testing.T, nodes, spare int) *crowd {
	t.Helper()
	ctx := t.Context()
	store, err := embedded.Open(ctx, t.TempDir(), embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	var buyers []domain.BuyerID
	for i := range screens {
		buyers = append(buyers, screen(i))
	}
	_, err = store.ApplyCatalog(ctx, actortest.Catalog(buyers...))
	require.NoError(t, err)
	c := &crowd{t: t, store: store}
	for i := range nodes + spare {
		c.spare = append(c.spare, c.listen(i+1))
	}
	for range nodes {
		c.join()
	}
	return c
}

func (c *crowd) listen(number int) *member {
	c.t.Helper()
	ctx, log := c.t.Context(), slog.New(slog.DiscardHandler)
	book, err := actors.OpenBook(ctx, c.store, log, func() {})
	require.NoError(c.t, err)
	counts, err := c.store.Counts(ctx)
	require.NoError(c.t, err)
	m := &member{registry: prometheus.NewRegistry()}
	m.rt = actors.New(actors.Config{}, actors.Deps{
		Store: c.store, Book: book, Clock: hasty{}, Log: log, Metrics: actors.NewMetrics(m.registry), Telemetry: telemetry.New(nil),
	}, counts)
	require.NoError(c.t, m.rt.Load(ctx))
	m.Node, err = cluster.Listen(ctx, cluster.Config{URL: fmt.Sprintf("https://node-%d.example.com", number)},
		cluster.Deps{Ledger: c.store, Kinds: append(m.rt.Kinds(), c.anchors()), Log: log, OnHeld: m.rt.Held, OnChange: m.rt.Moved})
	require.NoError(c.t, err)
	c.t.Cleanup(func() { c.kill(m) })
	return m
}

// join brings in one more node, and waits until the partitions are shared.
func (c *crowd) join() *member {
	c.t.Helper()
	m := c.spare[0]
	c.spare = c.spare[1:]
	var seeds []string
	for _, n := range c.alive() {
		seeds = append(seeds, n.GossipAddress())
	}
	require.NoError(c.t, m.Join(c.t.Context(), seeds...))
	m.rt.Start(m.Node)
	c.nodes = append(c.nodes, m)
	c.shared()
	return m
}

// anchor is an actor whose partition does not move before the test says so.
type anchor struct{ c *crowd }

func (c *crowd) anchors() cluster.Kind {
	return cluster.Kind{Name: "anchor", HandsOver: true, IdleAfter: -1, New: func(cluster.Identity) cluster.Actor { return anchor{c} }}
}

func (anchor) Receive(actor.Context) {}
func (anchor) Busy() bool            { return false }
func (a anchor) Settled() bool       { return a.c.up.Load() }

// drop wakes an anchor; it never leaves its node.
type drop string

func (d drop) Address() (kind, id string) { return "anchor", string(d) }

// anchor holds the partition of each buyer who lives on a node.
func (c *crowd) anchor(on *member) {
	c.t.Helper()
	held := map[string]bool{}
	for i := range screens {
		if c.owner(screen(i)) != on {
			continue
		}
		for n := 0; ; n++ {
			id := fmt.Sprint(n)
			if cluster.PartitionOf("anchor", id) == cluster.PartitionOf(wire.KindBuyer, "acme/"+string(screen(i))) {
				require.NoError(c.t, on.Tell(drop(id)))
				held[id] = true
				c.down = append(c.down, func() { _ = on.Tell(drop(id)) }) // it has gone, or hears it
				break
			}
		}
	}
	require.NotEmpty(c.t, held)
	require.Eventually(c.t, func() bool { return on.Live("anchor") == len(held) }, 30*time.Second, time.Millisecond)
}

// weigh lets the anchors go.
func (c *crowd) weigh() {
	c.up.Store(true)
	for _, look := range c.down {
		look()
	}
}

func (c *crowd) alive() (alive []*member) {
	for _, n := range c.nodes {
		if !n.dead {
			alive = append(alive, n)
		}
	}
	return alive
}

// shared waits until every partition is held by the node that all propose for it.
func (c *crowd) shared() {
	c.t.Helper()
	alive := c.alive()
	require.Eventually(c.t, func() bool {
		held := 0
		for _, n := range alive {
			held += len(n.Held())
			if len(n.Members()) != len(alive) {
				return false
			}
		}
		return held == domain.Partitions
	}, 30*time.Second, 5*time.Millisecond)
}

// inPlace says whether each buyer's partition is held where it belongs.
func (c *crowd) inPlace() bool {
	for i := range screens {
		p := cluster.PartitionOf(wire.KindBuyer, "acme/"+string(screen(i)))
		if !slices.ContainsFunc(c.owner(screen(i)).Held(), func(f domain.Fence) bool { return f.Partition == p }) {
			return false
		}
	}
	return true
}

// kill ends a node as a crash does: the others are told nothing.
func (c *crowd) kill(m *member) {
	if !m.dead {
		m.dead = true
		m.Kill()
		m.rt.Stop()
	}
}

// leave ends a node in order.
func (c *crowd) leave(m *member) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	require.NoError(c.t, m.Stop(ctx))
	m.dead = true
	m.rt.Stop()
}

// owner is the node on which a buyer lives.
func (c *crowd) owner(b domain.BuyerID) *member {
	c.t.Helper()
	for _, n := range c.alive() {
		if home, ok := n.Home(wire.KindBuyer, "acme/"+string(b)); ok && home.Local {
			return n
		}
	}
	require.FailNow(c.t, "a buyer lives nowhere", b)
	return nil
}

// give sends n leads in by a node and waits until each is somebody's.
func (c *crowd) give(by *member, n int) {
	c.t.Helper()
	for range n {
		c.sent++
		id := fmt.Sprint("e", c.sent)
		require.Eventually(c.t, func() bool { // the lead's own node may have died a moment ago
			ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
			defer cancel()
			_, err := by.rt.Ingest(ctx, actortest.Contact(domain.EventID(id), domain.LeadID("lead-"+id)))
			return err == nil
		}, 30*time.Second, time.Millisecond)
	}
}

// page is one dashboard of each buyer, on whatever node its socket is.
type page struct {
	c       *crowd
	at      *member
	watched map[domain.BuyerID]*actortest.Watcher
	stops   []func()
}

func (p *page) close() {
	for _, stop := range p.stops {
		stop()
	}
	require.Eventually(p.c.t, func() bool { return p.at.rt.Quiet() }, 30*time.Second, time.Millisecond)
}

// began is where each page began.
func (p *page) began() map[domain.BuyerID]domain.Seq {
	out := map[domain.BuyerID]domain.Seq{}
	for b, w := range p.watched {
		out[b] = w.Began()[0]
	}
	return out
}

// seen is how far each page has got.
func (p *page) seen() map[domain.BuyerID]domain.Seq {
	out := map[domain.BuyerID]domain.Seq{}
	for b, w := range p.watched {
		out[b] = domain.Seq(len(w.Seqs()))
	}
	return out
}

// open opens a page for each buyer on a node, from after what it has seen (nil: from the newest).
func (c *crowd) open(at *member, seen map[domain.BuyerID]domain.Seq) *page {
	c.t.Helper()
	p := &page{c: c, at: at, watched: map[domain.BuyerID]*actortest.Watcher{}}
	for i := range screens {
		b, w := screen(i), &actortest.Watcher{}
		p.watched[b] = w
		last, has := seen[b]
		stop := at.rt.Hub().Watch(domain.BuyerKey{Account: "acme", Buyer: b}, last, has, w)
		p.stops = append(p.stops, stop)
		require.Eventually(c.t, func() bool { return len(w.Began()) == 1 }, 30*time.Second, time.Millisecond)
	}
	return p
}

// whole waits until every page has everything after from, and expects it once, in order, with no break that a browser
// would see: no second beginning, no refetch.
func (p *page) whole(from map[domain.BuyerID]domain.Seq) {
	p.c.t.Helper()
	for b, w := range p.watched {
		all, err := p.c.store.Heads(p.c.t.Context(), []domain.BuyerKey{{Account: "acme", Buyer: b}})
		require.NoError(p.c.t, err)
		want := []domain.Seq{}
		for s := from[b] + 1; s <= all[0].Seq; s++ {
			want = append(want, s)
		}
		require.Eventually(p.c.t, func() bool { return len(w.Seqs()) >= len(want) }, 30*time.Second, time.Millisecond, "%s has %v of %v", b, w.Seqs(), want)
		require.Equal(p.c.t, want, w.Seqs(), b)
		require.Len(p.c.t, w.Began(), 1)
		require.Empty(p.c.t, w.Resyncs())
	}
}

// Two pages of each buyer, on two of three nodes, follow buyers that live on all three through every change of owner, and
// nothing but the change itself brings them there: no renewal and no look-out is ever due on these nodes' clock.
func TestHub_FollowsTheOwner(t *testing.T) {
	c := newCrowd(t, 3, 1)
	one, two, three := c.nodes[0], c.nodes[1], c.nodes[2]
	first, second := c.open(one, nil), c.open(three, nil)
	lives := map[*member]int{}
	for i := range screens {
		lives[c.owner(screen(i))]++
	}
	require.Len(t, lives, 3, "each node owns buyers")
	require.InDelta(t, lives[one], one.sessions("here"), 0)
	require.InDelta(t, lives[two]+lives[three], one.sessions("elsewhere"), 0)
	both := func() { first.whole(nil); second.whole(nil) }
	c.give(two, 2*screens)
	both()

	c.kill(two) // an owner dies
	c.give(one, 2*screens)
	c.shared()
	both()
	c.give(one, screens)
	both()
	require.GreaterOrEqual(t, one.value("leadwire_hub_reattached_total", ""), float64(lives[two]))
	require.Eventually(t, func() bool { return one.sessions("asked") == 0 }, 30*time.Second, time.Millisecond)

	// Another node takes some over from both. While a partition waits for what is under way in it, its buyers are still at
	// work where they were, and are watched there.
	c.anchor(one)
	c.anchor(three)
	joined := c.join()
	require.False(t, c.inPlace(), "some wait")
	c.give(joined, 2*screens)
	both()
	taken, asked := 0, func(m *member) float64 { return m.value("leadwire_hub_reattached_total", "") }
	for i := range screens {
		if c.owner(screen(i)) == joined {
			taken++
		}
	}
	before, beforeThree := asked(one), asked(three)
	c.weigh()
	require.Eventually(t, c.inPlace, 30*time.Second, 5*time.Millisecond)
	require.Eventually(t, func() bool {
		return asked(one) >= before+float64(taken) && asked(three) >= beforeThree+float64(taken)
	}, 30*time.Second, time.Millisecond, "who was lent a lease for the time being asks the new owner")
	c.give(joined, 2*screens)
	both()

	c.shared()
	c.kill(one) // a node with pages dies, and an owner with it: its pages go on where they were, at another
	c.give(joined, screens)
	moved := c.open(joined, first.seen())
	c.give(joined, screens)
	moved.whole(first.seen())
	second.whole(nil)

	here := c.open(three, moved.began()) // one withdraws and owns nothing any more, but has its pages
	require.NoError(t, three.Withdraw(t.Context()))
	require.NoError(t, three.Handed(t.Context()))
	c.give(joined, 2*screens)
	moved.whole(first.seen())
	here.whole(moved.began())
	second.close()
	here.close()

	moved.close() // nobody watches there while an owner goes in order
	c.leave(three)
	back := c.open(joined, nil)
	c.give(joined, 2*screens)
	back.whole(back.began())
	require.InDelta(t, screens, joined.sessions("here"), 0)
}
