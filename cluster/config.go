package cluster

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// Keyed is a message addressed to a virtual actor. A message that may cross nodes is also a protobuf
// message. It is read by the receiver without a copy, so the sender never touches it again.
type Keyed interface{ Address() (kind, id string) }

// Urgent is implemented by the messages an actor causes itself: answers to its own work, its own
// timers. A full mailbox lets them in, because the actor waits for each of them, and the work it has
// under way bounds them.
type Urgent interface{ Urgent() }

// Identity is who an activation is, and by what right it commits.
type Identity struct {
	Kind  string
	ID    string
	Fence domain.Fence
}

// Actor is a virtual actor. It receives *actor.Started first, *actor.Stopping and *actor.Stopped
// last, and its messages in between, one at a time.
type Actor interface {
	actor.Actor
	// Busy says that it must stay in memory now. It is asked on the actor's own turn, so it may read
	// the actor's fields. An actor that is being moved away is given Config.BusyGrace and no longer.
	Busy() bool
}

// Moving tells an actor of a kind that hands over that its partition is to move to another node: it begins nothing new
// outside of this cluster, and is left in memory until it is Settled. Staying takes that back.
type (
	Moving  struct{}
	Staying struct{}
)

// Settler is an actor of a kind that hands over.
type Settler interface {
	Actor
	// Settled says that nothing it has begun is still under way. It is asked on the actor's own turn.
	Settled() bool
}

// Leaving tells an activation that its partition is moving to another node: it finishes what is in
// flight and lets go of the rest. It is stopped when it is no longer Busy. Ignoring it is allowed.
type Leaving struct{}

// Kind is a sort of virtual actor.
type Kind struct {
	Name string
	// New makes an activation, on the activation's own goroutine. A panic in it stops this activation
	// and answers those who asked it.
	New func(Identity) Actor
	// Mailbox is how many messages may wait; 0: 256, about a second of one actor's work. The next one
	// is refused.
	Mailbox int
	// IdleAfter is how long an activation stays without messages; 0: a minute; below 0: for ever. It
	// leaves within 1.3 times this.
	IdleAfter time.Duration
	// HandsOver says that its actors are Settlers: a partition that moves stays at work until they have settled, or
	// Config.HandOver is over. While it waits, none of them is activated.
	HandsOver bool
}

// Ledger says who holds which partition. It is a part of domain.Store.
type Ledger = domain.LeaseStore

// Config is the values a node runs with. Zero fields take their default.
type Config struct {
	Name string // of the cluster; nodes of another name are not heard; default "leadwire"
	Host string // to bind to, for actor messages and gossip; default 127.0.0.1
	Port int    // of actor messages (TCP); default 0: any free one
	// Advertise is the host by which other nodes reach this one; default Host. It needs Port.
	Advertise string
	// URL is where browsers reach this very node, told to the others: an http or https URL, with no slash at its end;
	// default none.
	URL        string
	GossipPort int      // of gossip (TCP and UDP; with TLS TCP alone); default 0: any free one
	Seeds      []string // where the gossip of nodes to join is found: see discover.go; none: this node begins alone

	SecretKey []byte // encrypts gossip: 16, 24 or 32 bytes
	// SecretFile holds keys instead, and they may be replaced while nodes run: see secret.go.
	SecretFile string
	ServerTLS  *tls.Config // for gossip and actor messages that come in; needs ClientTLS
	ClientTLS  *tls.Config // for gossip and actor messages that go out; needs ServerTLS

	// Probe is how often a member is probed; default 500ms, which declares a dead node within about
	// 2.5s and forgives a pause of 1s. A probe's answer may take two fifths of it.
	Probe time.Duration
	// JoinWait is how long a node that reached no seed waits before it begins alone; default 3s.
	JoinWait time.Duration
	// Linger is how long a node that left still answers peers that have not heard; default 200ms. A
	// node without peers does not linger.
	Linger time.Duration

	AskTimeout   time.Duration // of a whole Ask whose context has no deadline; default 10s
	AskTry       time.Duration // of one try; default 3s: longer than a slow commit, shorter than a client's patience
	AsksInFlight int           // asks this node waits for at once; default 8192; the next is Unavailable
	PeerInFlight int           // of those, to one peer; default 4096
	TellWindow   int           // one-way messages a peer has not confirmed; default 4096; the next is Unavailable

	LedgerTimeout time.Duration // of one call to the ledger; default 5s
	// Lease is how long the ledger takes us to be at work without hearing from us: others may take over as late after
	// we are gone, and we stop a tenth of it earlier; default 2.5s. It is renewed five times in its length.
	Lease      time.Duration
	Reread     time.Duration // between readings of what the ledger says we hold; default 2s: how long a stale node can go on
	BusyGrace  time.Duration // for a Busy activation whose partition moves; default 200ms: a commit and its answer
	DrainLimit time.Duration // for a partition to empty; default 5s; what runs on is cut off, it cannot commit
	// HandOver is for what is under way in a partition that moves, which works on meanwhile; default 65s: the longest that
	// an attempt at an endpoint may take, and its receipt.
	HandOver time.Duration

	Restarts      int           // of one activation within RestartWindow; default 5; then it is stopped
	RestartWindow time.Duration // default 10s
}

// Deps are the collaborators of a node. Ledger and Kinds are needed; the others may be nil.
type Deps struct {
	Ledger     Ledger
	Kinds      []Kind
	Clock      domain.Clock // when activations are idle; everything else runs on the machine's time
	Log        *slog.Logger
	Registerer prometheus.Registerer
	// OnHeld hears of partitions that became ours, so that their work can be picked up. OnChange hears
	// that the owner of some partition, anywhere, may have changed. Both are called from one goroutine,
	// one call at a time, perhaps before Start has returned, and may block: calls that pile up are
	// merged.
	OnHeld   func([]domain.Fence)
	OnChange func()
}

func (c Config) withDefaults() Config {
	setDefault(&c.Name, "leadwire")
	setDefault(&c.Host, "127.0.0.1")
	setDefault(&c.Advertise, c.Host)
	setDefault(&c.Probe, 500*time.Millisecond)
	setDefault(&c.JoinWait, 3*time.Second)
	setDefault(&c.Linger, 200*time.Millisecond)
	setDefault(&c.AskTimeout, 10*time.Second)
	setDefault(&c.AskTry, 3*time.Second)
	setDefault(&c.AsksInFlight, 8192)
	setDefault(&c.PeerInFlight, 4096)
	setDefault(&c.TellWindow, 4096)
	setDefault(&c.Lease, 2500*time.Millisecond)
	setDefault(&c.HandOver, 65*time.Second)
	setDefault(&c.LedgerTimeout, 5*time.Second)
	setDefault(&c.Reread, 2*time.Second)
	setDefault(&c.BusyGrace, 200*time.Millisecond)
	setDefault(&c.DrainLimit, 5*time.Second)
	setDefault(&c.Restarts, 5)
	setDefault(&c.RestartWindow, 10*time.Second)
	return c
}

func setDefault[T comparable](to *T, value T) {
	var zero T
	if *to == zero {
		*to = value
	}
}

func (c Config) validate() error {
	const op = "configure cluster"
	switch n := len(c.SecretKey); {
	case len(c.Name) > 255:
		return domain.FailField(op, "name", "at most 255 bytes")
	case unspecified(c.Advertise):
		return domain.FailField(op, "advertise", "needs a host that others can reach: "+c.Advertise+" is none")
	case c.Advertise != c.Host && c.Port == 0:
		return domain.FailField(op, "port", "must be set when an address is advertised")
	case n != 0 && c.SecretFile != "":
		return domain.FailField(op, "secret_file", "a key, or a file of keys: not both")
	case n != 0 && n != 16 && n != 24 && n != 32:
		return domain.FailField(op, "secret_key", "16, 24 or 32 bytes")
	case (c.ServerTLS == nil) != (c.ClientTLS == nil):
		return domain.FailField(op, "tls", "the server's and the client's side come together")
	case c.Lease < minLease || c.Lease > maxLease:
		return domain.FailField(op, "lease", "from "+minLease.String()+" to "+maxLease.String())
	case c.Probe < minProbe || c.Probe > maxProbe:
		return domain.FailField(op, "probe", "from "+minProbe.String()+" to "+maxProbe.String())
	case c.AsksInFlight > maxAsks:
		return domain.FailField(op, "asks_in_flight", "at most "+strconv.Itoa(maxAsks))
	}
	if c.URL != "" {
		if err := checkURL(c.URL); err != nil {
			return domain.FailField(op, "node_url", err.Error())
		}
	}
	for _, s := range c.Seeds {
		if err := checkSeed(s); err != nil {
			return domain.FailField(op, "seeds", err.Error())
		}
	}
	return nil
}

// Bounds of what a cluster's nodes notice each other's end by. Below them a busy machine is taken for a dead one, above
// them a dead one is missed for a minute.
const (
	minLease, maxLease = time.Second, time.Minute
	minProbe, maxProbe = 100 * time.Millisecond, 10 * time.Second
)

func unspecified(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsUnspecified()
}

func (d Deps) withDefaults() Deps {
	if d.Clock == nil {
		d.Clock = domain.SystemClock{}
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return d
}

func (d Deps) validate() error {
	const op = "configure cluster"
	if d.Ledger == nil {
		return domain.Fail(op, domain.Invalid, errors.New("a ledger is needed"))
	}
	seen := map[string]bool{}
	for _, k := range d.Kinds {
		switch {
		case k.Name == "" || strings.ContainsAny(k.Name, "/$"):
			return domain.FailField(op, "kinds", "a kind's name is not empty and has no / and no $")
		case seen[k.Name]:
			return domain.FailField(op, "kinds", "two kinds are called "+k.Name)
		case k.New == nil:
			return domain.FailField(op, "kinds", "kind "+k.Name+" has no New")
		}
		seen[k.Name] = true
	}
	return nil
}
