package bench

import (
	"context"
	"iter"
	"net/netip"
	"sync/atomic"
	"time"
)

// flow is a load of page views that is proven by itself: every visitor comes once, and those whom the graph knows are
// each a first match that one endpoint is owed, the one of the pixel it came to. So what has to arrive where is known
// from the numbers alone, and nothing of the server has to be believed.
//
//	request n ──▶ pixel lane(n) ──▶ endpoint lane(n), once
//
// What became of each is kept, in 13 bytes, and every figure is read from that afterwards.
type flow struct {
	sender
	planned flowPlan
	hits    *hits
	answers []answer
	took    []uint32 // from when it was due until it was answered, in microseconds
	began   time.Time
	came    []atomic.Int64 // since began, when its endpoint had read it; 0: it has not

	acked    atomic.Int64
	counts   [wasFailed + 1]int64
	repeated atomic.Int64   // came again
	strayed  atomic.Int64   // came to an endpoint that is not owed it, or names no view of this run
	arrived  []atomic.Int64 // by lane, how many have come
	owed     []atomic.Int64 // by lane, how many acked views of known visitors there were
}

// flowPlan is what a flow sends.
type flowPlan struct {
	stairs      *Stairs
	warm        time.Duration // that are sent and proven, not timed
	lanes       int           // pixels, each with one endpoint
	lane        func(n int64) int
	known       float64 // of the visitors, as a fraction
	connections int
	patience    time.Duration
	leave       time.Duration // see sendPlan
}

// maxLanes is what the four digits of a pixel's number, and one process's listeners, can hold.
const maxLanes = 1000

// visitors is how many there are, and knows how many of them the graph knows.
func (p flowPlan) visitors() int { return max(1, int(p.stairs.Total())) }
func (p flowPlan) knows() int    { return int(float64(p.visitors()) * p.known) }

func newFlow(plan flowPlan) *flow {
	total := plan.stairs.Total()
	return &flow{
		planned: plan, began: time.Now(),
		answers: make([]answer, total), took: make([]uint32, total), came: make([]atomic.Int64, total),
		arrived: make([]atomic.Int64, plan.lanes), owed: make([]atomic.Int64, plan.lanes),
	}
}

// aim says which server the flow is sent to.
func (f *flow) aim(run string, to netip.AddrPort, host string) error {
	r, err := newReactor(to)
	if err != nil {
		return err
	}
	f.hits = newLanes(run, host, time.Now().UnixMilli(), int64(f.planned.visitors()), f.planned.lane)
	f.sender = newSender(sendPlan{
		pacer: f.planned.stairs, total: f.planned.stairs.Total(), warm: f.planned.stairs.Count(f.planned.warm),
		maxConns: f.planned.connections, patience: f.planned.patience, leave: f.planned.leave,
	}, r, f.hits.build, f.hear)
	return nil
}

// hear takes an answer.
func (f *flow) hear(n int64, status int, at time.Time) {
	a := wasFailed
	switch status {
	case 204:
		a = wasAcked
		f.acked.Add(1)
		if f.knows(n) {
			f.owed[f.planned.lane(n)].Add(1)
		}
	case 429:
		a = wasRefused
	}
	f.answers[n] = a
	f.counts[a]++
	f.took[n] = uint32(max(0, at.Sub(f.due(n))) / time.Microsecond)
}

func (f *flow) knows(n int64) bool { return f.hits.of(n) < int64(f.planned.knows()) }

// take notes what came to an endpoint. Whoever serves it calls.
func (f *flow) take(d delivery) {
	switch {
	case d.hit < 0 || d.hit >= int64(len(f.came)) || f.planned.lane(d.hit) != d.to:
		f.strayed.Add(1)
	case !f.came[d.hit].CompareAndSwap(0, int64(d.at.Sub(f.began))):
		f.repeated.Add(1)
	default:
		f.arrived[d.to].Add(1)
	}
}

// await waits until everything owed to some of the endpoints has come, or for so long.
func (f *flow) await(ctx context.Context, lanes func(int) bool, patience time.Duration) error {
	for deadline := time.Now().Add(patience); f.missing(lanes) > 0 && time.Now().Before(deadline); {
		if err := until(ctx, time.Now().Add(awaitLook)); err != nil {
			return err
		}
	}
	return nil
}

// missing is how much of what was acked has not come to some of the endpoints.
func (f *flow) missing(lanes func(int) bool) int64 {
	var missing int64
	for n := range f.sent {
		if f.answers[n] == wasAcked && f.knows(n) && lanes(f.planned.lane(n)) && f.came[n].Load() == 0 {
			missing++
		}
	}
	return missing
}

func allLanes(int) bool { return true }

// within are the numbers of what was due in it and has been sent.
func (f *flow) within(s span) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for n := f.planned.stairs.Count(s.from); n < min(f.sent, f.planned.stairs.Count(s.until)); n++ {
			if !yield(n) {
				return
			}
		}
	}
}

// acks are the answers to what was due in a stretch and was acked.
func (f *flow) acks(s span) spell {
	return gather(s.from, func(yield func(request) bool) {
		for n := range f.within(s) {
			if f.answers[n] == wasAcked && !yield(request{f.planned.stairs.Due(n), time.Duration(f.took[n]) * time.Microsecond}) {
				return
			}
		}
	})
}

// deliveries are the arrivals of what was due in a stretch and has come to one of the endpoints.
func (f *flow) deliveries(s span, lanes func(int) bool) spell {
	return gather(s.from, func(yield func(request) bool) {
		for n := range f.within(s) {
			at, there := f.cameAt(n)
			if there && lanes(f.planned.lane(n)) && !yield(request{f.planned.stairs.Due(n), at - f.planned.stairs.Due(n)}) {
				return
			}
		}
	})
}

// cameAt is when it had come, since the run's start.
func (f *flow) cameAt(n int64) (time.Duration, bool) {
	since := f.came[n].Load()
	return f.began.Add(time.Duration(since)).Sub(f.start), since != 0
}
