package actors

import (
	"context"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/actors/delivery/gate"
	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
)

// endpoint is one customer's endpoint. It is an actor so that a slow or broken endpoint hurts nobody but itself.
//
//	message             means                                     then
//	*actor.Started      we live on this node now                  read its secrets, load what is due
//	*wire.HereOwed      deliveries were committed                 queue them, send what is due
//	*wire.Knock         something about it has changed            read its secrets, look what is due
//	*wire.HereHastened  somebody wants a delivery now             send it
//	*wire.HereEnded     somebody has ended a delivery             forget it
//	equipped            its secrets were read                     go on, or wait for there to be one
//	due                 the store answered                        queue them, send what is due
//	granted             the node lets it make an attempt          send
//	attempted           an attempt came back                      keep its receipt
//	batchAttempted      one of several deliveries did             keep their receipts
//	recorded            the receipt is durable                    try again later, or finish
//	wakeUp              the pause is over                         send what is due
//	*cluster.Moving     we are to go to another node              begin no attempt, finish those under way
//	*cluster.Staying    we are not                                send what is due
type endpoint struct {
	rt    *Runtime
	id    cluster.Identity
	key   domain.EndpointKey
	core  *queue.Queue
	owner *gate.Owner
	kit   *kit // what its attempts are made with; nil: its secrets were not read yet

	// since is the revision of suppressions under which whatever the queue has in memory was still in the store.
	since int64

	moving bool // to another node: no attempt begins here any more
	// attempts is the context of those under way. Whoever takes an endpoint over makes again what has no receipt, so what is
	// still under way when we stop is cut off.
	attempts context.Context
	cut      context.CancelFunc

	equipping bool // its secrets are being read
	again     bool // and have to be once more: something has changed since
}

// Answers carry the queue they are for: what an incarnation that crashed has asked for means nothing to the next.
type (
	equipped struct {
		own
		to  *queue.Queue
		kit *kit
		err error
	}
	due struct {
		own
		to  *queue.Queue
		due domain.Due
		err error
	}
	granted struct {
		own
		to *queue.Queue
	}
	attempted struct {
		own
		to       *queue.Queue
		delivery int64
		sent     domain.Sent
		secret   string
	}
	batchAttempted struct {
		own
		to       *queue.Queue
		outcomes []queue.Outcome
	}
	recorded struct {
		own
		to        *queue.Queue
		attempted domain.Attempted
		result    domain.AttemptRecorded
		err       error
	}
	wakeUp struct {
		own
		to *queue.Queue
	}
)

func (r *Runtime) newEndpoint(id cluster.Identity) cluster.Actor {
	account, name, _ := strings.Cut(id.ID, "/")
	return &endpoint{rt: r, id: id, key: domain.EndpointKey{Account: domain.AccountID(account), Endpoint: domain.EndpointID(name)}}
}

// Busy keeps the endpoint in memory while anything is under way, or becomes due by itself.
func (e *endpoint) Busy() bool { return e.core != nil && e.core.Busy() }

// Settled says that no attempt is under way, and none will begin here.
func (e *endpoint) Settled() bool { return e.moving && (e.core == nil || e.core.Settled()) }

func (e *endpoint) Receive(ctx actor.Context) {
	if now := e.rt.deps.Suppressions.Revision(); e.core != nil && now > e.since && e.core.Empty() {
		e.since = now // what comes into memory from now on comes from a store that is at least as new, or says otherwise
	}
	e.receive(ctx)
}

func (e *endpoint) receive(ctx actor.Context) {
	now := e.rt.deps.Clock.Now()
	switch msg := ctx.Message().(type) {
	case *actor.Started:
		e.since = e.rt.deps.Suppressions.Revision()
		config, revision := e.config()
		e.core = queue.New(e.key, e.id.Fence, config, true, revision, e.rt.announceOperations) // paused until its secrets are known
		e.attempts, e.cut = context.WithCancel(context.Background())
		self, root, core := ctx.Self(), ctx.ActorSystem().Root, e.core
		e.owner = e.rt.gate.Join(func() { root.Send(self, granted{to: core}) })
		e.equip(ctx)
	case *actor.Stopping, *actor.Restarting:
		if e.owner != nil {
			e.owner.Leave()
			e.cut()
		}
	case *cluster.Moving:
		e.move(ctx, true)
	case *cluster.Staying:
		e.move(ctx, false)
	case *wire.HereOwed:
		e.since = min(e.since, msg.Since)
		e.perform(ctx, e.core.Owed(now, msg.Deliveries...))
	case *wire.Knock:
		e.equip(ctx)
	case *wire.HereHastened:
		e.perform(ctx, e.core.Hastened(now, msg.Delivery))
	case *wire.HereEnded:
		e.perform(ctx, e.core.Ended(now, msg.N))
	case equipped:
		if msg.to == e.core {
			e.equipped(ctx, msg)
		}
	case due:
		if msg.to == e.core {
			e.perform(ctx, e.core.Loaded(now, msg.due, msg.err))
		}
	case granted:
		if msg.to == e.core {
			e.perform(ctx, e.core.Granted(now))
		}
	case attempted:
		if msg.to == e.core {
			e.perform(ctx, e.core.Attempted(now, msg.delivery, msg.sent, msg.secret))
		}
	case batchAttempted:
		if msg.to == e.core {
			e.perform(ctx, e.core.BatchAttempted(now, msg.outcomes))
		}
	case recorded:
		if msg.to == e.core {
			e.perform(ctx, e.core.Recorded(now, msg.attempted, msg.result, msg.err))
		}
	case wakeUp:
		if msg.to == e.core {
			e.perform(ctx, e.core.Due(now))
		}
	}
}

// config is the endpoint as the catalog has it; one that is gone from it is sent nothing, and its queue is ended by
// recovery.
func (e *endpoint) config() (domain.Endpoint, int64) {
	directory := e.rt.deps.Book.Directory()
	if known := directory.Endpoint(e.key); known != nil {
		return *known, directory.Catalog.Revision
	}
	return domain.Endpoint{ID: e.key.Endpoint, Paused: true}, directory.Catalog.Revision
}

// equip reads the secrets, one reading at a time.
func (e *endpoint) equip(ctx actor.Context) {
	if e.equipping {
		e.again = true
		return
	}
	e.equipping = true
	core := e.core
	e.rt.pipe(ctx, func(c context.Context) any {
		kit, err := e.rt.equip(c, e.key)
		return equipped{to: core, kit: kit, err: err}
	})
}

// equipped begins, or goes on as the endpoint is configured now. Without a secret it is like one that is paused:
// what is owed to it waits for somebody to make one.
func (e *endpoint) equipped(ctx actor.Context, msg equipped) {
	now, first := e.rt.deps.Clock.Now(), e.kit == nil
	e.equipping = false
	switch {
	case e.again:
		e.again = false
		e.equip(ctx)
	case msg.err != nil:
		self, root := ctx.Self(), ctx.ActorSystem().Root
		e.rt.deps.Clock.AfterFunc(equipPause, func() { root.Send(self, wire.KnockOf(e.key)) })
	}
	if msg.err != nil {
		return
	}
	e.kit = msg.kit
	steps := e.configure(now)
	if first {
		steps = append(steps, e.core.Start(now)...)
	} else {
		steps = append(steps, e.core.Owed(now)...)
	}
	e.perform(ctx, steps)
}

// configure tells the queue how the endpoint is configured, and whether it is to be sent nothing.
func (e *endpoint) configure(now time.Time) []queue.Step {
	config, revision := e.config()
	return e.core.Configure(now, config, config.Paused || e.moving || e.kit.lacks != "", revision)
}

// move begins or ends a wait for another node to take over.
func (e *endpoint) move(ctx actor.Context, away bool) {
	if e.moving = away; e.kit != nil { // without it nothing has begun
		e.perform(ctx, e.configure(e.rt.deps.Clock.Now()))
	}
}

// perform carries out what the queue decided. Every effect of this actor leaves through here.
func (e *endpoint) perform(ctx actor.Context, steps []queue.Step) {
	deps, core := &e.rt.deps, e.core
	for _, step := range steps {
		switch step := step.(type) {
		case queue.Load:
			e.rt.pipe(ctx, func(c context.Context) any {
				got, err := deps.Store.Due(c, e.key, step.At, step.Limit, step.Except...)
				return due{to: core, due: got, err: err}
			})
		case queue.Ask:
			e.owner.Ask(e.tier(), step.Class)
		case queue.Release:
			e.owner.Return()
		case queue.Send:
			e.attempt(ctx, func(c context.Context, kit *kit, by right) any {
				sent, secret := e.rt.send(c, e.key, kit, step, by)
				return attempted{to: core, delivery: step.Delivery.N, sent: sent, secret: secret}
			})
		case queue.SendBatch:
			e.attempt(ctx, func(c context.Context, kit *kit, by right) any {
				return batchAttempted{to: core, outcomes: e.rt.sendBatch(c, e.key, kit, step.Sends, by)}
			})
		case queue.Record:
			tier := e.tier()
			e.rt.pipe(ctx, func(c context.Context) any {
				before := deps.Suppressions.Revision()
				result, err := deps.Store.RecordAttempt(c, step.Attempted)
				if err == nil && result.Outcome == domain.Done {
					deps.Metrics.deliveries.settled(step.Attempted, step.Delivery.OwedAt)
					e.rt.statistics.settled(tier, &step.Attempted, step.Delivery)
					e.rt.owed(result.Announced, before)
				}
				return recorded{to: core, attempted: step.Attempted, result: result, err: err}
			})
		case queue.Wake:
			self, root := ctx.Self(), ctx.ActorSystem().Root
			deps.Clock.AfterFunc(step.After, func() { root.Send(self, wakeUp{to: core}) })
		case queue.Noted:
			deps.Metrics.deliveries.notices.WithLabelValues(string(step.Notice)).Inc()
			deps.Log.Info("endpoint "+string(step.Notice), "endpoint", e.id.ID, "reason", step.Reason)
		case queue.Stuck:
			deps.Metrics.deliveries.stuck.Inc()
			if e.rt.unrecordable.first(step.Delivery) { // it is tried again each minute
				deps.Log.Error("a receipt cannot be kept; its delivery stays pending", "endpoint", e.id.ID, "delivery", step.Delivery, "error", step.Err)
			}
		case queue.Abandon:
			deps.Metrics.fenced.Inc()
			e.rt.node.Abandon(e.id.Fence)
		}
	}
}

// attempt makes one beside the mailbox, with a right that was granted and what attempts are made with now.
func (e *endpoint) attempt(ctx actor.Context, send func(context.Context, *kit, right) any) {
	if e.rt.deps.Clock.Now().Sub(e.kit.readAt) > kitAge {
		e.equip(ctx)
	}
	kit, end, attempts, by := e.kit, e.owner.Use(), e.attempts, right{e.id.Fence, e.since}
	e.rt.pipe(ctx, func(c context.Context) any {
		if end != nil {
			defer end()
		}
		c, cancel := context.WithCancel(c)
		defer cancel()
		defer context.AfterFunc(attempts, cancel)()
		return send(c, kit, by)
	})
}

func (e *endpoint) tier() domain.Tier {
	config, _ := e.config()
	return config.Tier
}
