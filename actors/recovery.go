package actors

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
)

const (
	// recoverEvery is how often pending events are looked for while nothing has happened: an event
	// whose actor crashed between keeping and deciding waits this long at most.
	recoverEvery = 2 * time.Second
	// recoverAge spares events that are on their way: younger ones are with their actors.
	recoverAge  = 2 * time.Second
	recoverPage = 500
)

// recovery hands events that the store has as pending to their leads: after a start, after partitions
// moved here, after a crash of an actor, and when buyers may have become eligible for held ones.
type recovery struct {
	rt    *Runtime
	pulse *pulse
	begun chan struct{} // closed after the first pass that reached the store
	mu    sync.Mutex
	last  domain.Backlog
}

func newRecovery(rt *Runtime) *recovery {
	return &recovery{rt: rt, pulse: newPulse(rt.deps.Clock, recoverEvery, &rt.looking), begun: make(chan struct{})}
}

// run begins with everything that is pending, whatever its age: nobody else has it.
func (r *recovery) run(ctx context.Context) {
	begun := false
	r.pulse.run(ctx, func(ctx context.Context) {
		age := recoverAge
		if !begun {
			age = 0
		}
		if r.pass(ctx, age) && !begun {
			begun = true
			close(r.begun)
		}
	})
}

// pass reports whether the store answered.
func (r *recovery) pass(ctx context.Context, age time.Duration) bool {
	backlog, err := r.rt.deps.Store.Backlog(ctx)
	if err != nil {
		return false // the store is away: the gauge keeps growing from what was known
	}
	r.mu.Lock()
	r.last = backlog
	r.mu.Unlock()
	now := r.rt.deps.Clock.Now()
	if backlog.Undecided > 0 && now.Sub(backlog.OldestUndecided) >= age {
		r.scan(ctx, false, func(p domain.Pending) bool { return now.Sub(p.Event.ReceivedAt) >= age })
	}
	if backlog.Held > 0 {
		r.scan(ctx, true, func(p domain.Pending) bool { return r.eligible(now, p) })
	}
	return true
}

// scan pages through what is pending in the partitions that are ours.
func (r *recovery) scan(ctx context.Context, held bool, wanted func(domain.Pending) bool) {
	var partitions []domain.Partition
	for _, f := range r.rt.node.Held() {
		partitions = append(partitions, f.Partition)
	}
	for after := int64(0); len(partitions) > 0 && ctx.Err() == nil; {
		page, err := r.rt.deps.Store.Undecided(ctx, partitions, held, after, recoverPage)
		if err != nil || len(page) == 0 {
			return
		}
		after = page[len(page)-1].Seq
		r.hand(page, held, wanted)
		if len(page) < recoverPage {
			return
		}
	}
}

// hand tells each lead of its events, in order.
func (r *recovery) hand(page []domain.Pending, held bool, wanted func(domain.Pending) bool) {
	byLead := map[domain.LeadKey]*wire.Recover{}
	var order []*wire.Recover
	for _, p := range page {
		if !wanted(p) {
			continue
		}
		key := domain.LeadKey{Account: p.Event.Account, Lead: p.Event.Lead}
		msg := byLead[key]
		if msg == nil {
			msg = &wire.Recover{Account: string(key.Account), Lead: string(key.Lead)}
			byLead[key] = msg
			order = append(order, msg)
		}
		msg.Pending = append(msg.Pending, wire.FromPending(p))
	}
	label := "false"
	if held {
		label = "true"
	}
	for _, msg := range order {
		if r.rt.node.Tell(msg) == nil {
			r.rt.deps.Metrics.recovered.WithLabelValues(label).Add(float64(len(msg.Pending)))
		}
	}
}

func (r *recovery) eligible(now time.Time, p domain.Pending) bool {
	routing := r.rt.deps.Book.Directory().Campaign(p.Event.Account, p.Event.Campaign)
	return routing != nil && r.rt.desk.Eligible(now, routing)
}

// Backlog is what the store had pending when it was last asked, at most recoverEvery ago while the
// store answers.
func (r *Runtime) Backlog() domain.Backlog {
	r.recovery.mu.Lock()
	defer r.recovery.mu.Unlock()
	return r.recovery.last
}

// RegisterBacklog exports the backlog as gauges. Oldest is measured against the clock at each scrape,
// so that it grows while the store is away.
func (r *Runtime) RegisterBacklog(reg prometheus.Registerer) {
	gauge := func(name, help string, value func(domain.Backlog) float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: "backlog", Name: name, Help: help},
			func() float64 { return value(r.Backlog()) }))
	}
	age := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return max(r.deps.Clock.Now().Sub(t).Seconds(), 0)
	}
	gauge("undecided_events", "Events received and not decided.", func(b domain.Backlog) float64 { return float64(b.Undecided) })
	gauge("oldest_undecided_event_seconds", "Age of the oldest event received and not decided.", func(b domain.Backlog) float64 { return age(b.OldestUndecided) })
	gauge("held_events", "Events whose lead waits because no buyer is eligible.", func(b domain.Backlog) float64 { return float64(b.Held) })
	gauge("oldest_held_event_seconds", "Age of the oldest event whose lead waits for an eligible buyer.", func(b domain.Backlog) float64 { return age(b.OldestHeld) })
}
