package bench

import (
	"context"
	"runtime"
	"time"
)

// housekeeping is how often the loop looks at what no socket tells it: time-outs, streams to reopen,
// an interrupt.
const housekeeping = 20 * time.Millisecond

// sendPlan is what a sender carries out.
type sendPlan struct {
	pacer    course
	total    int64         // requests
	warm     int64         // of them, the first that are sent and proven but not timed
	maxConns int           // at once
	patience time.Duration // for one answer
	// leave is how long a request waits for a connection before it is never sent, as somebody leaves a page that does not
	// answer; 0: it waits as long as it takes.
	leave time.Duration
}

// sender is the open loop of a run: each request goes out when it is due, on a connection that is idle or
// on one more, whatever became of those before. It runs on the goroutine of its reactor.
type sender struct {
	plan    sendPlan
	reactor *reactor
	build   func(n int64) []byte                    // request n; valid until the next call
	told    func(n int64, status int, at time.Time) // hears of every answer; status 0 is none

	pool    *pool
	start   time.Time
	noticed int64 // requests whose time has come
	sent    int64
	settled int64 // answered, refused or failed
	unsent  int64 // requests that left
	busy    int64 // requests that waited because every connection was taken
	blocked int64 // the first request not counted in busy

	late      *Recorder
	measuring chan struct{} // closed when the warm-up is over
}

func newSender(plan sendPlan, r *reactor, build func(int64) []byte, told func(int64, int, time.Time)) sender {
	return sender{
		plan: plan, reactor: r, build: build, told: told, pool: &pool{reactor: r, to: r.to, most: plan.maxConns},
		late: NewRecorder(), measuring: make(chan struct{}),
	}
}

// carryOut sends everything and waits until it is settled, on a thread of its own; house is called now and then.
func (s *sender) carryOut(ctx context.Context, house func(now time.Time)) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	sharpTimers()
	defer s.reactor.close()
	if err := s.run(ctx, house); err != nil {
		return err
	}
	return s.finish(ctx, house)
}

// enough ends the plan with what is due by now.
func (s *sender) enough() { s.plan.total = s.noticed }

// run sends everything; house is called now and then.
func (s *sender) run(ctx context.Context, house func(now time.Time)) error {
	s.pool.told = s.answered
	s.start = time.Now()
	kept := s.start
	for s.sent < s.plan.total {
		now := time.Now()
		elapsed := now.Sub(s.start)
		s.notice(elapsed)
		s.letGo(elapsed)
		for s.sent < s.noticed && s.sendOne(now) {
		}
		if err := s.reactor.turn(s.pause(elapsed)); err != nil {
			return err
		}
		if now.Sub(kept) >= housekeeping {
			kept = now
			house(now)
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// pause is how long the loop may sleep. When everything is due and waits for connections, only their
// answers can go on: waking for the plan would spin, and take the core from the server.
func (s *sender) pause(elapsed time.Duration) time.Duration {
	if s.noticed == s.plan.total {
		return housekeeping
	}
	return min(housekeeping, pace(s.plan.pacer, elapsed, s.noticed))
}

// notice counts the requests whose time has come, and how late that was noticed: the harness's own
// fault, and part of every latency besides.
func (s *sender) notice(elapsed time.Duration) {
	for s.noticed < s.plan.total {
		due := s.plan.pacer.Due(s.noticed)
		if due > elapsed {
			return
		}
		if s.noticed == s.plan.warm {
			close(s.measuring)
		}
		if s.noticed >= s.plan.warm {
			s.late.Record(elapsed - due)
		}
		s.noticed++
	}
}

// letGo passes over what has waited for longer than anybody would.
func (s *sender) letGo(elapsed time.Duration) {
	for s.plan.leave > 0 && s.sent < s.noticed && elapsed-s.plan.pacer.Due(s.sent) > s.plan.leave {
		s.sent, s.settled, s.unsent = s.sent+1, s.settled+1, s.unsent+1
	}
}

// sendOne sends the next request on a connection that is idle, or on one more; false when there are
// maxConns already. The request then waits, and its latency with it.
func (s *sender) sendOne(now time.Time) bool {
	p, err := s.pool.take()
	if err != nil {
		if s.sent >= s.blocked {
			s.busy, s.blocked = s.busy+1, s.sent+1
		}
		return false
	}
	n := s.sent
	s.sent++
	p.send(n, now, s.build(n))
	return true
}

// answered notes an answer; status 0 is none.
func (s *sender) answered(n int64, status int, at time.Time) {
	s.settled++
	s.told(n, status, at)
}

func (s *sender) due(n int64) time.Time { return s.start.Add(s.plan.pacer.Due(n)) }

// giveUp ends the requests whose answer took too long.
func (s *sender) giveUp(now time.Time) { s.pool.giveUp(now, s.plan.patience) }

// finish waits until every request that went out is settled.
func (s *sender) finish(ctx context.Context, house func(now time.Time)) error {
	for s.settled < s.sent {
		if err := s.reactor.turn(housekeeping); err != nil {
			return err
		}
		house(time.Now())
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// tell reports on the connections, and on how much of a run's latencies is the harness's own.
func (s *sender) tell(r *Report) {
	r.set("connections", float64(s.pool.peak))
	r.set("waited", float64(s.busy))
	tellLateness(r, s.late)
}

func tellLateness(r *Report, late *Recorder) {
	if late.Count() > 0 {
		r.setDuration("lateness.p50", late.Quantile(0.50))
		r.setDuration("lateness.p99", late.Quantile(0.99))
		r.setDuration("lateness.max", late.Max())
	}
}
