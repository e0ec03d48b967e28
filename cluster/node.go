package cluster

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/remote"

	"github.com/leadwire/leadwire/actors/domain"
)

// Node is one member of the cluster.
type Node struct {
	cfg     Config
	deps    Deps
	m       *metrics
	sys     *actor.ActorSystem
	shell   *cluster.Cluster
	remote  *remote.Remote // nil until it listens
	address string

	tabulating sync.Mutex

	router   *router
	roster   *roster
	gone     *departures
	asks     *asks
	provider *provider
	keeper   *keeper
	sweeper  *sweeper
	herald   *herald

	base   context.Context // ends with the node
	cancel context.CancelFunc
	onStop []func()
	closed atomic.Bool
	end    sync.Once
}

// Start begins a node and returns once it is a member and holds its partitions, or with an error and
// nothing left running. It is Listen and Join.
func Start(ctx context.Context, cfg Config, deps Deps) (*Node, error) {
	n, err := Listen(ctx, cfg, deps)
	if err != nil {
		return nil, err
	}
	if err := n.Join(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

// Listen makes a node and opens its port for actor messages. It is nobody's member yet, owns nothing
// and refuses what it is sent. Several nodes of one process should listen before the first joins: the
// RPC library has one logger per process and sets it, without a lock, whenever a node opens its port.
func Listen(ctx context.Context, cfg Config, deps Deps) (*Node, error) {
	cfg, deps = cfg.withDefaults(), deps.withDefaults()
	if err := errors.Join(cfg.validate(), deps.validate()); err != nil {
		return nil, err
	}
	n := newNode(cfg, deps)
	err := n.listen(ctx)
	if err == nil {
		err = n.m.register(n)
	}
	if err != nil {
		n.Kill()
		return nil, domain.Fail("start cluster node", domain.Unavailable, err)
	}
	return n, nil
}

// Join makes a node a member, through Config.Seeds and the given ones, and returns once it holds its
// partitions. A node that could not join has been killed. It is called once.
func (n *Node) Join(ctx context.Context, seeds ...string) error {
	if err := n.join(ctx, seeds); err != nil {
		n.Kill()
		return domain.Fail("start cluster node", domain.Unavailable, err)
	}
	n.deps.Log.Info("node started", "node", n.ID(), "address", n.address, "gossip", n.GossipAddress(), "partitions", len(n.Held()))
	return nil
}

func newNode(cfg Config, deps Deps) *Node {
	n := &Node{cfg: cfg, deps: deps, m: newMetrics(deps.Registerer), asks: newAsks(cfg.AsksInFlight), herald: newHerald(deps)}
	n.base, n.cancel = context.WithCancel(context.Background())
	n.sys = newSystem(newRuntimeLog(deps.Log))
	n.router = newRouter(cfg, deps, n.m)
	n.router.sys = n.sys
	n.gone = &departures{sys: n.sys, dropped: n.m.dropped.WithLabelValues("departed").Inc}
	n.router.heard = n.gone.lives
	n.keeper = newKeeper(cfg, deps, n.m, n.router, n.ID(), n.herald)
	n.router.wake = n.keeper.poke
	n.keeper.lease.self, n.keeper.lease.regroup = n.ownLease, n.tabulate
	n.provider = newProvider(cfg, deps.Log, n.evicted, n.keeper.history)
	n.provider.turned, n.keeper.tell = n.keeper.turn, n.provider.tellTurn
	n.provider.opened = func(w *wire) error { return n.m.show(n, w.collectors()) } // a node that waits for its seeds shows them, too
	n.sweeper = newSweeper(n.router, deps.Clock)
	return n
}

func (n *Node) join(ctx context.Context, seeds []string) error {
	n.provider.seeds = newDiscovery(slices.Concat(n.cfg.Seeds, seeds), n.deps.Log)
	if err := n.provider.StartMember(n.shell); err != nil {
		return err
	}
	n.sweeper.start()
	n.keeper.start()
	go n.herald.run()
	n.onStop = append(n.onStop, n.herald.close)
	if err := n.keeper.served.wait(ctx); err != nil {
		return errors.Join(errors.New("wait for our partitions"), err, n.keeper.obstacle())
	}
	return nil
}

// ID names this run of this process in the ledger.
func (n *Node) ID() domain.NodeID { return domain.NodeID(n.sys.ID) }

// Address is host:port of this node's actor messages.
func (n *Node) Address() string { return n.address }

// GossipAddress is host:port by which other nodes join: a seed for them.
func (n *Node) GossipAddress() string { return n.provider.gossipAddress() }

// System is the actor system, for actors that are not virtual.
func (n *Node) System() *actor.ActorSystem { return n.sys }

// Owner says which node an identity belongs to, by the address of its actor messages ("" while there
// is none), and whether that is this one. It activates nothing.
func (n *Node) Owner(kind, id string) (address string, local bool) {
	_, owner := n.router.owner(kind, id)
	if owner == nil {
		return "", false
	}
	return owner.address, owner.local
}

// Members lists the addresses of the nodes that take part in partitions, sorted.
func (n *Node) Members() []string {
	t := n.router.table.Load()
	out := make([]string, len(t.members))
	for i, m := range t.members {
		out[i] = m.address
	}
	return out
}

// Held lists the partitions this node holds, by partition; none while its lease does not live.
func (n *Node) Held() []domain.Fence {
	var out []domain.Fence
	if _, ok := n.keeper.lease.held(time.Now()); !ok {
		return nil
	}
	for i := range n.router.parts {
		if s, f := n.router.parts[i].now(); s == held {
			out = append(out, f)
		}
	}
	return out
}

// Abandon is for an actor that was told it is fenced: the whole partition is dropped, the ledger is
// read again, and the partition claimed again if membership still proposes this node. A fence that is
// no longer held is ignored, so every actor of the partition may call it. It does not block.
func (n *Node) Abandon(f domain.Fence) {
	if n.router.parts[f.Partition].abandon(f, time.Now()) {
		n.m.fenced.Inc()
		n.deps.Log.Warn("a partition was claimed by another node", "partition", f.Partition, "epoch", f.Epoch)
		n.herald.changed()
		n.keeper.doubt()
	}
}

// Pending is how many messages have been posted to mailboxes on this node and not been handled. At 0,
// every mailbox was quiet at one moment during the call.
func (n *Node) Pending() int64 { return n.router.pending() }

// Live is how many activations of a kind are in memory on this node.
func (n *Node) Live(kind string) int {
	if k := n.router.kinds[kind]; k != nil {
		return int(k.live.Load())
	}
	return 0
}

// Sweep asks every activation that is idle at now to leave memory. The node does so by itself, a few
// partitions at a time.
func (n *Node) Sweep(now time.Time) {
	n.router.clock.Store(now.UnixNano())
	for i := range n.router.parts {
		n.router.sweep(&n.router.parts[i], now)
	}
}

// Acts says whether what f stands for may be done now: the partition is held by it, under a lease that lives. Whoever is
// about to do something outside that no commit takes back asks right before it.
func (n *Node) Acts(f domain.Fence) bool { return n.keeper.acts(f) }

// ownLease is what the ledger is told of this node.
func (n *Node) ownLease() domain.NodeLease {
	load := domain.NodeLoad{Held: n.router.count(held), Messages: int(n.Pending())}
	for _, k := range n.router.byName {
		load.Actors += int(k.live.Load())
	}
	return domain.NodeLease{Node: n.ID(), Address: n.address, View: n.provider.view(), Load: load, Withdrawn: n.provider.share.Load() != sharing}
}

// pending reads what was handled before what was posted: both only grow, so when they are equal
// there was a moment between the two readings at which nothing waited.
func (r *router) pending() int64 {
	var handled, posted int64
	for i := range r.parts {
		handled += r.parts[i].handled.Load()
	}
	for i := range r.parts {
		posted += r.parts[i].posted.Load()
	}
	return posted - handled
}

func (r *router) count(s state) (n int) {
	for i := range r.parts {
		if now, _ := r.parts[i].now(); now == s {
			n++
		}
	}
	return n
}
