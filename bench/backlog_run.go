package bench

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// backlogRun is one run on a server.
type backlogRun struct {
	cfg    BacklogConfig
	flow   *flow
	server *pixelServer
	report *Report

	backAt  time.Duration // since the run's start
	isBack  atomic.Bool
	drained bool // everything has come; the sender's own
}

func (b *backlogRun) measure(ctx context.Context) (*Report, error) {
	b.report = newReport("backlog", BacklogFigures())
	b.cfg.tell(b.report)
	b.server.receivers.doors[returning].behave(func(time.Time) (int, time.Duration) { return http.StatusBadGateway, 0 })
	err := b.flow.measure(ctx, b.report, b.server, func() error { return b.phases(ctx) }, b.untilDrained)
	if err == nil {
		err = b.flow.await(ctx, allLanes, b.cfg.Last)
	}
	b.remember("rss.drained")
	b.judge()
	return cut(ctx, b.report, err)
}

// phases brings the endpoint back when it is time. It runs beside the load.
func (b *backlogRun) phases(ctx context.Context) error {
	stairs, log := b.flow.planned.stairs, b.cfg.Log
	wait := func(phase int) error { return until(ctx, b.flow.start.Add(stairs.begin(phase))) }
	log.Info("measuring, there is no backlog", "duration", b.cfg.Calm, "rate", b.cfg.Rate)
	if err := wait(filling); err != nil {
		return err
	}
	b.remember("rss.before")
	log.Info("filling", "events", b.cfg.Pending, "rate", b.cfg.Fill)
	if err := wait(waiting); err != nil {
		return err
	}
	log.Info("measuring, the endpoint is down", "duration", b.cfg.Calm, "pending", b.flow.owed[returning].Load())
	if err := wait(draining); err != nil {
		return err
	}
	b.remember("rss.down")
	b.backAt = time.Since(b.flow.start)
	b.server.receivers.doors[returning].behave(nil)
	b.isBack.Store(true)
	log.Info("measuring, the endpoint is back", "allowed", b.cfg.Drain)
	for latest := time.Now().Add(noticeWithin); b.flow.arrived[returning].Load() == 0 && time.Now().Before(latest); {
		if err := until(ctx, time.Now().Add(awaitLook)); err != nil {
			return err
		}
	}
	b.server.process.profileFor(ctx, b.report, seconds(float64(b.cfg.Pending)/b.cfg.Drain/2))
	return nil
}

// untilDrained ends the load when the backlog has drained.
func (b *backlogRun) untilDrained(time.Time) {
	if b.drained || !b.isBack.Load() {
		return
	}
	if b.drained = b.flow.arrived[returning].Load() >= b.flow.owed[returning].Load(); b.drained {
		b.flow.enough()
	}
}

// remember notes the server's memory.
func (b *backlogRun) remember(name string) {
	if u, err := readUsage(b.server.PID); err == nil {
		b.report.set(name, float64(u.RSS))
	}
}

func (b *backlogRun) judge() {
	r, f, stairs := b.report, b.flow, b.flow.planned.stairs
	f.tellLoad(r, b.server.receivers)
	r.set("backlog", float64(f.owed[returning].Load()))
	r.set("drain.lost", float64(f.missing(returned)))
	r.set("others.lost", float64(f.missing(others)))
	before := f.deliveries(span{stairs.begin(calming), stairs.begin(filling)}, others)
	tellSpell(r, "before.delivered", before)
	filled := b.filledAt()
	if filled < stairs.begin(waiting) {
		tellSpell(r, "down.delivered", f.deliveries(span{stairs.begin(waiting), stairs.begin(draining)}, others))
	} else {
		r.note("the filling took %s longer than it should: fill more slowly; what was due meanwhile is not judged", (filled - stairs.begin(settling)).Round(time.Second))
	}
	came := b.arrivals()
	if len(came) < 2 {
		return
	}
	first, last := came[0], came[len(came)-1]
	r.setDuration("noticed.seconds", first-b.backAt)
	r.setDuration("drain.seconds", last-first)
	rate := float64(len(came)-1) / (last - first).Seconds()
	r.set("drain.rate", rate)
	r.set("drain.rate_share", rate/b.cfg.Drain)
	r.set("drain.busiest", float64(busiest(came)))
	if filled > first {
		return // the others waited for the sender's connections, and not for the backlog
	}
	meanwhile := f.deliveries(span{first, last}, others)
	tellSpell(r, "meanwhile.delivered", meanwhile)
	tellRatio(r, "others_p95_ratio", meanwhile, before)
}

// filledAt is when the last page view of the filling was answered, since the run's start.
func (b *backlogRun) filledAt() time.Duration {
	var last time.Duration
	stairs := b.flow.planned.stairs
	for n := range min(b.flow.sent, stairs.first[settling]) {
		last = max(last, stairs.Due(n)+time.Duration(b.flow.took[n])*time.Microsecond)
	}
	return last
}

// arrivals are when the events of the backlog came, since the run's start, in order.
func (b *backlogRun) arrivals() []time.Duration {
	var came []time.Duration
	for n := range b.flow.sent {
		if at, there := b.flow.cameAt(n); there && returned(b.flow.planned.lane(n)) {
			came = append(came, at)
		}
	}
	slices.Sort(came)
	return came
}

// busiest is the most that came within a second.
func busiest(came []time.Duration) int {
	most, from := 0, 0
	for i, at := range came {
		for at-came[from] >= time.Second {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

func (c BacklogConfig) tell(r *Report) {
	r.tell("pending", "%d for an endpoint that answers 502", c.Pending)
	r.tell("drain rate", "%g/s allowed when it is back", c.Drain)
	r.tell("fill", "%g/s", c.Fill)
	r.tell("others", "%d, with %g page views a second throughout", c.Endpoints, c.Rate)
	r.tell("calm", "%s before the backlog, and again with it", c.Calm)
	r.tell("warmup", "%s", c.Warmup)
	tellStore(r, c.Server)
	r.note("before, down and meanwhile are of the same endpoints, of one run on one server")
	r.note("server, sender and endpoints share this machine")
}
