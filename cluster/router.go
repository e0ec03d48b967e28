package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster/clusterpb"
)

// router brings a message to the virtual actor it is addressed to. On every node one raw process,
// the inbox, takes what other nodes send; there is no actor in between, no cache of where an actor
// was last seen, and no extra round trip to activate it.
type router struct {
	cfg     Config
	sys     *actor.ActorSystem
	log     *slog.Logger
	m       *metrics
	kinds   map[string]*kind
	byName  []*kind // in the order given; the index is kind.index
	parts   [domain.Partitions]partition
	table   atomic.Pointer[table]
	self    *member              // this node, whether it is a member or not
	clock   atomic.Int64         // the sweeper's time, unix nanoseconds: near enough to tell idle from used
	heard   func(address string) // somebody has asked from there
	wake    func()               // the keeper, when a partition may have become empty, or may be let go
	panics  limiter
	workers *workers
}

// inboxID is the router's process id on every node.
const inboxID = "cluster-inbox"

// kind is a Kind in service.
type kind struct {
	Kind
	index int
	limit int
	live  atomic.Int64
	kindMetrics
}

const defaultMailbox = 256

func newRouter(cfg Config, deps Deps, m *metrics) *router {
	r := &router{cfg: cfg, log: deps.Log, m: m, kinds: map[string]*kind{}, wake: func() {}, heard: func(string) {}, workers: newWorkers(), self: &member{local: true}}
	r.panics.perSecond = 5
	for i, k := range deps.Kinds {
		setDefault(&k.Mailbox, defaultMailbox)
		setDefault(&k.IdleAfter, defaultIdleAfter)
		served := &kind{Kind: k, index: i, limit: k.Mailbox, kindMetrics: m.forKind(k.Name)}
		r.kinds[k.Name] = served
		r.byName = append(r.byName, served)
	}
	for i := range r.parts {
		p := &r.parts[i]
		p.n, p.live, p.props = domain.Partition(i), map[key]*activation{}, make([]*actor.Props, len(r.byName))
	}
	r.table.Store(&table{})
	return r
}

// Why a local post did not happen.
var (
	errNotHeld = errors.New("the partition is not held here (now)")
	errFull    = errors.New("the actor's mailbox is full")
	errUnknown = errors.New("no such kind on this node")
)

// post brings a message to an activation on this node and activates it if need be. Posting happens
// under the partition's lock, so that letting go of an activation can never lose a message.
func (r *router) post(p *partition, k key, msg any) error {
	now := r.clock.Load()
	p.mu.RLock()
	if p.state == held {
		if a := p.live[k]; a != nil {
			v := a.post(msg, now)
			p.mu.RUnlock()
			return r.judge(a.kind, v)
		}
	}
	p.mu.RUnlock()
	return r.activate(p, k, msg, now)
}

func (r *router) activate(p *partition, k key, msg any, now int64) error {
	kind := r.kinds[k.kind]
	if kind == nil {
		return errUnknown
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != held {
		return errNotHeld
	}
	a := p.live[k]
	if a == nil && kind.HandsOver && p.moving.Load() {
		return errNotHeld // it begins at the next owner
	}
	if a == nil {
		var err error
		if a, err = r.spawn(p, kind, k.id); err != nil {
			return err
		}
		p.live[key{kind.Name, k.id}] = a // the kind's own string: the message's may be a large buffer's
		kind.live.Add(1)
	}
	return r.judge(kind, a.post(msg, now))
}

func (r *router) judge(k *kind, v verdict) error {
	switch v {
	case posted:
		return nil
	case full:
		k.rejects.Inc()
		return errFull
	default: // cannot be: what is in the map has not stopped
		return errNotHeld
	}
}

// spawn starts an activation. The partition's lock is held; the kind's New runs later, on the
// activation's own goroutine. Each activation has a PID of its own, so that a late message to an
// earlier one cannot reach it.
func (r *router) spawn(p *partition, k *kind, id string) (*activation, error) {
	if p.props[k.index] == nil {
		p.props[k.index] = actor.PropsFromProducer(
			func() actor.Actor { return &cell{} },
			actor.WithMailbox(func() actor.Mailbox { return p.next }))
	}
	a := &activation{r: r, kind: k, part: p, id: id, epoch: p.fence.Epoch}
	p.next = a
	name := k.Name + "/" + id + r.sys.ProcessRegistry.NextId()
	pid, err := actor.DefaultSpawner(r.sys, name, p.props[k.index], r.sys.Root)
	p.next = nil
	if err != nil {
		return nil, fmt.Errorf("spawn %s: %w", name, err)
	}
	a.pid = pid
	return a, nil
}

// succeed is called on an activation's last turn. What it left in its mailbox goes to a successor,
// in order, if the partition is still held; nobody else can have activated the identity meanwhile.
func (r *router) succeed(a *activation) {
	p, k := a.part, key{a.kind.Name, a.id}
	p.mu.Lock()
	left := a.bury()
	why := refusalDropped(a.kind, "the activation has stopped")
	switch listed := p.live[k] == a; {
	case !listed: // it was cut off
	case a.finished || p.state != held || !slices.ContainsFunc(left, routed):
		delete(p.live, k)
		a.kind.live.Add(-1)
	default:
		left = r.replace(p, a, left)
	}
	if a.stillborn {
		why = refusal(clusterpb.Refusal_REASON_NOT_ACTIVATED, a.kind.Name+" could not be activated")
	} else if p.state != held {
		why = refusalNotOwner(p.n)
	}
	drained := p.state == draining && len(p.live) == 0
	p.mu.Unlock()
	for _, msg := range left {
		r.refuse(msg, why)
	}
	if drained {
		r.wake()
	}
}

// replace puts a successor in the place of a stopped activation and gives it the routed messages that
// are left; the others were meant for the one that is gone, and are returned.
func (r *router) replace(p *partition, a *activation, left []any) []any {
	next, err := r.spawn(p, a.kind, a.id)
	if err != nil {
		delete(p.live, key{a.kind.Name, a.id})
		a.kind.live.Add(-1)
		return left
	}
	p.live[key{a.kind.Name, a.id}] = next
	now := r.clock.Load()
	return slices.DeleteFunc(left, func(msg any) bool {
		return routed(msg) && next.post(msg, now) == posted
	})
}

// routed tells messages that came by identity from those sent to one activation's PID.
func routed(msg any) bool {
	_, ok := actor.UnwrapEnvelopeMessage(msg).(Keyed)
	return ok
}

// setTable is called when the cluster's members have changed.
func (r *router) setTable(t *table) { r.table.Store(t) }

// owner is the member that should hold an identity; nil while this node knows no member.
func (r *router) owner(kind, id string) (*partition, *member) {
	n := PartitionOf(kind, id)
	return &r.parts[n], r.table.Load().owner[n]
}

// way is where a message for an identity goes: to this node while it holds the partition, to whom membership proposes, or
// past that one to who still holds it. nil: nobody is known.
func (r *router) way(kind, id string) (*partition, *member) {
	p, owner := r.owner(kind, id)
	switch local := owner != nil && owner.local; {
	case p.isHeld():
		if !local {
			return p, r.self
		}
	case local:
		if d := p.detour.Load(); d != nil {
			return p, d
		}
	}
	return p, owner
}
