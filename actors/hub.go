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
	busy  atomic.Int64
	pulse *pulse
}

func newHub(rt *Runtime) *Hub {
	rt.deps.Metrics.readLimit.Set(maxReads)
	return &Hub{rt: rt, feeds: map[domain.BuyerKey]*watched{}, reads: make(chan struct{}, maxReads),
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
	h.rt.deps.Metrics.sessions.Inc()
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

// renewAll makes every lease due: ownership has changed.
func (h *Hub) renewAll() {
	h.mu.Lock()
	for _, f := range h.feeds {
		f.due = time.Time{}
	}
	h.mu.Unlock()
	h.pulse.knock()
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
