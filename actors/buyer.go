package actors

import (
	"context"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/feed"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
)

// buyer is one buyer's feed. It is an actor so that what its watchers are told is consecutive.
//
//	message         means                               then
//	*actor.Started  we live on this node now            load how far the feed goes
//	loaded          the store answered                  answer who asked meanwhile
//	*wire.Announce  an event was committed              publish it, or wait for the one before
//	overdue         the one before did not come         read the gap
//	filled          the store answered                  publish
//	checked         how far the store's feed goes now   read what nobody announced
//	*wire.Watch     a node wants to watch, or still     grant or renew its lease
//	*wire.Unwatch   nobody watches there any more       forget it
type buyer struct {
	rt   *Runtime
	key  domain.BuyerKey
	core *feed.Feed

	leases  int  // as the gauge knows them
	leaving bool // to another node
}

type (
	loaded struct {
		own
		head domain.Head
		err  error
	}
	overdue struct{ own }
	filled  struct {
		own
		events []domain.FeedEvent
		err    error
	}
	// checked is told by Lookout, on the node where the buyer lives.
	checked struct {
		key  domain.BuyerKey
		head domain.Seq
	}
)

// Address makes checked routable; it never leaves the node.
func (c checked) Address() (kind, id string) { return wire.KindBuyer, c.key.String() }

func (r *Runtime) newBuyer(id cluster.Identity) cluster.Actor {
	account, name, _ := strings.Cut(id.ID, "/")
	return &buyer{rt: r, key: domain.BuyerKey{Account: domain.AccountID(account), Buyer: domain.BuyerID(name)}}
}

// Busy keeps the buyer in memory while somebody watches, or the store owes it an answer. A buyer that
// nobody speaks to is asked this now and then, so its leases run out here.
func (b *buyer) Busy() bool {
	if b.core == nil {
		return false
	}
	b.core.Expire(b.rt.deps.Clock.Now())
	if !b.core.Watched() {
		b.rt.lookout.forget(b.key)
	}
	if b.leaving {
		return b.core.Promised()
	}
	return b.core.Busy()
}

func (b *buyer) Receive(ctx actor.Context) {
	now := b.rt.deps.Clock.Now()
	if b.core != nil {
		b.core.Expire(now) // a node that died is not published to for ever
	}
	switch msg := ctx.Message().(type) {
	case *cluster.Leaving:
		b.leaving = true
	case *actor.Started:
		core, steps := feed.New()
		b.core = core
		b.perform(ctx, steps)
	case *actor.Stopping, *actor.Restarting:
		b.rt.lookout.forget(b.key)
		b.count(0)
		return
	case loaded:
		b.perform(ctx, b.core.Loaded(now, msg.head, msg.err))
	case *wire.Announce:
		b.perform(ctx, b.core.Announce(msg.Event.Domain()))
	case overdue:
		b.perform(ctx, b.core.Overdue())
	case filled:
		b.perform(ctx, b.core.Filled(msg.events, msg.err))
	case checked:
		b.perform(ctx, b.core.Checked(msg.head))
	case *wire.Watch:
		node := feed.Node{Address: msg.NodeAddress, Hub: msg.Hub}
		if ctx.Sender() == nil {
			b.perform(ctx, b.core.Renew(now, node))
		} else {
			b.perform(ctx, b.core.Watch(now, node, ctx.Sender()))
		}
		b.rt.lookout.watch(b.key)
	case *wire.Unwatch:
		b.core.Unwatch(feed.Node{Address: msg.NodeAddress, Hub: msg.Hub})
	}
	b.rt.lookout.published(b.key, b.core.Head())
	b.count(b.core.Leases())
}

func (b *buyer) count(leases int) {
	if leases != b.leases {
		b.rt.deps.Metrics.leases.Add(float64(leases - b.leases))
		b.leases = leases
	}
}

// perform carries out what the core decided. Every effect of this actor leaves through here.
func (b *buyer) perform(ctx actor.Context, steps []feed.Step) {
	store, clock := b.rt.deps.Store, b.rt.deps.Clock
	for _, step := range steps {
		switch step := step.(type) {
		case feed.Load:
			b.rt.pipe(ctx, func(c context.Context) any {
				heads, err := store.Heads(c, []domain.BuyerKey{b.key})
				if err != nil {
					return loaded{err: err}
				}
				return loaded{head: heads[0]}
			})
		case feed.Fill:
			b.rt.deps.Metrics.fills.Inc()
			b.rt.pipe(ctx, func(c context.Context) any {
				events, err := store.Feed(c, b.key, step.After, feed.FillLimit)
				return filled{events: events, err: err}
			})
		case feed.Wait:
			self, root := ctx.Self(), ctx.ActorSystem().Root
			clock.AfterFunc(step.For, func() { root.Send(self, overdue{}) })
		case feed.Publish:
			b.publish(step)
		case feed.Answer:
			to, _ := step.To.(*actor.PID)
			reply := &wire.Watching{Head: int64(step.Head), Node: ctx.Self().Address}
			if step.Err != nil {
				reply.Refused = string(domain.CodeOf(step.Err))
			}
			ctx.Send(to, reply)
		}
	}
}

// publish sends one message to each node that watches, never one per socket. One that has left or died is not sent to, though its
// lease lasts: the messages would wait for a connection that does not come. Nor is one that reads too slowly: what it misses it
// sees by the head when its lease is renewed, and asks for.
func (b *buyer) publish(step feed.Publish) {
	msg := &wire.Publish{
		Account: string(b.key.Account), Buyer: string(b.key.Buyer),
		PublishedAt: b.rt.deps.Clock.Now().UnixNano(), Head: int64(step.Head),
	}
	for _, e := range step.Events {
		msg.Events = append(msg.Events, wire.FromFeedEvent(e))
	}
	for _, node := range step.To {
		if err := b.rt.node.Notify(node.Address, node.Hub, msg); err != nil {
			b.rt.deps.Metrics.unheard.Inc()
		}
	}
	b.rt.deps.Metrics.published.Add(float64(len(step.Events)))
}
