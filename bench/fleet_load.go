package bench

import (
	"context"
	"net/netip"
	"runtime"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// fleetLoad is the load of a run on several nodes: webhooks at a constant rate, streams that are open on all of them, and
// updates of leads that somebody wants to know of again. All of it runs on one goroutine; others ask it by ask.
type fleetLoad struct {
	audience
	*balancer

	plan    fleetPlan
	reactor *reactor
	place   Placement
	start   time.Time
	next    int64 // number of the next webhook
	webhook *webhook
	probes  []*probe
	latest  [domain.Partitions]int64 // of each partition the lead acked last, that was not probed yet; below 0: none
	phases  []*phase
	late    *Recorder
	strike  *strike // the node that was killed last, and who has answered since

	asked  chan func()
	over   chan struct{} // closed when run has returned
	err    error         // its error
	ending bool
}

// fleetPlan is what a fleetLoad carries out.
type fleetPlan struct {
	rate        float64
	connections int           // to each node
	patience    time.Duration // for one answer
	drain       time.Duration // after the last answer, for the last row
	account     domain.AccountID
}

// phase is a stretch of a fleetLoad, told by the webhooks that were due in it.
type phase struct {
	from int64
	ack  *Recorder // until the 200, tries before it included
	// all are latencies until the row was read; steady, of the streams that were open from when it was due.
	all, steady *Recorder
	failed      int64 // not acked within giveUpAfter
	retried     int64 // acked, and not at the first try
}

func newFleetLoad(plan fleetPlan, f *fleet, run string, place Placement) (*fleetLoad, error) {
	r, err := newReactor(f.nodes[0].to)
	if err != nil {
		return nil, err
	}
	host := "leadwire.bench"
	w := newWebhook(run, host, "/leads/webhook/"+f.Source, f.Location, stamped(time.Now()), f.Key)
	l := &fleetLoad{
		audience: audience{prefix: []byte(w.contactPrefix()), ledger: newLedger(0, len(f.Tokens))},
		plan:     plan, reactor: r, place: place, webhook: w, late: NewRecorder(), asked: make(chan func()), over: make(chan struct{}),
	}
	for i := range l.latest {
		l.latest[i] = -1
	}
	var pools []*pool
	for _, n := range f.nodes {
		pools = append(pools, &pool{reactor: r, to: n.to, most: plan.connections})
	}
	l.balancer = newBalancer(pools, plan.patience, l.request, l.settled)
	l.seen = l.shown
	l.streams = newStreams(r, host, feedPath, f.Tokens, l.event)
	l.streams.where = func(s *stream) netip.AddrPort { return pools[nodeOf(s.index, s.tries, len(pools))].to }
	return l, nil
}

// nodeOf says where a stream goes at a try: to another node each time, as behind a balancer.
func nodeOf(stream, try, nodes int) int { return (stream + try) % nodes }

func (l *fleetLoad) due(n int64) time.Time { return l.start.Add(Pacer{Rate: l.plan.rate}.Due(n)) }

// run carries the plan out until somebody asks for its end, or ctx ends.
func (l *fleetLoad) run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	sharpTimers()
	defer l.reactor.close()
	if err := l.streams.open(ctx, time.Now().Add(openTime)); err != nil {
		return err
	}
	l.start = time.Now()
	l.begin()
	kept := l.start
	var last time.Time // when nothing was to be sent any more
	for {
		now := time.Now()
		l.listen()
		l.notice(now)
		l.retry(now)
		if err := l.reactor.turn(l.rest(now)); err != nil {
			return err
		}
		if now.Sub(kept) < housekeeping {
			continue
		}
		kept = now
		l.giveUp(now)
		l.streams.comeBack(now)
		if err := ctx.Err(); err != nil {
			return err
		}
		if l.ending && len(l.open) == 0 {
			if last.IsZero() {
				last = now
			}
			if l.ledger.lost() == 0 || now.Sub(last) > l.plan.drain {
				return nil
			}
		}
	}
}

// notice sends what is due.
func (l *fleetLoad) notice(now time.Time) {
	for !l.ending && !l.due(l.next).After(now) {
		l.late.Record(now.Sub(l.due(l.next)))
		l.ledger.grow()
		l.send(l.next, now)
		l.next++
	}
}

func (l *fleetLoad) rest(now time.Time) time.Duration {
	if l.ending {
		return l.pause(now)
	}
	return min(l.pause(now), max(0, l.due(l.next).Sub(now)))
}

// listen does what others have asked for.
func (l *fleetLoad) listen() {
	for {
		select {
		case do := <-l.asked:
			do()
		default:
			return
		}
	}
}

// ask lets do run on the load's goroutine, and returns when it has, or when the load is over.
func (l *fleetLoad) ask(do func()) {
	done := make(chan struct{})
	select {
	case l.asked <- func() { do(); close(done) }:
		<-done
	case <-l.over:
	}
}

// begin begins a phase.
func (l *fleetLoad) begin() *phase {
	p := &phase{from: l.next, ack: NewRecorder(), all: NewRecorder(), steady: NewRecorder()}
	l.phases = append(l.phases, p)
	return p
}

func (l *fleetLoad) phaseOf(n int64) *phase {
	for i := len(l.phases) - 1; ; i-- {
		if p := l.phases[i]; p.from <= n || i == 0 {
			return p
		}
	}
}

// request builds a webhook, or a probe.
func (l *fleetLoad) request(n int64) []byte {
	if n >= firstProbe {
		return l.probes[n-firstProbe].request
	}
	return l.webhook.build(n)
}

// settled takes what became of a request.
func (l *fleetLoad) settled(n int64, acked bool, tries int, at time.Time) {
	if n >= firstProbe {
		l.probed(l.probes[n-firstProbe], acked, at)
		return
	}
	p := l.phaseOf(n)
	if !acked {
		p.failed++
		l.ledger.answered(n, wasFailed)
		return
	}
	p.ack.Record(at.Sub(l.due(n)))
	if tries > 1 {
		p.retried++
	}
	l.ledger.answered(n, wasAcked)
	l.latest[l.place.Lead(l.lead(n))] = n
}

// shown takes a lead's row.
func (l *fleetLoad) shown(stream int, n int64, at time.Time, _ []byte) {
	if n < 0 || n >= l.next {
		return
	}
	due, p := l.due(n), l.phaseOf(n)
	p.all.Record(at.Sub(due))
	if since := l.streams.all[stream].since; !since.IsZero() && !since.After(due) {
		p.steady.Record(at.Sub(due))
	}
	if l.strike != nil && !due.Before(l.strike.at) {
		l.strike.heard(stream, at)
	}
}
