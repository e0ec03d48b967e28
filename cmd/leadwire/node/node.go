package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/leadwire/leadwire/actors"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/telemetry"
	"github.com/leadwire/leadwire/actors/vault"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/leadwire/leadwire/httpedge/admin"
	"github.com/leadwire/leadwire/httpedge/dashboard"
	"github.com/leadwire/leadwire/httpedge/outbound"
	"github.com/leadwire/leadwire/httpedge/sse"
)

// Node is a Leadwire that runs.
type Node struct {
	config   Config
	deps     Deps
	registry *prometheus.Registry
	started  time.Time

	listener  net.Listener
	store     domain.Store
	book      *actors.Book
	identity  *identities
	vault     *vault.Vault // nil: there is no master key
	sender    *outbound.Sender
	tokens    *outbound.Tokens
	telemetry *telemetry.Recorder
	runtime   *actors.Runtime
	cluster   *cluster.Node
	streams   *sse.Server
	moving    atomic.Pointer[sse.Server] // streams, once they may be told of owners
	admin     *admin.API
	edge      *httpedge.Server
	control   *control.Server

	loops     sync.WaitGroup // book, graph and maintenance
	stopLoops context.CancelFunc
	failed    chan error
	left      chan struct{} // closed by Leave
	leaving   sync.Once
	served    chan struct{}
	stopping  sync.Once
	stopErr   error
}

// Start brings a node up. It returns once the node holds its partitions and answers requests; when a
// part cannot start, those that did are stopped again. ctx bounds the start and nothing after it.
func Start(ctx context.Context, config Config, deps Deps) (*Node, error) {
	config, deps = config.withDefaults(), deps.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	n := &Node{
		config: config, deps: deps, registry: prometheus.NewRegistry(), started: deps.Clock.Now(),
		failed: make(chan error, 1), left: make(chan struct{}), served: make(chan struct{}),
	}
	n.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, step := range []func(context.Context) error{
		n.listen, n.openStore, n.openBook, n.openIdentity, n.openOutbound, n.startActors, n.openStreams, n.openAdmin, n.openEdge, n.openControl,
	} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, n.giveUp(ctx))
		}
	}
	n.run()
	return n, nil
}

// giveUpWithin bounds the stop of a node that did not start, also when it was told to stop meanwhile.
const giveUpWithin = 10 * time.Second

func (n *Node) giveUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUpWithin)
	defer cancel()
	return n.Stop(ctx)
}

// listen comes first: whoever finds the port taken must not take partitions from the one who has it.
func (n *Node) listen(ctx context.Context) error {
	var err error
	n.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", n.config.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", n.config.Listen, err)
	}
	return nil
}

func (n *Node) openBook(ctx context.Context) error {
	var err error
	n.book, err = actors.OpenBook(ctx, n.store, n.deps.Log, n.catalogChanged)
	if err != nil {
		return fmt.Errorf("read catalog: %w", err)
	}
	return nil
}

func (n *Node) startActors(ctx context.Context) error {
	counts, err := n.store.Counts(ctx)
	if err != nil {
		return fmt.Errorf("read assignment counts: %w", err)
	}
	n.telemetry = telemetry.New(n.registry)
	known := n.identity.deps
	n.runtime = actors.New(n.config.Actors, actors.Deps{
		Store: n.store, Book: n.book, Clock: n.deps.Clock, Log: n.deps.Log,
		Metrics: actors.NewMetrics(n.registry), Telemetry: n.telemetry,
		Suppressions: known.Suppressions, Overlay: known.Overlay, Identity: known.Identity, Graphs: known.Graphs, Slow: known.Slow,
		Sender: n.sender, Vault: n.vault, Tokens: n.tokens,
	}, counts)
	n.runtime.RegisterBacklog(n.registry)
	if err := n.runtime.Load(ctx); err != nil {
		return fmt.Errorf("read suppressions and links: %w", err)
	}
	warnOfOpenPort(n.config.Cluster, n.deps.Log)
	n.cluster, err = cluster.Start(ctx, n.config.Cluster, cluster.Deps{
		Ledger: n.store, Kinds: n.runtime.Kinds(), Clock: n.deps.Clock, Log: n.deps.Log, Registerer: n.registry,
		OnHeld: n.runtime.Held, OnChange: n.moved,
	})
	if err != nil {
		return fmt.Errorf("start cluster: %w", err)
	}
	n.runtime.Start(n.cluster)
	if err := n.runtime.AwaitRecovery(ctx); err != nil {
		return fmt.Errorf("recover pending events: %w", err)
	}
	return nil
}

// warnOfOpenPort speaks aloud when this node joins others, by a port that others than this machine's own processes may reach and
// where they need prove nothing. A name may stand for any address.
func warnOfOpenPort(c cluster.Config, log *slog.Logger) {
	ip := net.ParseIP(c.Host)
	if len(c.Seeds) == 0 || c.ServerTLS != nil || c.Host == "" || c.Host == "localhost" || ip != nil && ip.IsLoopback() {
		return
	}
	log.Warn("ACTOR MESSAGES BETWEEN NODES ARE NEITHER ENCRYPTED NOR AUTHENTICATED: whoever reaches their port can read leads and send them; a key of gossip does not help",
		"host", c.Host, "port", c.Port, "setting", "cluster-cert")
}

func (n *Node) openStreams(context.Context) error {
	var err error
	n.streams, err = sse.New(n.config.Streams, sse.Deps{
		Feeds: n.runtime.Hub(), Owner: n.runtime.Owner, Epoch: n.store.Epoch(), Log: n.deps.Log, Metrics: n.registry,
	})
	n.moving.Store(n.streams)
	return err
}

// moved passes on that owners may have changed. The cluster says so from its start, before there are streams.
func (n *Node) moved() {
	n.runtime.Moved()
	if streams := n.moving.Load(); streams != nil {
		streams.Moved()
	}
}

func (n *Node) openEdge(context.Context) error {
	var err error
	n.edge, err = httpedge.New(n.config.Edge, httpedge.Deps{
		Leads: n.runtime, Visitors: n.runtime, Reader: n.store, Admin: n.admin, Directory: n.book.Directory, Stream: n.streams, Page: dashboard.Handler(n.runtime.URLs), Owners: n.runtime, Telemetry: n.telemetry,
		Gatherer: n.registry, Registerer: n.registry, Clock: n.deps.Clock, Log: n.deps.Log, Ready: n.cluster.Ready,
	})
	return err
}

// openControl serves the commands of this machine. With Postgres most go to the database themselves, and what is left are questions
// to the node: a folder that cannot be written, or that another node has, does not keep it from its work.
func (n *Node) openControl(ctx context.Context) (err error) {
	if n.config.Store == Embedded {
		n.control, err = control.Serve(n.config.Data, n)
		return err
	}
	if other, err := control.NewClient(n.config.Data).Status(ctx); err == nil {
		n.deps.Log.Warn("commands reach another node: give each its own --data", "data", n.config.Data, "node", other.Node)
		return nil
	}
	if err = os.MkdirAll(n.config.Data, 0o700); err == nil {
		n.control, err = control.Serve(n.config.Data, n)
	}
	if err != nil {
		n.deps.Log.Warn("commands do not reach this node", "error", err)
	}
	return nil
}

// run starts what goes on until Stop.
func (n *Node) run() {
	ctx, cancel := context.WithCancel(context.Background())
	n.stopLoops = cancel
	n.loops.Go(func() { n.book.Run(ctx) })
	n.loops.Go(func() { n.followGraph(ctx) })
	n.loops.Go(func() { n.maintain(ctx) })
	go func() {
		defer close(n.served)
		if err := n.edge.Serve(n.listener); err != nil {
			n.failed <- err
		}
	}()
	n.deps.Log.Info("serving", "address", n.Addr(), "node", n.cluster.ID(), "store", n.storeName())
}

// Addr is where the node answers, with the port that was chosen.
func (n *Node) Addr() string { return n.listener.Addr().String() }

// Failed delivers the error with which the edge stopped by itself. The node has to be stopped then.
func (n *Node) Failed() <-chan error { return n.failed }

// Left is closed when this node was told to leave its cluster. It has to be stopped then.
func (n *Node) Left() <-chan struct{} { return n.left }

// Segments is how long each segment of the leads' way has taken so far.
func (n *Node) Segments() []telemetry.Segment { return n.telemetry.Snapshot() }
