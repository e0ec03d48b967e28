package cluster

import (
	"github.com/asynkron/protoactor-go/actor"
)

// cell is what the runtime takes for the actor: a shell around the kind's own Actor that lives
// through the parts of an actor's life which are the cluster's business. The runtime makes one, empty,
// per incarnation; the mailbox ties it to its activation before the first message.
//
//	message             means                         then
//	*actor.Started      an incarnation begins         make the Actor
//	idleCheck           the sweep found it idle       stop, unless it is busy or was spoken to
//	leave               the partition moves           tell it; stop once it is quiet and not busy
//	*actor.Stopped      it is over                    let the router find a successor
//	anything else                                     the Actor's own
type cell struct {
	a       *activation
	inner   Actor
	leaving bool
}

type (
	idleCheck struct{}
	leave     struct{}
)

// Receive is called by the runtime, on the activation's turn.
func (c *cell) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *actor.Started:
		c.start(ctx)
	case *actor.Stopping, *actor.Restarting:
		c.guarded(ctx)
	case *actor.Stopped:
		c.guarded(ctx)
		c.a.r.succeed(c.a)
	case idleCheck:
		if !c.inner.Busy() && c.a.quiet() {
			c.a.kind.passivated.Inc()
			ctx.Stop(ctx.Self())
		}
	case leave:
		c.leaving = true
		c.a.postDirect(&Leaving{})
	default:
		c.inner.Receive(ctx)
		c.settle()
		if c.leaving && !c.inner.Busy() && c.a.quiet() {
			ctx.Stop(ctx.Self())
		}
	}
}

// start makes the Actor. The runtime announces a replaced incarnation before the mailbox has tied it
// to its activation; that announcement is ignored, the mailbox makes it again.
func (c *cell) start(ctx actor.Context) {
	if c.a == nil {
		return
	}
	c.inner = c.a.make()
	c.inner.Receive(ctx)
	if c.a.kind.HandsOver && c.a.part.moving.Load() { // it replaces one that was told
		c.a.postDirect(&Moving{})
	}
}

// settle tells the keeper when an actor that hands over has nothing under way any more.
func (c *cell) settle() {
	if !c.a.kind.HandsOver || !c.a.part.moving.Load() {
		return
	}
	s, ok := c.inner.(Settler)
	if now := !ok || s.Settled(); c.a.settled.Swap(now) != now && now {
		c.a.r.wake()
	}
}

// guarded lets the Actor hear of its end. What it does then may fail, but not change that end.
func (c *cell) guarded(ctx actor.Context) {
	if c.inner == nil {
		return
	}
	defer func() {
		if reason := recover(); reason != nil {
			c.a.kind.panics.Inc()
			c.a.r.logPanic(c.a, "stop", reason)
		}
	}()
	c.inner.Receive(ctx)
}
