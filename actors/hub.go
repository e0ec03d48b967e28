package actors

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/feed"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
)

const (
	hubName = "leadwire-hub"
	// maxReads bounds the catch-up reads of one node under way at a time: after a restart every
	// dashboard comes back within seconds, and the store has other work.
	maxReads = 32
	// attachTry is how long the buyer's owner has to grant a lease before it is asked again, and
	// attachPause the pause between.
	attachTry   = 2 * time.Second
	attachPause = 250 * time.Millisecond
	// renewShares is how many looks renew all leases once; a look renews at least minRenewals, and at
	// most twice its share, so that leases which came due together spread out.
	renewShares = 20
	minRenewals = 64
	// maxReattaches bounds the leases that are asked of new owners at a time: a node that dies leaves thousands behind,
	// and each is a read of the store at its new owner.
	maxReattaches = 256
)

// Hub stands between buyers' actors and the dashboards whose connections are on this node. It is a raw
// process of the actor system: what a buyer publishes is handed to the sockets on the publisher's own
// goroutine, which never blocks because a Watcher never does.
type Hub struct {
	rt    *Runtime
	self  *actor.PID
	mu    sync.Mutex
	feeds map[domain.BuyerKey]*watched
	reads chan struct{}
	again chan struct{} // holds who asks a new owner
	busy  atomic.Int64
	pulse *pulse
}

func newHub(rt *Runtime) *Hub {
	rt.deps.Metrics.readLimit.Set(maxReads)
	rt.deps.Metrics.reattachLimit.Set(maxReattaches)
	return &Hub{rt: rt, feeds: map[domain.BuyerKey]*watched{}, reads: make(chan struct{}, maxReads), again: make(chan struct{}, maxReattaches),
		pulse: newPulse(rt.deps.Clock, feed.RenewEvery/renewShares, &rt.looking)}
}

func (h *Hub) register(system *actor.ActorSystem) {
	h.self, _ = system.ProcessRegistry.Add((*hubProcess)(h), hubName)
}

func (h *Hub) quiet() bool { return h.busy.Load() == 0 }

// Watch starts handing a buyer's feed to w: from the newest event, or from after last if hasLast (a
// negative last is a place in another history). It never fails: while the buyer's owner cannot be
// reached it goes on trying. stop may be called from anywhere, more than once.
func (h *Hub) Watch(key domain.BuyerKey, last domain.Seq, hasLast bool, w domain.Watcher) (stop func()) {
	s := &session{hub: h, watcher: w, last: last, hasLast: hasLast}
	h.mu.Lock()
	f := h.feeds[key]
	if f == nil {
		f = &watched{hub: h, key: key, due: h.rt.deps.Clock.Now().Add(rand.N(feed.RenewEvery))}
		h.feeds[key] = f
		h.rt.deps.Metrics.watched.Set(float64(len(h.feeds)))
	}
	s.feed = f
	f.mu.Lock()
	f.sessions = append(f.sessions, s)
	h.mu.Unlock()
	switch {
	case f.attached:
		s.place()
	case !f.attaching:
		f.attaching = true
		h.goBusy(f.attach)
	}
	f.sweep()
	f.mu.Unlock()
	return s.stop
}

// run renews the leases of all feeds that are watched, and gives back those that are not: a share of
// them at each look, because ten thousand messages at once would wake ten thousand actors at once.
func (h *Hub) run(ctx context.Context) {
	h.pulse.run(ctx, func(context.Context) { h.renew(h.rt.deps.Clock.Now()) })
}

// moved is told that some owner may have changed. Feeds that live elsewhere now are watched there at once: a renewal
// would come too late, and one that reaches a node which does not hold the partition yet is lost. The leases of the
// others are made due, because ownership also changes without a change of members, which nobody here would see.
func (h *Hub) moved() {
	h.mu.Lock()
	for _, f := range h.feeds {
		f.due = time.Time{}
		f.mu.Lock()
		f.follow(false)
		f.mu.Unlock()
	}
	h.mu.Unlock()
	h.pulse.knock()
}

// held is told of partitions that have become this node's. Buyers in them that had leased here are new activations and
// know of no lease.
func (h *Hub) held(fences []domain.Fence) {
	var ours [domain.Partitions]bool
	for _, f := range fences {
		ours[f.Partition] = true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, f := range h.feeds {
		if ours[cluster.PartitionOf(wire.KindBuyer, key.String())] {
			f.mu.Lock()
			f.follow(true)
			f.mu.Unlock()
		}
	}
}

func (h *Hub) renew(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock() // a lease given back here reaches the owner before the next Watch asks for it
	left := max(minRenewals, 2*len(h.feeds)/renewShares)
	for key, f := range h.feeds {
		if f.due.After(now) {
			continue
		}
		if left--; left < 0 {
			break
		}
		f.due = now.Add(feed.RenewEvery)
		if !f.renew() {
			delete(h.feeds, key)
		}
	}
	h.rt.deps.Metrics.watched.Set(float64(len(h.feeds)))
}

func (h *Hub) publish(msg *wire.Publish) {
	h.mu.Lock()
	f := h.feeds[domain.BuyerKey{Account: domain.AccountID(msg.Account), Buyer: domain.BuyerID(msg.Buyer)}]
	h.mu.Unlock()
	if f == nil {
		return
	}
	events := make([]domain.FeedEvent, 0, len(msg.Events))
	for _, e := range msg.Events {
		events = append(events, e.Domain())
	}
	f.publish(events, domain.Seq(msg.Head), time.Unix(0, msg.PublishedAt).UTC())
}

// reattach runs f when there is room for one more that asks a new owner.
func (h *Hub) reattach(ctx context.Context, f func(context.Context)) {
	select {
	case h.again <- struct{}{}:
	case <-ctx.Done():
		return
	}
	h.rt.deps.Metrics.reattaching.Set(float64(len(h.again)))
	f(ctx)
	<-h.again
	h.rt.deps.Metrics.reattaching.Set(float64(len(h.again)))
}

// goBusy runs f in the services' group, and counts it for Quiet.
func (h *Hub) goBusy(f func(context.Context)) {
	h.busy.Add(1)
	h.rt.services.Go(func(ctx context.Context) {
		defer h.busy.Add(-1)
		f(ctx)
	})
}

// read runs f when a slot for reading the store is free.
func (h *Hub) read(ctx context.Context, f func(context.Context)) {
	select {
	case h.reads <- struct{}{}:
	case <-ctx.Done():
		return
	}
	h.rt.deps.Metrics.reading.Set(float64(len(h.reads)))
	f(ctx)
	<-h.reads
	h.rt.deps.Metrics.reading.Set(float64(len(h.reads)))
}

// pause waits on the node's clock, or until ctx ends.
func (h *Hub) pause(ctx context.Context, d time.Duration) bool {
	done := make(chan struct{})
	timer := h.rt.deps.Clock.AfterFunc(d, func() { close(done) })
	select {
	case <-done:
		return true
	case <-ctx.Done():
		timer.Stop()
		return false
	}
}

// hubProcess is the hub as the actor system sees it.
type hubProcess Hub

func (p *hubProcess) SendUserMessage(_ *actor.PID, message any) {
	_, msg, _ := actor.UnwrapEnvelope(message)
	if publish, ok := msg.(*wire.Publish); ok {
		(*Hub)(p).publish(publish)
	}
}

func (p *hubProcess) SendSystemMessage(*actor.PID, any) {}

func (p *hubProcess) Stop(*actor.PID) {}
