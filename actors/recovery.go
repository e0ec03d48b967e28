package actors

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
)

const (
	// recoverEvery is how often pending events are looked for while nothing has happened. With recoverAge:
	// an event whose actor crashed between keeping and deciding waits four seconds at most.
	recoverEvery = 2 * time.Second
	// recoverAge spares events that are on their way: younger ones are with their actors.
	recoverAge  = 2 * time.Second
	recoverPage = 500
	// offerPages bounds how many held events are looked at in one pass: a campaign that was full all
	// afternoon may hold a hundred thousand, and when a buyer comes back they are offered at 1,000 a
	// second and not all at once. The next pass goes on where this one stopped.
	offerPages = 4
)

// recovery hands events that the store has as pending to their leads: after a start, after partitions
// moved here, after a crash of an actor, and when buyers may have become eligible for held ones.
type recovery struct {
	rt    *Runtime
	pulse *pulse
	begun chan struct{} // closed after the first pass that reached the store
	all   atomic.Bool   // the next pass takes everything, whatever its age
	offer int64         // held events up to this one have been looked at in this round; run's own
	owed  int64         // sightings up to this one have been handed on in this round; run's own
	// When endpoints were last looked for, and under which catalog; run's own.
	lookedAt time.Time
	catalog  int64
	mu       sync.Mutex
	last     domain.Backlog
	late     time.Time // when the oldest sighting found was due; zero: none was late
}

func newRecovery(rt *Runtime) *recovery {
	return &recovery{rt: rt, pulse: newPulse(rt.deps.Clock, recoverEvery, &rt.looking), begun: make(chan struct{})}
}

// everything makes the next pass take what is pending whatever its age: partitions have become ours, and
// nobody else has it.
func (r *recovery) everything() {
	r.all.Store(true)
	r.pulse.knock()
}

// run begins with everything.
func (r *recovery) run(ctx context.Context) {
	begun := false
	r.pulse.run(ctx, func(ctx context.Context) {
		age := recoverAge
		if r.all.Swap(false) {
			age = 0
		}
		done := r.pass(ctx, age)
		r.sightings(ctx, age)
		r.endpoints(ctx, age == 0)
		switch {
		case !done && age == 0:
			r.all.Store(true)
		case done && !begun:
			begun = true
			close(r.begun)
		}
	})
}

// pass reports whether everything that is old enough has been handed on.
func (r *recovery) pass(ctx context.Context, age time.Duration) bool {
	backlog, err := r.rt.deps.Store.Backlog(ctx)
	if err != nil {
		return false // the store is away: the gauge keeps growing from what was known
	}
	r.mu.Lock()
	r.last = backlog
	r.mu.Unlock()
	now := r.rt.deps.Clock.Now()
	ok := true
	if backlog.Undecided > 0 && now.Sub(backlog.OldestUndecided) >= age {
		_, ok = r.scan(ctx, false, 0, -1, func(p domain.Pending) bool { return now.Sub(p.Event.ReceivedAt) >= age })
	}
	if backlog.Held > 0 {
		r.offer, _ = r.scan(ctx, true, r.offer, offerPages, r.eligible(now))
	}
	return ok
}

// scan pages through what is pending in the partitions that are ours, from after on, for at most so many
// pages (-1: all). It answers where it stopped, 0 when it came to the end, and whether all it wanted is in
// its lead's mailbox.
func (r *recovery) scan(ctx context.Context, held bool, after int64, pages int, wanted func(domain.Pending) bool) (stopped int64, ok bool) {
	var partitions []domain.Partition
	for _, f := range r.rt.node.Held() {
		partitions = append(partitions, f.Partition)
	}
	ok = true
	for ; len(partitions) > 0 && pages != 0 && ctx.Err() == nil; pages-- {
		page, err := r.rt.deps.Store.Undecided(ctx, partitions, held, after, recoverPage)
		if err != nil {
			return after, false
		}
		ok = r.hand(page, held, wanted) && ok
		if len(page) < recoverPage {
			return 0, ok
		}
		after = page[len(page)-1].Seq
	}
	return after, ok && ctx.Err() == nil
}

// hand tells each lead of its events, in order, and reports whether all could be told.
func (r *recovery) hand(page []domain.Pending, held bool, wanted func(domain.Pending) bool) bool {
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
	counter := r.rt.deps.Metrics.recovered.WithLabelValues(strconv.FormatBool(held))
	all := true
	for _, msg := range order {
		if r.rt.node.Tell(msg) != nil {
			all = false
			continue
		}
		counter.Add(float64(len(msg.Pending)))
	}
	return all
}

// eligible says of a held event whether its campaign has anybody for it, asking once per campaign.
func (r *recovery) eligible(now time.Time) func(domain.Pending) bool {
	type campaign struct {
		account domain.AccountID
		id      domain.CampaignID
	}
	known := map[campaign]bool{}
	directory := r.rt.deps.Book.Directory()
	return func(p domain.Pending) bool {
		key := campaign{p.Event.Account, p.Event.Campaign}
		yes, ok := known[key]
		if !ok {
			routing := directory.Campaign(key.account, key.id)
			yes = routing != nil && r.rt.desk.Eligible(now, routing)
			known[key] = yes
		}
		return yes
	}
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
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: "backlog", Name: "oldest_owed_sighting_seconds",
		Help: "How long ago the oldest sighting that nobody has judged was due, at the last look at the oldest ones."},
		func() float64 {
			r.recovery.mu.Lock()
			defer r.recovery.mu.Unlock()
			return age(r.recovery.late)
		}))
	registerGate(reg, r.gate)
	gauge("held_events", "Events whose lead waits because no buyer is eligible.", func(b domain.Backlog) float64 { return float64(b.Held) })
	gauge("oldest_held_event_seconds", "Age of the oldest event whose lead waits for an eligible buyer.", func(b domain.Backlog) float64 { return age(b.OldestHeld) })
}
