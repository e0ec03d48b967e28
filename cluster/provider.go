package cluster

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/hashicorp/memberlist"
	"google.golang.org/protobuf/proto"

	"github.com/leadwire/leadwire/actors/domain"
)

// provider brings gossip membership to the runtime. It publishes topologies itself: the runtime's own
// member list would block a member that was once thought dead for ever, by id, and tear down a new
// process's connection because an old one had the same address.
//
// memberlist's callbacks run under its locks; they only copy and signal. One goroutine publishes.
type provider struct {
	cfg     Config
	seeds   discovery
	secrets *secrets
	log     *slog.Logger
	evicted func()            // the others thought us dead: they have claimed what we hold, if our lease was over
	turned  func()            // another node says that partitions have changed hands
	opened  func(*wire) error // gossip goes over TLS, and has not begun
	history *history
	c       *cluster.Cluster
	ml      *memberlist.Memberlist
	wire    *wire  // nil: memberlist's own
	gossip  string // where others join us
	started int64
	meta    atomic.Pointer[[]byte]
	left    atomic.Bool

	dirty  chan struct{} // holds one
	notice chan string   // an eviction notice, naming the member id it is about
	shares chan share    // what part we take in partitions from now on
	share  atomicShare
	stop   context.CancelFunc
	ctx    context.Context
	done   chan struct{}

	mu    sync.Mutex
	nodes map[string]memberlist.Node // by memberlist name; copies, because memberlist goes on writing its own
	dead  departed

	self       *cluster.Member
	generation int
	last       map[string]*cluster.Member // as published, by member id
	looking    bool                       // for seeds
	looked     chan bool                  // whether any joined, or none was missing; holds one
	telling    map[string]bool            // members that are being told that they were taken for dead; guarded by mu
}

var _ cluster.ClusterProvider = (*provider)(nil)

func newProvider(cfg Config, log *slog.Logger, evicted func(), h *history) *provider {
	return &provider{
		cfg: cfg, log: log, evicted: evicted, history: h, started: time.Now().UnixNano(),
		dirty: make(chan struct{}, 1), notice: make(chan string, 4), shares: make(chan share), looked: make(chan bool, 1), done: make(chan struct{}),
		nodes: map[string]memberlist.Node{}, last: map[string]*cluster.Member{}, telling: map[string]bool{},
	}
}

// StartMember joins the cluster and publishes the first topology. It is part of
// cluster.ClusterProvider.
func (p *provider) StartMember(c *cluster.Cluster) error {
	host, port, err := c.ActorSystem.GetHostPort()
	if err != nil {
		return fmt.Errorf("read our own address: %w", err)
	}
	p.c = c
	p.self = &cluster.Member{Host: host, Port: int32(port), Id: c.ActorSystem.ID + ".0", Kinds: labels(p.cfg, sharing)}
	if err := p.encodeSelf(); err != nil {
		return err
	}
	if p.secrets, err = openSecrets(p.cfg); err != nil {
		return err
	}
	if err := p.startGossip(); err != nil {
		return fmt.Errorf("start gossip on %s port %d: %w", p.cfg.Host, p.cfg.GossipPort, err)
	}
	p.gossip = p.ml.LocalNode().Address() // read once: memberlist writes to what it returns, without our knowing
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.joinSeeds(p.cfg.JoinWait)
	p.publish()
	go p.run(p.ctx)
	return nil
}

// startGossip opens gossip's port: over TLS where the nodes have certificates, or else memberlist's own.
func (p *provider) startGossip() (err error) {
	settings := p.settings()
	if p.cfg.ServerTLS != nil {
		if p.wire, err = openWire(p.cfg.Host, p.cfg.GossipPort, p.cfg.ServerTLS, p.cfg.ClientTLS, usualWire, p.log); err != nil {
			return err
		}
		settings.Transport = p.wire
		err = p.opened(p.wire)
	}
	if err == nil {
		p.ml, err = memberlist.Create(settings)
	}
	if err != nil && p.wire != nil {
		_ = p.wire.Shutdown() // it is the first error that says something
	}
	return err
}

// StartClient is part of cluster.ClusterProvider. The runtime's clients panic when they stop; a node
// without kinds does their work.
func (p *provider) StartClient(*cluster.Cluster) error {
	return errors.New("start cluster client: not supported, start a node without kinds")
}

// Shutdown is part of cluster.ClusterProvider.
func (p *provider) Shutdown(graceful bool) error {
	if p.ml == nil {
		return nil
	}
	if graceful {
		p.leave()
	}
	p.close()
	return nil
}

func (p *provider) settings() *memberlist.Config {
	mc := memberlist.DefaultLANConfig()
	mc.Name = p.c.ActorSystem.ID // of this process, not of the host: a restart is a new member
	mc.BindAddr, mc.BindPort = p.cfg.Host, p.cfg.GossipPort
	mc.AdvertiseAddr, mc.AdvertisePort = advertised(p.cfg), p.cfg.GossipPort
	mc.Keyring, mc.Label = p.secrets.ring, p.cfg.Name
	mc.Delegate, mc.Events, mc.Alive = p, p, p
	mc.Logger = log.New(gossipWriter{p.log}, "", 0)
	mc.ProbeInterval, mc.ProbeTimeout = p.cfg.Probe, p.cfg.Probe*2/5
	mc.SuspicionMult, mc.SuspicionMaxTimeoutMult = 3, 3
	mc.IndirectChecks, mc.AwarenessMaxMultiplier = 2, 4
	mc.GossipInterval, mc.PushPullInterval = 50*time.Millisecond, 10*time.Second
	mc.TCPTimeout = 2 * time.Second
	return mc
}

// advertised is the address to gossip about; "" lets memberlist take the one it is bound to.
func advertised(cfg Config) string {
	if cfg.Advertise == cfg.Host {
		return ""
	}
	if ip, err := net.ResolveIPAddr("ip", cfg.Advertise); err == nil {
		return ip.String()
	}
	return cfg.Advertise
}

// joinSeeds tries the seeds until one answers or the time is over. Not being able to join is not an
// error: somebody has to be first, and run goes on trying.
func (p *provider) joinSeeds(wait time.Duration) {
	over := time.NewTimer(wait)
	defer over.Stop()
	for {
		p.lookAround()
		select {
		case joined := <-p.looked:
			p.looking = false
			if joined {
				return
			}
		case <-over.C:
			p.log.Warn("no seed answers, beginning alone", "seeds", p.cfg.Seeds)
			return
		case <-p.ctx.Done():
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-p.ctx.Done():
			return
		}
	}
}

// lookAround asks seeds that are no members to join, unless that is under way. It does not wait: each one that is silent takes
// two seconds, and they are asked one after the other. Once the node stops, the one that is being asked is the last; nobody waits
// for it, since what it answers is of no use any more.
func (p *provider) lookAround() {
	if p.looking {
		return
	}
	p.looking = true
	go func() {
		seeds := p.missingSeeds()
		joined := len(seeds) == 0
		for _, seed := range seeds {
			if p.ctx.Err() != nil {
				break
			}
			n, _ := p.ml.Join([]string{seed}) // an error says what missingSeeds will say again
			joined = joined || n > 0
		}
		p.looked <- joined
	}()
}

// rejoinEvery is how often seeds that are not members are tried: memberlist does not bring two halves
// of a cluster together again by itself.
const rejoinEvery = 2 * time.Second

func (p *provider) run(ctx context.Context) {
	defer close(p.done)
	ticker := time.NewTicker(rejoinEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.dirty:
		case id := <-p.notice:
			if id == p.self.Id { // several peers send the same notice
				p.rejoin()
			}
		case s := <-p.shares:
			p.takePart(s)
		case <-ticker.C:
			p.followSecrets()
			p.lookAround()
		case <-p.looked:
			p.looking = false
		}
		p.publish()
	}
}

// partake says what part we take in partitions from now on. It returns before anybody has heard of it, ourselves included.
func (p *provider) partake(ctx context.Context, s share) error {
	select {
	case p.shares <- s:
		return nil
	case <-p.ctx.Done():
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *provider) takePart(s share) {
	if p.share.Load() == stopping {
		return // nobody takes that back
	}
	p.share.Store(s)
	p.self = proto.CloneOf(p.self)
	p.self.Kinds = labels(p.cfg, s)
	if err := p.encodeSelf(); err == nil { // only a longer one could fail
		_ = p.ml.UpdateNode(time.Second) // a timeout only means that the news travels with the next round
	}
}

// followSecrets takes over the keys of gossip as their file has them now.
func (p *provider) followSecrets() {
	switch changed, err := p.secrets.follow(); {
	case err != nil:
		p.log.Error("gossip keys cannot be taken over; those before stay", "error", err)
	case changed:
		p.log.Info("gossip keys changed", "keys", len(p.secrets.ring.GetKeys()))
	}
}

// missingSeeds are the seeds' addresses at which no member is known, our own included.
func (p *provider) missingSeeds() []string {
	have := map[string]bool{}
	for _, n := range p.snapshot() {
		have[n.Address()] = true
	}
	return slices.DeleteFunc(p.seeds.addresses(p.ctx), func(s string) bool { return have[s] })
}

// rejoin comes back after the others have declared us dead: under a new generation of our id, because
// they will not believe the old one again.
func (p *provider) rejoin() {
	p.log.Warn("the others had declared this node dead; joining again")
	p.evicted()
	p.generation++
	p.self = proto.CloneOf(p.self)
	p.self.Id = string(nodeOf(p.self.Id)) + "." + strconv.Itoa(p.generation)
	if err := p.encodeSelf(); err == nil { // only a longer id could fail
		_ = p.ml.UpdateNode(time.Second) // a timeout only means that the news travels with the next round
	}
}

// nodeOf is the node of a member: its name without the generation.
func nodeOf(member string) domain.NodeID {
	name, _, _ := strings.Cut(member, ".")
	return domain.NodeID(name)
}

// view is whom we take for members, and ourselves.
func (p *provider) view() []domain.NodeID {
	all := map[domain.NodeID]bool{nodeOf(p.c.ActorSystem.ID): true}
	for _, n := range p.snapshot() {
		if m, _, err := decodeMeta(n.Meta); err == nil && !p.wasDead(m.Id) {
			all[nodeOf(m.Id)] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// leave tells the others that we go. It returns when the news is out, or after a second: where all go at the same moment there
// is nobody left to hear it, and who does not hear it finds out.
func (p *provider) leave() {
	p.left.Store(true)
	if err := p.ml.Leave(time.Second); err != nil {
		p.log.Warn("the others may not have heard that we leave", "error", err)
	}
}

// peers is how many other members there are.
func (p *provider) peers() int { return max(p.ml.NumMembers()-1, 0) }

// gossipAddress is where others join us.
func (p *provider) gossipAddress() string { return p.gossip }

func (p *provider) close() {
	if p.ml == nil || p.stop == nil {
		return
	}
	p.stop()
	<-p.done
	_ = p.ml.Shutdown() // memberlist only logs
	for _, m := range p.last {
		if m.Address() != p.c.ActorSystem.Address() {
			p.c.ActorSystem.EventStream.Publish(&remote.EndpointTerminatedEvent{Address: m.Address()})
		}
	}
}
