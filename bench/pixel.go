package bench

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// PixelConfig is a run of scenario pixel: page views of many visitors at a constant rate, some of whom
// the identity graph knows. Zero fields take their default.
type PixelConfig struct {
	Rate     float64       // events a second; default 10000
	Batch    int           // events in one request, as the script gathers them; default 1
	Visitors int           // browsers; default 100000
	Known    float64       // how many of them the graph knows, as a fraction; default 0.3
	People   int           // in the graph, those of the visitors included; default 1000000
	Duration time.Duration // measured; default 30s
	Warmup   time.Duration // before it: sent and proven, not timed; default 5s; negative: none
	Swaps    int           // times the graph is swapped within Duration; default none
	// Endpoints is how many customers' endpoints are sent what leaves, each of them all of it; default none.
	Endpoints int

	Connections int           // most at once; default 1024
	Patience    time.Duration // for one answer; default 10s
	Drain       time.Duration // after the last answer, for the last first match; default 30s

	Server ServerConfig
	Log    *slog.Logger // one line per phase; nil: none
}

func (c PixelConfig) withDefaults() PixelConfig {
	setDefault(&c.Rate, 10_000)
	setDefault(&c.Batch, 1)
	setDefault(&c.Visitors, 100_000)
	setDefault(&c.Known, 0.3)
	setDefault(&c.People, 1_000_000)
	setDefault(&c.Duration, 30*time.Second)
	setDefault(&c.Warmup, 5*time.Second)
	c.Warmup = max(c.Warmup, 0)
	setDefault(&c.Connections, 1024)
	setDefault(&c.Patience, 10*time.Second)
	setDefault(&c.Drain, 30*time.Second)
	setDefault(&c.Log, slog.New(slog.DiscardHandler))
	return c
}

// maxBatch is what the edge takes in one request.
const maxBatch = 50

func (c PixelConfig) validate() error {
	for _, f := range []struct {
		name string
		bad  bool
		rule string
	}{
		{"rate", !(c.Rate > 0) || c.Rate > 1e6, "must be above 0 and at most 1000000"},
		{"batch", c.Batch < 1 || c.Batch > maxBatch, fmt.Sprintf("must be 1 to %d", maxBatch)},
		{"visitors", c.Visitors < 1 || c.Visitors > 100_000_000, "must be 1 to 100000000"},
		{"known", c.Known < 0 || c.Known > 1, "must be 0 to 1"},
		{"people", c.People < c.known(), "must be at least visitors times known"},
		{"duration", c.Duration <= 0 || c.Rate*(c.Duration+c.Warmup).Seconds() > maxRequests, "must be above 0, and the run at most a billion events"},
		{"swaps", c.Swaps < 0 || c.Swaps > int(c.Duration/shortestSwap), fmt.Sprintf("must be 0 or more, and leave each %s of the duration", shortestSwap)},
		{"connections", c.Connections < 1, "must be 1 or more"},
		{"patience", c.Patience <= 0, "must be above 0"},
		{"endpoints", c.Endpoints < 0 || c.Endpoints > 1000, "must be 0 to 1000"},
	} {
		if f.bad {
			return domain.FailField("configure bench pixel", f.name, f.rule)
		}
	}
	return nil
}

// known is how many visitors the graph knows: those with the lowest numbers.
func (c PixelConfig) known() int { return int(float64(c.Visitors) * c.Known) }

// PixelFigures are the figures of scenario pixel, in the order they are printed; with those of a run that swaps, and of
// one that delivers.
func PixelFigures(swaps, delivers bool) []Spec {
	specs := []Spec{
		{Name: "sent", Unit: Number, Help: "events sent, warm-up included"},
		{Name: "acked", Unit: Number, Help: "of them in a request answered 204: durable and matched"},
		{Name: "refused", Unit: Number, Help: "of them in a request answered 429", Fault: true},
		{Name: "failed", Unit: Number, Help: "of them in a request answered otherwise, or not at all", Fault: true},
		{Name: "rate.achieved", Unit: PerSecond, Help: "events acked a second after the warm-up, until the last of them"},
	}
	specs = append(specs, latency("ack", "from when a request was due until its 204 was read")...)
	if swaps {
		specs = append(specs, swapFigures()...)
	}
	if delivers {
		specs = append(specs, deliveryFigures()...)
	}
	specs = append(specs,
		Spec{Name: "first_matches", Unit: Number, Help: "people announced for the first time"},
		Spec{Name: "first_matches.lost", Unit: Number, Help: "people whose visitor was acked and who were not announced by the end", Fault: true},
		Spec{Name: "first_matches.repeated", Unit: Number, Help: "first matches announced for somebody who had one already", Fault: true},
		Spec{Name: "first_matches.strangers", Unit: Number, Help: "first matches of somebody who did not visit", Fault: true},
		Spec{Name: "updates", Unit: Number, Help: "visitor.updated announced: later events of known people, gathered"},
		Spec{Name: "connections", Unit: Number, Help: "most connections that were open at once"},
		Spec{Name: "waited", Unit: Number, Help: "requests that waited because every allowed connection was taken", Fault: true},
	)
	return append(specs, serverFigures()...)
}

// serverFigures are what every run with a pixel says of the server and of the harness.
func serverFigures() []Spec {
	specs := append([]Spec{
		{Name: "server.cpu_per_event", Unit: Seconds, Help: "processor time of the server, kernel included, for one acked event, matching and judging included"},
		{Name: "server.cpu", Unit: Fraction, Help: "of one core, used by the server after the warm-up"},
		{Name: "server.rss", Unit: Bytes, Help: "memory of the server at the end of the load, the graph's pages that were touched included"},
		{Name: "server.rss_peak", Unit: Bytes, Help: "the most it ever had"},
	}, collectorFigures()...)
	return append(specs, []Spec{
		{Name: "store.round_trips_per_event", Unit: Number, Help: "commits of the server's store for one acked event"},
		{Name: "store.batch_ops_mean", Unit: Number, Help: "operations that shared one commit"},
		{Name: "store.commit_mean", Unit: Seconds, Help: "time of one commit, from the batch taken to its answer"},
		{Name: "harness.cpu_per_event", Unit: Seconds, Help: "processor time of the sender, and of the endpoints that run here, for one acked event"},
		{Name: "others.cpu", Unit: Fraction, Help: "of one core, taken by everything else on this machine"},
		{Name: "lateness.p50", Unit: Seconds, Help: "how late the harness noticed that a request was due; part of ack"},
		{Name: "lateness.p99", Unit: Seconds, Help: "likewise"},
		{Name: "lateness.max", Unit: Seconds, Help: "likewise"},
	}...)
}

// Pixel runs the scenario. The report and the error are as Crm's.
func Pixel(ctx context.Context, cfg PixelConfig) (report *Report, err error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := enoughFiles(cfg.Connections); err != nil {
		return nil, err
	}
	run := newRun()
	cfg.Log.Info("starting a server, building its graph", "people", cfg.People, "visitors", cfg.Visitors, "known", cfg.known())
	in, post := scene{people: cfg.People, known: cfg.known(), pixels: []domain.Pixel{benchSite(benchPixel)}, swaps: cfg.Swaps > 0}, newMail()
	if cfg.Endpoints > 0 {
		if in.receivers, err = openReceivers(ctx, run, cfg.Endpoints, post.note); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, in.receivers.close()) }()
		in.endpoints = in.receivers.endpoints()
	}
	server, err := startPixelServer(ctx, cfg.Server, run, in)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.stop(ctx)) }()
	server.mail = post
	to, host, err := server.address(ctx)
	if err != nil {
		return nil, err
	}
	l, err := newPixelLoad(cfg, to, newHits(run, host, benchPixel, time.Now().UnixMilli(), cfg.Batch, int64(cfg.Visitors)))
	if err != nil {
		return nil, err
	}
	report, err = l.measure(ctx, server)
	if err == nil && !report.Cut {
		cfg.Log.Info("counting first matches")
		err = l.prove(ctx, report, server)
	}
	return report, err
}

// pixelLoad is one run's sender, and what it knows of every request.
type pixelLoad struct {
	sender
	cfg     PixelConfig
	hits    *hits
	ack     *Recorder
	answers []answer // by request
	took    []uint32 // likewise, its ack in microseconds; only if the run needs each by itself
	acked   atomic.Int64
	refused int64
	failed  int64
	lastAck time.Time
}

func newPixelLoad(cfg PixelConfig, to netip.AddrPort, h *hits) (*pixelLoad, error) {
	r, err := newReactor(to)
	if err != nil {
		return nil, err
	}
	pacer := Pacer{Rate: cfg.Rate / float64(cfg.Batch)}
	plan := sendPlan{
		pacer: pacer, total: pacer.Count(cfg.Warmup + cfg.Duration), warm: pacer.Count(cfg.Warmup),
		maxConns: cfg.Connections, patience: cfg.Patience,
	}
	l := &pixelLoad{cfg: cfg, hits: h, ack: NewRecorder(), answers: make([]answer, plan.total)}
	if cfg.Swaps > 0 {
		l.took = make([]uint32, plan.total)
	}
	l.sender = newSender(plan, r, h.build, l.hear)
	return l, nil
}

func (l *pixelLoad) hear(n int64, status int, at time.Time) {
	events := int64(l.cfg.Batch)
	switch status {
	case 204:
		l.answers[n] = wasAcked
		l.acked.Add(events)
		if n >= l.plan.warm {
			l.timedAck(n, at)
		}
	case 429:
		l.answers[n] = wasRefused
		l.refused += events
	default:
		l.answers[n] = wasFailed
		l.failed += events
	}
}

func (l *pixelLoad) timedAck(n int64, at time.Time) {
	took := at.Sub(l.due(n))
	l.ack.Record(took)
	l.lastAck = at
	if l.took != nil {
		l.took[n] = uint32(min(max(took, 0)/time.Microsecond, math.MaxUint32))
	}
}

// timed are the acked requests of the measured part, in the order they were due.
func (l *pixelLoad) timed() iter.Seq[request] {
	return func(yield func(request) bool) {
		for n := l.plan.warm; n < l.sent; n++ {
			if l.answers[n] == wasAcked && !yield(request{l.plan.pacer.Due(n), time.Duration(l.took[n]) * time.Microsecond}) {
				return
			}
		}
	}
}

// measure runs the load, with a snapshot of the server on each side of the measured part, and swaps within it.
func (l *pixelLoad) measure(ctx context.Context, server *pixelServer) (*Report, error) {
	report := newReport("pixel", PixelFigures(l.cfg.Swaps > 0, l.cfg.Endpoints > 0))
	l.tellPlan(report)
	swaps, swapped := newSwaps(server), error(nil)
	seen, err := newObserver(server.Target, &l.acked).of(server.receivers).watch(ctx, l.measuring, func() error {
		l.cfg.Log.Info("measuring", "duration", l.cfg.Duration, "rate", l.cfg.Rate)
		var work sync.WaitGroup
		defer work.Wait()
		if l.cfg.Swaps > 0 {
			work.Go(func() { swapped = swaps.run(ctx, l.start, l.cfg.Swaps, l.cfg.Duration) })
		}
		return server.process.profile(ctx, l.cfg.Duration)
	}, func() error { return l.run(ctx) })
	l.tellLoad(report)
	if l.cfg.Swaps > 0 {
		l.tellSwaps(report, swaps)
	}
	tellServer(report, "event", seen.before, seen.after)
	tellCollector(report, seen.before, seen.after)
	if seen.err != nil {
		report.note("no profile: %v", seen.err)
	}
	err = errors.Join(err, swapped)
	if err != nil && ctx.Err() != nil {
		report.Cut = true
		return report, nil
	}
	return report, err
}

func (l *pixelLoad) run(ctx context.Context) error { return l.carryOut(ctx, l.giveUp) }

func (l *pixelLoad) tellPlan(r *Report) {
	r.tell("rate", "%g/s", l.cfg.Rate)
	r.tell("batch", "%d in a request", l.cfg.Batch)
	r.tell("visitors", "%d, of whom the graph knows %d", l.cfg.Visitors, l.cfg.known())
	r.tell("people", "%d in the graph", l.cfg.People)
	r.tell("duration", "%s", l.cfg.Duration)
	r.tell("warmup", "%s", l.cfg.Warmup)
	if l.cfg.Swaps > 0 {
		r.tell("swaps", "%d", l.cfg.Swaps)
	}
	if l.cfg.Endpoints > 0 {
		r.tell("endpoints", "%d, each of which is sent everything", l.cfg.Endpoints)
	}
	tellStore(r, l.cfg.Server)
	r.note("latencies count from when a request was due by the plan; the first %s are proven but not timed", l.cfg.Warmup)
	r.note("server and sender share this machine")
}

func (l *pixelLoad) tellLoad(r *Report) {
	batch := float64(l.cfg.Batch)
	r.set("sent", float64(l.sent)*batch)
	r.set("acked", float64(l.acked.Load()))
	r.set("refused", float64(l.refused))
	r.set("failed", float64(l.failed))
	if n := l.ack.Count(); n > 1 {
		r.set("rate.achieved", float64(n)*batch/l.lastAck.Sub(l.due(l.plan.warm)).Seconds())
	}
	r.setLatency("ack", l.ack)
	l.sender.tell(r)
}
