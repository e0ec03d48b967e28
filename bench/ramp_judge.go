package bench

import (
	"fmt"
	"slices"
	"time"
)

func (c RampConfig) judge(r *Report, f *flow, receivers *receivers) {
	f.tellLoad(r, receivers)
	r.set("unsent", float64(f.unsent))
	throughput := f.throughput()
	best := slices.Max(throughput[1 : len(c.Rates)+1])
	for k := range c.Rates {
		f.tellStep(r, fmt.Sprintf("step%d", k+1), 1+k, throughput)
	}
	back := len(c.Rates) + 1
	f.tellStep(r, "back", back, throughput)
	r.set("throughput.best", best)
	if best > 0 {
		r.set("collapse", throughput[len(c.Rates)]/best)
	}
	first, last := f.span(1), f.span(back)
	tellRecovery(r, "recovered.seconds", last, f.acks(first), f.acks(last))
	tellRecovery(r, "recovered.delivered.seconds", last, f.deliveries(first, allLanes), f.deliveries(last, allLanes))
	r.set("deliveries.lost", float64(f.missing(allLanes)))
}

// span is step k of a flow.
func (f *flow) span(k int) span {
	return span{f.planned.stairs.begin(k), f.planned.stairs.begin(k + 1)}
}

// throughput is how many were acked a second while each step lasted, whenever they were due: what the server does, and not
// what was asked of it.
func (f *flow) throughput() []float64 {
	stairs := f.planned.stairs
	counts := make([]float64, len(stairs.steps))
	for n := range f.sent {
		if f.answers[n] != wasAcked {
			continue
		}
		at := stairs.Due(n) + time.Duration(f.took[n])*time.Microsecond
		for k := range counts {
			if at >= stairs.begin(k) && at < stairs.begin(k+1) {
				counts[k]++
			}
		}
	}
	for k := range counts {
		counts[k] /= max(stairs.steps[k].For.Seconds(), 1e-9)
	}
	return counts
}

func (f *flow) tellStep(r *Report, name string, k int, throughput []float64) {
	var counts [wasFailed + 1]int
	for n := range f.within(f.span(k)) {
		counts[f.answers[n]]++
	}
	r.set(name+".acked", float64(counts[wasAcked]))
	r.set(name+".refused", float64(counts[wasRefused]))
	r.set(name+".failed", float64(counts[wasFailed]))
	r.set(name+".throughput", throughput[k])
	if acks := f.acks(f.span(k)).all; acks.Count() > 0 {
		r.setDuration(name+".ack.p95", acks.Quantile(0.95))
	}
	if came := f.deliveries(f.span(k), allLanes).all; came.Count() > 0 {
		r.setDuration(name+".delivered.p95", came.Quantile(0.95))
	}
}

// tellRecovery finds the first second after the load fell that was as good as the first step, by what was due in it. One
// in which nothing was acked, or came, is not.
func tellRecovery(r *Report, name string, back span, first, last spell) {
	if first.all.Count() == 0 {
		return
	}
	limit := recoveredWithin * first.all.Quantile(0.95)
	for k := range int((back.until - back.from) / time.Second) {
		if p95, there := last.seconds[k]; there && p95 <= limit {
			r.setDuration(name, time.Duration(k)*time.Second)
			return
		}
	}
}

func (c RampConfig) tell(r *Report) {
	r.tell("rates", "%v page views a second, each of another visitor, for %s each", c.Rates, c.Step)
	r.tell("back", "at %g/s for %s", c.Rates[0], c.Back)
	r.tell("known", "%g of the visitors", c.Known)
	r.tell("endpoints", "%d, each of which is owed the events of one pixel", c.Endpoints)
	r.tell("connections", "at most %d", c.Connections)
	r.tell("warmup", "%s", c.Warmup)
	tellStore(r, c.Server)
	r.note("latencies count from when a page view was due by the plan, on whichever step")
	r.note("server, sender and endpoints share this machine")
}
