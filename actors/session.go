package actors

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/feed"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
)

// watched is one feed that somebody on this node watches. Its lock is held while sockets are written
// to, which does not block; the hub's lock is taken before it, never after.
type watched struct {
	hub       *Hub
	key       domain.BuyerKey
	mu        sync.Mutex
	attached  bool           // an owner has granted a lease
	attaching bool           // one is being asked
	owner     cluster.Member // who was to grant it, by membership
	granter   string         // the node that did: another one, while it hands the buyer over
	head      domain.Seq     // newest known to be published
	due       time.Time      // of the next renewal; guarded by the hub's lock
	sessions  []*session
	counted   census // as the gauges know the sessions
}

// session is one dashboard's place in a feed. Everything in it is guarded by the feed's lock.
type session struct {
	hub     *Hub
	feed    *watched
	watcher domain.Watcher
	cursor  feed.Cursor
	last    domain.Seq
	hasLast bool
	placed  bool // its client was told where it stands, or the store is being asked
	gone    bool
}

// attach asks the buyer's owner for a lease until whoever owns it now has granted one. Sockets stay as they are
// meanwhile.
func (f *watched) attach(ctx context.Context) {
	for {
		owner, _ := f.home()
		lease, err := f.ask(ctx)
		if err == nil && f.granted(owner, lease) {
			return
		}
		if err != nil && !f.hub.pause(ctx, attachPause) || f.deserted() {
			return
		}
	}
}

func (f *watched) home() (cluster.Member, bool) { return f.hub.rt.node.Home(f.lease().Address()) }

// granted places those who wait, and brings the others up to what the owner has published. False: the owner has changed
// meanwhile.
func (f *watched) granted(owner cluster.Member, by *wire.Watching) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attached, f.owner, f.granter = true, owner, by.Node
	f.head = max(f.head, domain.Seq(by.Head))
	for _, s := range f.sessions {
		s.look()
	}
	now, _ := f.home()
	f.attaching = now != owner
	f.sweep()
	return !f.attaching
}

// follow watches the feed anew if its owner is another than the one that was to grant the lease, if that one had not taken
// over yet, or in any case. The lock is held.
func (f *watched) follow(anyhow bool) {
	if !f.attached || f.attaching { // who is asking finds the owner
		return
	}
	if now, _ := f.home(); now == f.owner && f.granter == now.Address && !anyhow {
		return
	}
	if len(f.sessions) == 0 { // whoever comes next asks
		f.attached = false
		return
	}
	f.attaching = true
	f.hub.rt.deps.Metrics.reattached.Inc()
	f.count()
	f.hub.goBusy(func(ctx context.Context) { f.hub.reattach(ctx, f.attach) })
}

// deserted ends the asking when the last dashboard has left meanwhile.
func (f *watched) deserted() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attaching = len(f.sessions) > 0
	f.count()
	return !f.attaching
}

func (f *watched) ask(ctx context.Context) (*wire.Watching, error) {
	ctx, cancel := context.WithTimeout(ctx, attachTry)
	defer cancel()
	reply, err := f.hub.rt.node.Ask(ctx, f.lease())
	if err != nil {
		return nil, err
	}
	watching, ok := reply.(*wire.Watching)
	if !ok || watching.Refused != "" {
		return nil, domain.Fail("watch feed", domain.Unavailable, nil)
	}
	return watching, nil
}

func (f *watched) lease() *wire.Watch {
	return &wire.Watch{Account: string(f.key.Account), Buyer: string(f.key.Buyer), NodeAddress: f.hub.self.Address, Hub: f.hub.self.Id}
}

// renew prolongs the lease, or gives it back and answers false when nobody is left. A renewal that is
// lost is made up by the next; the owner answers each with how far the feed goes.
func (f *watched) renew() bool {
	f.mu.Lock()
	attached, empty := f.attached, len(f.sessions) == 0 && !f.attaching
	f.mu.Unlock()
	l := f.lease()
	var hint cluster.Keyed = l
	if empty {
		hint = &wire.Unwatch{Account: l.Account, Buyer: l.Buyer, NodeAddress: l.NodeAddress, Hub: l.Hub}
	}
	if attached && f.hub.rt.node.Tell(hint) != nil {
		f.hub.rt.deps.Metrics.hintsLost.Inc()
	}
	return !empty
}

// publish hands events to everybody who stands right before them.
func (f *watched) publish(events []domain.FeedEvent, head domain.Seq, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head = max(f.head, head)
	if len(f.sessions) == 0 {
		return
	}
	shared := &domain.FeedBatch{Events: events, PublishedAt: at}
	if len(events) > 0 {
		f.hub.rt.deps.Telemetry.Published(events, at)
	}
	for _, s := range f.sessions {
		part, do := s.cursor.Offer(events, f.head)
		switch {
		case do == feed.CatchUp:
			s.catchUp()
		case do == feed.Push && len(part) == len(events):
			s.hand(s.watcher.Push(shared))
		case do == feed.Push:
			s.hand(s.watcher.Push(&domain.FeedBatch{Events: part, PublishedAt: at}))
		}
	}
	f.sweep()
}

// sweep forgets the sessions that are gone.
func (f *watched) sweep() {
	f.sessions = slices.DeleteFunc(f.sessions, func(s *session) bool { return s.gone })
	if len(f.sessions) == 0 {
		f.sessions = nil
	}
	f.count()
}

// count tells the gauges how many sessions there are, and where their owner is.
func (f *watched) count() {
	now := census{len(f.sessions), ownedElsewhere}
	switch {
	case f.attaching || !f.attached:
		now.where = ownerAsked
	case f.owner.Local:
		now.where = ownedHere
	}
	if now == f.counted {
		return
	}
	sessions := f.hub.rt.deps.Metrics.sessions
	if f.counted.sessions > 0 {
		sessions.WithLabelValues(string(f.counted.where)).Sub(float64(f.counted.sessions))
	}
	sessions.WithLabelValues(string(now.where)).Add(float64(now.sessions))
	f.counted = now
}

// look places a session that waits for it, and sees whether another has missed anything.
func (s *session) look() {
	if !s.placed {
		s.place()
	} else if _, do := s.cursor.Offer(nil, s.feed.head); do == feed.CatchUp {
		s.catchUp()
	}
}

// place tells the client where it stands, once the feed's head is known. A client may be ahead of the
// head known here: it has read the store itself, and the announcement is still on its way. Then the
// store says whether its place exists.
func (s *session) place() {
	s.placed = true
	if s.hasLast && s.last > s.feed.head {
		s.hub.goBusy(s.verify)
		return
	}
	s.open(domain.Head{Seq: s.feed.head})
}

func (s *session) open(head domain.Head) {
	switch s.cursor.Open(head, s.last, s.hasLast) {
	case feed.Resync:
		s.resync()
	default:
		s.hand(s.watcher.Begin(s.cursor.At()))
	}
	if _, do := s.cursor.Offer(nil, s.feed.head); do == feed.CatchUp {
		s.catchUp()
	}
}

func (s *session) verify(ctx context.Context) {
	s.retry(ctx, func(ctx context.Context) error {
		heads, err := s.hub.rt.deps.Store.Heads(ctx, []domain.BuyerKey{s.feed.key})
		if err != nil {
			return err
		}
		s.feed.mu.Lock()
		defer s.feed.mu.Unlock()
		if !s.gone {
			s.open(heads[0])
			s.feed.sweep()
		}
		return nil
	})
}

// catchUp reads what the watcher has missed. What is published meanwhile is left to the reading.
func (s *session) catchUp() {
	if s.gone {
		return
	}
	s.hub.rt.deps.Metrics.catchUps.Inc()
	after := s.cursor.At()
	s.hub.goBusy(func(ctx context.Context) {
		s.retry(ctx, func(ctx context.Context) error {
			events, err := s.hub.rt.deps.Store.Feed(ctx, s.feed.key, after, feed.CatchUpLimit)
			if err != nil {
				return err
			}
			s.feed.mu.Lock()
			defer s.feed.mu.Unlock()
			s.caughtUp(events)
			s.feed.sweep()
			return nil
		})
	})
}

func (s *session) caughtUp(events []domain.FeedEvent) {
	if s.gone {
		return
	}
	part, do := s.cursor.Read(events, s.feed.head)
	if len(part) > 0 {
		s.hand(s.watcher.Push(&domain.FeedBatch{Events: part, PublishedAt: s.hub.rt.deps.Clock.Now(), Replay: true}))
	}
	switch do {
	case feed.CatchUp:
		s.catchUp()
	case feed.Resync:
		s.resync()
	}
}

// retry tries f until it succeeds or the session is gone: the store may be away for a while, and the
// client waits on an open connection meanwhile.
func (s *session) retry(ctx context.Context, f func(context.Context) error) {
	for ctx.Err() == nil {
		var err error
		s.hub.read(ctx, func(ctx context.Context) { err = f(ctx) })
		s.feed.mu.Lock()
		gone := s.gone
		s.feed.mu.Unlock()
		if err == nil || gone || !s.hub.pause(ctx, attachPause) {
			return
		}
	}
}

func (s *session) resync() {
	s.hub.rt.deps.Metrics.resyncs.Inc()
	s.hand(s.watcher.Resync(s.cursor.At()))
}

func (s *session) hand(alive bool) {
	if !alive {
		s.gone = true
	}
}

// stop ends the session. It may be called from within a Watcher's method, which holds the feed's lock,
// so the work is done elsewhere.
func (s *session) stop() {
	s.hub.goBusy(func(context.Context) {
		s.feed.mu.Lock()
		defer s.feed.mu.Unlock()
		s.gone = true
		s.feed.sweep()
	})
}
