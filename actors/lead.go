package actors

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/intake"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
)

// lead is one lead of one account. It is an actor so that its events take effect in order and a storm
// of repeats meets one memory.
//
//	message        means                              then
//	*wire.Ingest   a verified event came in           keep and decide it; *wire.HereIngest is the same
//	kept           the store answered                 answer the source, announce
//	decided        the store answered                 announce, or choose again
//	retry          the pause is over                  decide again
//	*wire.Recover  the store still has it as pending  decide
//	learned        its links were learned, or not     remember what was
//	refreshed      the newest suppressions are known  decide again
//
// It is also where sightings of an identified visitor are judged; see judge.go.
//
//	*wire.HereSighted, Sighted  it was on a page          judge it
//	judged                      the store answered        enter a campaign, or judge again
//	ripe                        updates are due           judge
//	guarded, contacted          what the judge asked for  judge
type lead struct {
	rt       *Runtime
	id       cluster.Identity
	key      domain.LeadKey
	core     *intake.Lead
	judge    *delivery.Judge // nil until there is a sighting
	teaching teaching
	patience patience // of those whose events wait to be kept
	since    int64    // the revision of suppressions before the commit that is being answered
}

type (
	kept struct {
		own
		keep    intake.Keep
		outcome intake.Outcome
		since   int64
	}
	decided struct {
		own
		decision domain.Decision
		result   domain.Decided
		at       time.Time
		since    int64
		err      error
	}
	retry     struct{ own }
	refreshed struct {
		own
		err error
	}
)

func (r *Runtime) newLead(id cluster.Identity) cluster.Actor {
	account, name, _ := strings.Cut(id.ID, "/")
	key := domain.LeadKey{Account: domain.AccountID(account), Lead: domain.LeadID(name)}
	return &lead{rt: r, id: id, key: key, core: intake.New(key, id.Fence, r.intakes)}
}

// Busy keeps the lead in memory while the store owes it an answer, or sightings are gathered.
func (l *lead) Busy() bool { return l.core.Busy() || (l.judge != nil && l.judge.Busy()) }

func (l *lead) Receive(ctx actor.Context) {
	now := l.rt.deps.Clock.Now()
	switch msg := ctx.Message().(type) {
	case *wire.HereIngest:
		l.patience.asked(msg.Until)
		l.perform(ctx, l.core.Ingest(now, msg.Event.Domain(), ctx.Sender()))
	case *wire.Ingest:
		l.patience.asked(time.Time{})
		l.perform(ctx, l.core.Ingest(now, msg.Event.Domain(), ctx.Sender()))
	case kept:
		l.since = msg.since
		if msg.outcome.Err == nil && !msg.outcome.Received.Duplicate {
			l.teach(ctx, msg.keep.Event)
		}
		l.perform(ctx, l.core.Kept(now, msg.keep, msg.outcome))
	case decided:
		l.since = msg.since
		l.perform(ctx, l.core.Decided(now, msg.decision, msg.result, msg.at, msg.err))
	case retry:
		l.perform(ctx, l.core.Retry(now))
	case refreshed:
		l.perform(ctx, l.core.Refreshed(now, msg.err))
	case *wire.Recover:
		l.perform(ctx, l.core.Recover(now, pending(msg)))
	case *wire.HereSighted:
		l.sighted(ctx, msg.Sightings)
	case *wire.Sighted:
		l.sighted(ctx, msg.Domain())
	case learned:
		l.learned(ctx, msg)
	default:
		l.judgeReceives(ctx)
	}
}

// perform carries out what the core decided. Every effect of this actor leaves through here.
func (l *lead) perform(ctx actor.Context, steps []intake.Step) {
	deps := &l.rt.deps
	for _, step := range steps {
		switch step := step.(type) {
		case intake.Keep:
			patience := l.patience
			l.rt.pipe(ctx, func(c context.Context) any {
				c, cancel := patience.bound(c)
				defer cancel()
				return l.keep(c, step)
			})
			if step.Decision != nil {
				deps.Metrics.decisions.WithLabelValues(string(step.Decision.Verb)).Inc()
			}
		case intake.Answer:
			if errors.Is(step.Err, intake.ErrTooMany) {
				deps.Metrics.refused.Inc()
			}
			reply(ctx, step.To, step.Received, step.Err)
		case intake.Decide:
			l.rt.pipe(ctx, func(c context.Context) any {
				since := deps.Suppressions.Revision()
				result, err := deps.Store.Decide(c, step.Decision)
				return decided{decision: step.Decision, result: result, at: deps.Clock.Now(), since: since, err: err}
			})
			deps.Metrics.decisions.WithLabelValues(string(step.Decision.Verb)).Inc()
		case intake.Announce:
			deps.Telemetry.Committed(step.Event)
			l.rt.announce(step.Event)
		case intake.Announced:
			l.rt.owed(step.Announcements, l.since)
		case intake.Refresh:
			l.rt.pipe(ctx, func(c context.Context) any { return refreshed{err: l.rt.guard.Refresh(c)} })
		case intake.Withheld:
			deps.Metrics.withheld.WithLabelValues(step.Rule).Inc()
		case intake.Retry:
			self, root := ctx.Self(), ctx.ActorSystem().Root
			deps.Clock.AfterFunc(step.After, func() { root.Send(self, retry{}) })
			deps.Metrics.retries.Inc()
		case intake.Abandon:
			deps.Metrics.fenced.Inc()
			l.rt.node.Abandon(l.id.Fence)
		case intake.Dropped:
			deps.Metrics.dropped.Inc()
			if !l.rt.undecidable.first(step.Pending.Seq) { // recovery brings it again and again
				continue
			}
			deps.Log.Error("event cannot be decided; it stays pending", "lead", l.id.ID, "event", step.Pending.Event.ID, "seq", step.Pending.Seq, "error", step.Err)
		}
	}
}

// keep runs away from the mailbox.
func (l *lead) keep(c context.Context, k intake.Keep) kept {
	store, since := l.rt.deps.Store, l.rt.deps.Suppressions.Revision()
	var o intake.Outcome
	if k.Decision == nil {
		o.Received, o.Err = store.Receive(c, l.id.Fence, k.Event)
	} else {
		var a domain.Admitted
		a, o.Err = store.Admit(c, l.id.Fence, k.Event, *k.Decision)
		o.Received, o.Decided = a.Received, a.Decided
	}
	o.At = l.rt.deps.Clock.Now()
	return kept{keep: k, outcome: o, since: since}
}

// leadEvents are what leaves because of a decision, for the accounts that want to hear of their leads.
func (r *Runtime) leadEvents(d domain.Decision, before *domain.Lead, e domain.Event) ([]domain.Announcement, error) {
	account := r.deps.Book.Directory().Account(d.Lead.Account)
	if account == nil {
		return nil, nil
	}
	return delivery.LeadEvents(account.Announce, r.owing, d, before, e)
}

// announce is a hint: when it is lost, Lookout finds the event.
func (r *Runtime) announce(e domain.FeedEvent) {
	if err := r.node.Tell(&wire.Announce{Event: wire.FromFeedEvent(e)}); err != nil {
		r.deps.Metrics.hintsLost.Inc()
	}
}

// reply answers whoever asked to keep something.
func reply(ctx actor.Context, ticket any, received domain.Received, err error) {
	to, ok := ticket.(*actor.PID)
	if !ok || to == nil {
		return
	}
	kept := &wire.Kept{Duplicate: received.Duplicate, Seq: received.Seq}
	if err != nil {
		kept.Refused, kept.Reason = string(domain.CodeOf(err)), err.Error()
	}
	ctx.Send(to, kept)
}

func pending(msg *wire.Recover) []domain.Pending {
	out := make([]domain.Pending, 0, len(msg.Pending))
	for _, p := range msg.Pending {
		out = append(out, p.Domain())
	}
	return out
}
