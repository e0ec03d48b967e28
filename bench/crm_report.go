package bench

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// observer looks at the server, and at the harness itself, from outside.
type observer struct {
	target Target
	acked  *atomic.Int64 // what the figures are per
	came   *atomic.Int64 // deliveries that have come; nil: none do
	client *http.Client
}

func newObserver(target Target, acked *atomic.Int64) *observer {
	return &observer{target: target, acked: acked, client: &http.Client{Timeout: 10 * time.Second}}
}

// of says that these endpoints are sent to; nil: none.
func (o *observer) of(r *receivers) *observer {
	if r != nil {
		o.came = &r.came
	}
	return o
}

// snapshot is how things stood at one moment. Parts that could not be had are nil or false.
type snapshot struct {
	at      time.Time
	acked   int64
	came    int64
	own     time.Duration // processor time of the harness
	machine time.Duration // likewise of everybody, if the server is on this machine; else 0
	server  *usage
	metrics samples
}

func (o *observer) snapshot(ctx context.Context) snapshot {
	s := snapshot{at: time.Now(), acked: o.acked.Load()}
	if o.came != nil {
		s.came = o.came.Load()
	}
	s.own, _ = ownCPU()
	if o.target.PID != 0 {
		s.machine, _ = machineBusy()
		if u, err := readUsage(o.target.PID); err == nil {
			s.server = &u
		}
	}
	if m, err := scrape(ctx, o.client, o.target.URL); err == nil {
		s.metrics = m
		if o.target.PID == 0 {
			s.server = usageOf(m)
		}
	}
	o.client.CloseIdleConnections()
	return s
}

// usageOf takes a server's own word for what it uses: the way to know it of another machine's.
func usageOf(m samples) *usage {
	cpu, ok := m["process_cpu_seconds_total"]
	if !ok {
		return nil
	}
	return &usage{CPU: seconds(cpu), RSS: int64(m["process_resident_memory_bytes"])}
}

func tellCrm(r *Report, cfg CrmConfig, target Target) {
	r.tell("rate", "%g/s", cfg.Rate)
	r.tell("duration", "%s", cfg.Duration)
	r.tell("warmup", "%s", cfg.Warmup)
	r.tell("buyers", "%d", len(target.Tokens))
	r.tell("connections", "at most %d", cfg.Connections)
	switch {
	case cfg.Target != nil:
		r.tell("server", "%s", target.URL)
	case cfg.Server.Store == "":
		r.tell("store", "embedded")
	default:
		r.tell("store", "postgres")
	}
	r.note("latencies count from when a webhook was due by the plan; the first %s are proven but not timed", cfg.Warmup)
	r.note("server, sender and streams share this machine")
}

// tellLoad fills in what the sender and the streams know.
func tellLoad(r *Report, l *load) {
	r.set("sent", float64(l.sent))
	r.set("acked", float64(l.ledger.acked))
	r.set("refused", float64(l.ledger.refused))
	r.set("failed", float64(l.ledger.failed))
	if n := l.ack.Count(); n > 1 {
		took := l.lastAck.Sub(l.due(l.cfg.warm)).Seconds()
		r.set("rate.achieved", float64(n)/took)
	}
	r.setLatency("ack", l.ack)
	r.setLatency("sse", l.sse)
	r.setLatency("received", l.segments.received)
	r.setLatency("committed", l.segments.committed)
	r.setLatency("published", l.segments.published)
	r.setLatency("client", l.segments.client)
	r.set("lost", float64(l.ledger.lost()))
	r.set("duplicates", float64(l.ledger.duplicates))
	r.set("gaps", float64(l.ledger.gaps))
	r.set("unacked", float64(l.ledger.unacked()))
	r.set("resyncs", float64(l.resyncs))
	r.set("reconnects", float64(l.streams.reconnects))
	l.tell(r)
	if l.ledger.strangers > 0 {
		r.note("%d events were of leads that are not this run's", l.ledger.strangers)
	}
	if l.streams.lastError != nil && l.streams.reconnects > 0 {
		r.note("a stream was last cut because: %v", l.streams.lastError)
	}
}

// tellServer fills in what happened between the two snapshots. one is what the figures are per: "lead",
// "event".
func tellServer(r *Report, one string, before, after snapshot) {
	count := float64(after.acked - before.acked)
	if before.at.IsZero() || count <= 0 {
		return
	}
	r.set("harness.cpu_per_"+one, (after.own-before.own).Seconds()/count)
	if before.server != nil && after.server != nil {
		cpu := (after.server.CPU - before.server.CPU).Seconds()
		r.set("server.cpu_per_"+one, cpu/count)
		took := after.at.Sub(before.at).Seconds()
		r.set("server.cpu", cpu/took)
		if before.machine > 0 && after.machine > 0 {
			others := (after.machine - before.machine - (after.own - before.own)).Seconds() - cpu
			r.set("others.cpu", max(0, others)/took)
		}
		r.set("server.rss", float64(after.server.RSS))
		if after.server.PeakRSS > 0 {
			r.set("server.rss_peak", float64(after.server.PeakRSS))
		}
	}
	grown := func(name string) (float64, bool) {
		_, there := after.metrics[name]
		return after.metrics[name] - before.metrics[name], there && before.metrics != nil
	}
	if commits, ok := grown("leadwire_commit_total"); ok {
		r.set("store.round_trips_per_"+one, commits/count)
		if came := after.came - before.came; came > 0 {
			r.set("store.round_trips_per_delivered", commits/float64(came))
		}
	}
	mean := func(figure, histogram string) {
		sum, ok := grown(histogram + "_sum")
		if count, also := grown(histogram + "_count"); ok && also && count > 0 {
			r.set(figure, sum/count)
		}
	}
	mean("store.batch_ops_mean", "leadwire_commit_batch_operations")
	mean("store.commit_mean", "leadwire_commit_seconds")
}
