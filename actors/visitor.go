package actors

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/visit"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
)

// visitor is one visitor of one account. It is an actor so that its hits take effect in order, and a session
// has one memory.
//
//	message               means                             then
//	*wire.HereHits, Hits  a page reported something         match and observe it
//	visited               the store answered                go on with what it remembers
//	observed              the store answered                answer the page, tell the lead
//	renewed               catalog and suppressions are new  observe again
//	found                 the slow tier answered            observe who it was all along
//	resume                the pause is over                 observe again
type visitor struct {
	rt   *Runtime
	id   cluster.Identity
	core *visit.Lane

	patience patience // of those whose hits wait
}

// Answers carry the lane they are for: one that was asked for by an incarnation that crashed means nothing to
// the next.
type (
	visited struct {
		own
		to    *visit.Lane
		visit domain.Visit
		err   error
	}
	observed struct {
		own
		to          *visit.Lane
		observation domain.Observation
		result      domain.Observed
		err         error
	}
	renewed struct {
		own
		to  *visit.Lane
		err error
	}
	found struct {
		own
		to  *visit.Lane
		err error
	}
	resume struct {
		own
		to *visit.Lane
	}
)

func (r *Runtime) newVisitor(id cluster.Identity) cluster.Actor {
	account, name, _ := strings.Cut(id.ID, "/")
	key := domain.VisitorKey{Account: domain.AccountID(account), Visitor: domain.VisitorID(name)}
	return &visitor{rt: r, id: id, core: visit.New(key, id.Fence, r.visits)}
}

// Busy keeps the visitor in memory while the store or the slow tier owes it an answer.
func (v *visitor) Busy() bool { return v.core.Busy() }

func (v *visitor) Receive(ctx actor.Context) {
	now := v.rt.deps.Clock.Now()
	switch msg := ctx.Message().(type) {
	case *wire.HereHits:
		v.patience.asked(msg.Until)
		v.perform(ctx, v.core.Hits(now, msg.Hits, ctx.Sender()))
	case *wire.Hits:
		v.patience.asked(time.Time{})
		v.perform(ctx, v.core.Hits(now, msg.Domain(), ctx.Sender()))
	case visited:
		if msg.to == v.core {
			v.perform(ctx, v.core.Loaded(now, msg.visit, msg.err))
		}
	case observed:
		if msg.to == v.core {
			v.perform(ctx, v.core.Observed(now, msg.observation, msg.result, msg.err))
		}
	case renewed:
		if msg.to == v.core {
			v.perform(ctx, v.core.Refreshed(now, msg.err))
		}
	case found:
		if msg.to == v.core {
			v.perform(ctx, v.core.Found(now, msg.err))
		}
	case resume:
		if msg.to == v.core {
			v.perform(ctx, v.core.Retry(now))
		}
	}
}

// perform carries out what the core decided. Every effect of this actor leaves through here.
func (v *visitor) perform(ctx actor.Context, steps []visit.Step) {
	deps, core := &v.rt.deps, v.core
	for _, step := range steps {
		switch step := step.(type) {
		case visit.Load:
			v.rt.pipe(ctx, func(c context.Context) any {
				row, err := deps.Store.Visit(c, step.Key)
				if domain.CodeOf(err) == domain.NotFound {
					row, err = domain.Visit{}, nil
				}
				return visited{to: core, visit: row, err: err}
			})
		case visit.Observe:
			patience := v.patience
			if len(step.Observation.Hits) == 0 {
				patience.endless = true // it is about somebody who was there, and nobody sends that again
			}
			v.rt.pipe(ctx, func(c context.Context) any {
				c, cancel := patience.bound(c)
				defer cancel()
				result, err := deps.Store.Observe(c, step.Observation)
				return observed{to: core, observation: step.Observation, result: result, err: err}
			})
		case visit.Refresh:
			v.rt.pipe(ctx, func(c context.Context) any { return renewed{to: core, err: v.rt.guard.Refresh(c)} })
		case visit.Ask:
			v.rt.pipe(ctx, func(c context.Context) any {
				_, err := deps.Slow.Lookup(c, step.Keys) // what it knows, Match remembers
				return found{to: core, err: err}
			})
		case visit.Answer:
			if errors.Is(step.Err, visit.ErrTooMany) {
				deps.Metrics.visitsRefused.Inc()
			}
			replyHits(ctx, step)
		case visit.Sight:
			v.rt.sight(step.Sightings)
		case visit.Learned:
			deps.Overlay.Learned(step.Links)
		case visit.Resolved:
			deps.Metrics.resolved(step)
		case visit.Retry:
			self, root := ctx.Self(), ctx.ActorSystem().Root
			deps.Clock.AfterFunc(step.After, func() { root.Send(self, resume{to: core}) })
		case visit.Abandon:
			deps.Metrics.fenced.Inc()
			v.rt.node.Abandon(v.id.Fence)
		}
	}
}

// sight is a hint: when it is lost, recovery finds the sightings. All are of one lead.
func (r *Runtime) sight(s []domain.Sighting) {
	if err := r.node.Tell(&wire.HereSighted{Lead: s[0].Key(), Sightings: s}); err != nil {
		r.deps.Metrics.sightsLost.Inc()
	}
}

// replyHits answers whoever asked to keep hits.
func replyHits(ctx actor.Context, a visit.Answer) {
	to, ok := a.To.(*actor.PID)
	if !ok || to == nil {
		return
	}
	kept := wire.FromReceived(a.Received)
	if a.Err != nil {
		kept.Refused, kept.Reason = string(domain.CodeOf(a.Err)), a.Err.Error()
	}
	ctx.Send(to, kept)
}
