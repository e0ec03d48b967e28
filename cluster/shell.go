package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
)

// The runtime's cluster is used as a shell: its three plugs hold our provider, our router as the
// identity lookup, and our Ask as the context. It is put together from its parts rather than by its
// own StartMember, which panics on a busy port, starts a gossip of its own and a publisher nobody
// subscribes to, and then sleeps for a second.

// newSystem makes the actor system. Its dead letters are not logged one by one.
func newSystem(log *slog.Logger) *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return log }),
		actor.WithDeadLetterRequestLogging(false),
		actor.WithDeadLetterThrottleInterval(time.Millisecond), // each dead letter starts a timer of this length
	)
}

// listen puts the shell together and opens the port for actor messages. Node.Kill closes it.
func (n *Node) listen(ctx context.Context) error {
	lookup := &lookup{n: n}
	server, client := n.transport()
	door := newDoorman(server)
	n.shell = cluster.New(n.sys, cluster.Configure(n.cfg.Name, n.provider, lookup, n.remoting(door, client),
		cluster.WithClusterContextProducer(func(*cluster.Cluster) cluster.Context { return caller{n} })))
	n.shell.Remote = remote.NewRemote(n.sys, n.shell.Config.RemoteConfig)
	n.shell.IdentityLookup = lookup
	n.sys.ProcessRegistry.RegisterAddressResolver(n.gone.resolve) // before the runtime registers its own
	err := openPort(ctx, n.shell.Remote, door, n.cfg, n.sys.Address)
	if n.sys.Address() != noAddress {
		n.remote = n.shell.Remote
	}
	if err != nil {
		return err
	}
	n.address = n.sys.Address()
	n.router.self.address = n.address
	lookup.Setup(n.shell, nil, false)
	return nil
}

// receiveLimit is the largest batch of messages one node takes from another: batchSize of the largest, which carry a webhook's
// body of 1 MiB (domain.MaxSourceBody), and what stands around it. What exceeds it would be lost with its whole batch and the connection.
const (
	receiveLimit = 256 << 20
	batchSize    = 200
)

// noAddress is what the runtime calls itself before it listens.
const noAddress = "nonhost"

func (n *Node) transport() (server, client credentials.TransportCredentials) {
	if n.cfg.ServerTLS == nil {
		return insecure.NewCredentials(), insecure.NewCredentials()
	}
	return credentials.NewTLS(n.cfg.ServerTLS), credentials.NewTLS(n.cfg.ClientTLS)
}

func (n *Node) remoting(server, client credentials.TransportCredentials) *remote.Config {
	options := []remote.ConfigOption{
		remote.WithEndpointWriterBatchSize(batchSize),
		remote.WithEndpointWriterQueueSize(1024), // how large the queue begins; the library's million takes 16 MB a peer
		remote.WithServerOptions(
			grpc.StreamInterceptor(survive(n.deps.Log)),
			grpc.MaxRecvMsgSize(receiveLimit),
			grpc.Creds(server),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
			grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 3 * time.Second})),
		remote.WithDialOptions(
			grpc.WithTransportCredentials(client),
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 2, MaxDelay: time.Second}, MinConnectTimeout: 2 * time.Second}),
			// A peer that has stopped reading is let go within 13s, and the messages that waited for it.
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 3 * time.Second, PermitWithoutStream: true})),
	}
	if n.cfg.Advertise != n.cfg.Host {
		options = append(options, remote.WithAdvertisedHost(fmt.Sprintf("%s:%d", n.cfg.Advertise, n.cfg.Port)))
	}
	rc := remote.Configure(n.cfg.Host, n.cfg.Port, options...)
	rc.MaxRetryCount = 1 // each costs 2s in which messages to the peer wait; 0 would pretend to be connected
	return rc
}

// survive keeps a message that this version does not know from taking the process down: the library
// dereferences nil on it. The stream ends and the peer connects again.
func survive(log *slog.Logger) grpc.StreamServerInterceptor {
	limit := &limiter{perSecond: 1}
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
		defer func() {
			if reason := recover(); reason != nil {
				if _, ok := limit.allow(time.Now()); ok {
					log.Error("a batch from another node could not be read", "reason", fmt.Sprint(reason), "stack", string(debug.Stack()))
				}
				err = status.Error(codes.Internal, "the batch could not be read")
			}
		}()
		return handler(srv, stream)
	}
}

// lookup is the router in the runtime's plug for finding actors.
type lookup struct{ n *Node }

var _ cluster.IdentityLookup = (*lookup)(nil)

// Setup registers the router's processes and listens for topologies. It is part of
// cluster.IdentityLookup.
func (l *lookup) Setup(c *cluster.Cluster, _ []string, _ bool) {
	n := l.n
	n.roster = newRoster(n.cfg, n.address, n.gone)
	for id, process := range map[string]actor.Process{
		inboxID: (*inbox)(n.router), sinkID: (*sink)(n.asks), marksID: (*confirmations)(n.roster),
	} {
		n.sys.ProcessRegistry.Add(process, id)
	}
	c.ActorSystem.EventStream.Subscribe(func(event any) {
		if t, ok := event.(*cluster.ClusterTopology); ok {
			n.roster.met(t.Members)
			n.tabulate()
			n.m.topologies.Inc()
		}
	})
}

// tabulate makes the table anew: of the members that take part and reach the ledger, or of those that have withdrawn if
// nobody else is there.
func (n *Node) tabulate() {
	n.tabulating.Lock() // an older table must not be put over a newer one
	defer n.tabulating.Unlock()
	n.router.setTable(n.roster.table(func(m *cluster.Member) bool { return !n.keeper.lease.misses(nodeOf(m.GetId())) }))
	n.keeper.poke()
}

// Get returns where to send a message for an identity: the inbox of its owner, which finds or makes
// the activation. It is part of cluster.IdentityLookup.
func (l *lookup) Get(ci *cluster.ClusterIdentity) *actor.PID {
	_, owner := l.n.router.way(ci.GetKind(), ci.GetIdentity())
	if owner == nil {
		return nil
	}
	return actor.NewPID(owner.address, inboxID)
}

// RemovePid is part of cluster.IdentityLookup. Nothing is cached.
func (l *lookup) RemovePid(*cluster.ClusterIdentity, *actor.PID) {}

// Shutdown is part of cluster.IdentityLookup. The node stops the router itself.
func (l *lookup) Shutdown() {}

// caller is Ask in the runtime's plug for calls by identity.
type caller struct{ n *Node }

var _ cluster.Context = caller{}

// Request asks. The runtime's options are shared by the whole process and have no effect here. It is
// part of cluster.Context.
func (c caller) Request(identity, kind string, message any, _ ...cluster.GrainCallOption) (any, error) {
	m, ok := message.(Keyed)
	if !ok {
		return nil, errors.New("ask: the message has no address")
	}
	if k, id := m.Address(); k != kind || id != identity {
		return nil, fmt.Errorf("ask: the message is addressed to %s/%s, not to %s/%s", k, id, kind, identity)
	}
	return c.n.Ask(c.n.base, m)
}

// RequestFuture is part of cluster.Context.
func (c caller) RequestFuture(string, string, any, ...cluster.GrainCallOption) (*actor.Future, error) {
	return nil, errors.New("ask: futures are not supported, use Ask")
}
