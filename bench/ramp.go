package bench

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// RampConfig is a run of scenario ramp: the rate rises in steps until the server cannot keep up, and then falls back to the
// first of them at once. Zero fields take their default.
//
//	 rate                ┌────┐
//	                ┌────┘    │
//	           ┌────┘         │
//	      ┌────┘              │
//	 ─────┘                   └──────────
//	warm-up  step1 step2 ...     back
type RampConfig struct {
	Rates  []float64     // page views a second, rising; default 500, 1000, 2000, 4000, 8000
	Step   time.Duration // of each; default 10s
	Back   time.Duration // at the first rate again; default 30s
	Warmup time.Duration // before all, at the first rate; default 5s; negative: none

	Known     float64 // how many of the visitors the graph knows, as a fraction; default 0.3
	Endpoints int     // each of which is owed the events of one pixel; default 4

	// Connections is the most at once; default 10000: more than a node lets wait for a commit, so that it is the node that
	// refuses, and not the sender that waits.
	Connections int
	Patience    time.Duration // for one answer; default 10s
	Leave       time.Duration // a page view that has no connection by then is never sent; default 1s
	Drain       time.Duration // after the last answer, for the last delivery; default 60s

	Server ServerConfig
	Log    *slog.Logger // one line per phase; nil: none
}

func (c RampConfig) withDefaults() RampConfig {
	if len(c.Rates) == 0 {
		c.Rates = []float64{500, 1000, 2000, 4000, 8000}
	}
	setDefault(&c.Step, 10*time.Second)
	setDefault(&c.Back, 30*time.Second)
	setDefault(&c.Warmup, 5*time.Second)
	c.Warmup = max(c.Warmup, 0)
	setDefault(&c.Known, 0.3)
	setDefault(&c.Endpoints, 4)
	setDefault(&c.Connections, 10_000)
	setDefault(&c.Patience, 10*time.Second)
	setDefault(&c.Leave, time.Second)
	setDefault(&c.Drain, time.Minute)
	setDefault(&c.Log, slog.New(slog.DiscardHandler))
	return c
}

// maxSteps is as many as somebody would read.
const maxSteps = 20

func (c RampConfig) validate() error {
	var views float64
	for _, rate := range c.Rates {
		views += rate * c.Step.Seconds()
	}
	rising := slices.IsSorted(c.Rates) && len(slices.Compact(slices.Clone(c.Rates))) == len(c.Rates)
	for _, f := range []struct {
		name string
		bad  bool
		rule string
	}{
		{"rates", len(c.Rates) < 2 || len(c.Rates) > maxSteps || !rising || !(c.Rates[0] > 0) || views > maxViews, fmt.Sprintf("must be 2 to %d, above 0, each above the one before, and the run at most %d page views", maxSteps, int(maxViews))},
		{"step", c.Step < time.Second, "must be 1s or more"},
		{"back", c.Back < time.Second, "must be 1s or more"},
		{"known", c.Known < 0 || c.Known > 1, "must be 0 to 1"},
		{"endpoints", c.Endpoints < 1 || c.Endpoints > maxLanes, fmt.Sprintf("must be 1 to %d", maxLanes)},
		{"connections", c.Connections < 1, "must be 1 or more"},
		{"patience", c.Patience <= 0, "must be above 0"},
	} {
		if f.bad {
			return domain.FailField("configure bench ramp", f.name, f.rule)
		}
	}
	return nil
}

func (c RampConfig) plan() flowPlan {
	steps := []Step{{c.Rates[0], c.Warmup}}
	for _, rate := range c.Rates {
		steps = append(steps, Step{rate, c.Step})
	}
	steps = append(steps, Step{c.Rates[0], c.Back})
	lanes := int64(c.Endpoints)
	return flowPlan{
		stairs: NewStairs(steps...), warm: c.Warmup, lanes: c.Endpoints, lane: func(n int64) int { return int(n % lanes) }, known: c.Known,
		connections: c.Connections, patience: c.Patience, leave: c.Leave,
	}
}

// server makes room for every connection of the run: those that a node does not accept, it cannot refuse either. Less than
// a tenth left, it keeps none alive.
func (c RampConfig) server() ServerConfig {
	s := c.Server
	s.Args = append([]string{"--streams", "100", "--connections", fmt.Sprint(c.Connections + c.Connections/5 + 100)}, s.Args...)
	return s
}

// recoveredWithin is how near the latency has to come to that of the first step.
const recoveredWithin = 2

// RampFigures are the figures of scenario ramp with so many rates, in the order they are printed.
func RampFigures(rates int) []Spec {
	specs := append(flowFigures(), Spec{Name: "unsent", Unit: Number, Help: "page views that found no connection for a second, and left: neither sent nor failed", Fault: true})
	for k := range rates {
		specs = append(specs, stepFigures(fmt.Sprintf("step%d", k+1), fmt.Sprintf("of step %d", k+1))...)
	}
	specs = append(specs, stepFigures("back", "when the load was back at its first rate")...)
	specs = append(specs,
		Spec{Name: "throughput.best", Unit: PerSecond, Help: "the highest throughput of all steps"},
		Spec{Name: "collapse", Unit: Number, Help: "throughput of the highest step / throughput.best: 1 when more load does not make the server do less"},
		Spec{Name: "recovered.seconds", Unit: Seconds, Help: "from when the load was back until the 95th percentile of ack in a second was within twice that of step 1"},
		Spec{Name: "recovered.delivered.seconds", Unit: Seconds, Help: "likewise of delivered"},
		Spec{Name: "deliveries.lost", Unit: Number, Help: "acked page views of known visitors whose event had not come by the end", Fault: true},
	)
	return append(append(specs, proofFigures()...), serverFigures()...)
}

func stepFigures(name, which string) []Spec {
	return []Spec{
		{Name: name + ".acked", Unit: Number, Help: "page views " + which + " answered 204"},
		{Name: name + ".refused", Unit: Number, Help: "page views " + which + " answered 429"},
		{Name: name + ".failed", Unit: Number, Help: "page views " + which + " answered otherwise, or not at all", Fault: true},
		{Name: name + ".throughput", Unit: PerSecond, Help: "204s that were read a second while it lasted, whenever their page view was due"},
		{Name: name + ".ack.p95", Unit: Seconds, Help: "from when a page view " + which + " was due until its 204 was read"},
		{Name: name + ".delivered.p95", Unit: Seconds, Help: "from when a page view " + which + " was due until its endpoint had read its event"},
	}
}

// Ramp runs the scenario. The report and the error are as Crm's.
func Ramp(ctx context.Context, cfg RampConfig) (report *Report, err error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := enoughFiles(cfg.Connections + cfg.Connections/5 + 100); err != nil {
		return nil, err
	}
	f := newFlow(cfg.plan())
	cfg.Log.Info("starting a server, building its graph", "people", f.planned.knows(), "endpoints", cfg.Endpoints)
	err = f.onServer(ctx, cfg.server(), nil, func(server *pixelServer) error {
		report, err = cfg.climb(ctx, f, server)
		return err
	})
	return report, err
}

// climb runs all steps on a server, and judges them.
func (c RampConfig) climb(ctx context.Context, f *flow, server *pixelServer) (*Report, error) {
	report := newReport("ramp", RampFigures(len(c.Rates)))
	c.tell(report)
	err := f.measure(ctx, report, server, func() error {
		c.Log.Info("measuring", "steps", c.Rates, "of", c.Step)
		// The last two steps: what a server does that has too much to do.
		if err := until(ctx, f.start.Add(f.planned.stairs.begin(len(c.Rates)-1))); err != nil {
			return err
		}
		server.process.profileFor(ctx, report, 2*c.Step)
		return nil
	}, func(time.Time) {})
	if err == nil {
		c.Log.Info("waiting for the last deliveries")
		err = f.await(ctx, allLanes, c.Drain)
	}
	c.judge(report, f, server.receivers)
	return cut(ctx, report, err)
}
