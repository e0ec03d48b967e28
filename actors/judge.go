package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
)

// Answers to the judge of a lead carry it: those that an incarnation that crashed has asked for mean nothing
// to the next.
type (
	judged struct {
		own
		to        *delivery.Judge
		judgement domain.Judgement
		result    domain.Judged
		err       error
	}
	// ripe says that updates are due, or a pause is over.
	ripe    struct{ own }
	guarded struct {
		own
		to  *delivery.Judge
		err error
	}
	contacted struct {
		own
		to      *delivery.Judge
		contact *domain.Contact
		err     error
	}
)

// sighted brings the judge into being: most leads come from a CRM and never have one.
func (l *lead) sighted(ctx actor.Context, sightings []domain.Sighting) {
	if l.judge == nil {
		l.judge = delivery.NewJudge(l.key, l.id.Fence, l.rt.judges)
	}
	l.carryOut(ctx, l.judge.Sighted(l.rt.deps.Clock.Now(), sightings...))
}

// judgeReceives handles the answers to what the judge asked for.
func (l *lead) judgeReceives(ctx actor.Context) {
	now := l.rt.deps.Clock.Now()
	switch msg := ctx.Message().(type) {
	case judged:
		if msg.to == l.judge {
			l.since = msg.judgement.Basis
			l.carryOut(ctx, l.judge.Judged(now, msg.judgement, msg.result, msg.err))
		}
	case ripe:
		if l.judge != nil {
			l.carryOut(ctx, l.judge.Due(now))
		}
	case guarded:
		if msg.to == l.judge {
			l.carryOut(ctx, l.judge.Refreshed(now, msg.err))
		}
	case contacted:
		if msg.to == l.judge {
			l.carryOut(ctx, l.judge.Contact(now, msg.contact, msg.err))
		}
	}
}

// carryOut does what the judge decided. Every effect of it leaves through here.
func (l *lead) carryOut(ctx actor.Context, steps []delivery.Step) {
	deps, judge := &l.rt.deps, l.judge
	for _, step := range steps {
		switch step := step.(type) {
		case delivery.Decide:
			l.rt.pipe(ctx, func(c context.Context) any {
				result, err := deps.Store.Judge(c, step.Judgement)
				return judged{to: judge, judgement: step.Judgement, result: result, err: err}
			})
		case delivery.Wake:
			self, root := ctx.Self(), ctx.ActorSystem().Root
			deps.Clock.AfterFunc(step.After, func() { root.Send(self, ripe{}) })
		case delivery.Refresh:
			l.rt.pipe(ctx, func(c context.Context) any { return guarded{to: judge, err: l.rt.guard.Refresh(c)} })
		case delivery.LoadContact:
			l.rt.pipe(ctx, func(c context.Context) any {
				contact, err := l.rt.contactOf(c, step.Lead)
				return contacted{to: judge, contact: contact, err: err}
			})
		case delivery.Enter: // a hint, like the answer to Receive: when it is lost, recovery finds the event
			l.perform(ctx, l.core.Recover(deps.Clock.Now(), []domain.Pending{step.Pending}))
		case delivery.Announced:
			for _, a := range step.Announcements {
				deps.Metrics.announcements.WithLabelValues(string(a.Type)).Inc()
			}
			l.rt.owed(step.Announcements, l.since)
		case delivery.Settled:
			deps.Metrics.verdicts.WithLabelValues(string(step.Verdict)).Add(float64(step.N))
		case delivery.Abandon:
			deps.Metrics.fenced.Inc()
			l.rt.node.Abandon(l.id.Fence)
		case delivery.Dropped:
			deps.Metrics.unjudgeable.Inc()
			if l.rt.unjudgeable.first(step.N) { // recovery brings it again and again
				deps.Log.Error("sighting cannot be judged; it stays owed", "lead", l.id.ID, "n", step.N, "error", step.Err)
			}
		}
	}
}

// contactOf reads a lead's contact, nil when there is no such lead.
func (r *Runtime) contactOf(ctx context.Context, key domain.LeadKey) (*domain.Contact, error) {
	lead, err := r.deps.Store.Lead(ctx, key)
	if domain.CodeOf(err) == domain.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	contact, err := domain.ParseContact(lead.Contact)
	return &contact, err
}
