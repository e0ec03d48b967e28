package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// IsolationConfig is a run of scenario isolation: many endpoints, each owed the events of a pixel of its own, some of
// which break while the others are watched. Zero fields take their default.
type IsolationConfig struct {
	Rate      float64       // page views a second, over all pixels; default 500
	Endpoints int           // default 30
	Sick      float64       // how many of them break, as a fraction; default 0.3
	Calm      time.Duration // in which all are well; default 30s
	Trouble   time.Duration // after it, in which some are not; default 60s
	Warmup    time.Duration // before both: sent and proven, not timed; default 5s; negative: none

	Connections int           // most at once for page views; default 1024
	Patience    time.Duration // for one answer; default 10s
	Drain       time.Duration // after the last answer, for the last delivery to a healthy endpoint; default 30s

	Server ServerConfig
	Log    *slog.Logger // one line per phase; nil: none
}

func (c IsolationConfig) withDefaults() IsolationConfig {
	setDefault(&c.Rate, 500)
	setDefault(&c.Endpoints, 30)
	setDefault(&c.Sick, 0.3)
	setDefault(&c.Calm, 30*time.Second)
	setDefault(&c.Trouble, time.Minute)
	setDefault(&c.Warmup, 5*time.Second)
	c.Warmup = max(c.Warmup, 0)
	setDefault(&c.Connections, 1024)
	setDefault(&c.Patience, 10*time.Second)
	setDefault(&c.Drain, 30*time.Second)
	setDefault(&c.Log, slog.New(slog.DiscardHandler))
	return c
}

func (c IsolationConfig) validate() error {
	for _, f := range []struct {
		name string
		bad  bool
		rule string
	}{
		{"rate", !(c.Rate > 0) || c.Rate > 1e6, "must be above 0 and at most 1000000"},
		{"endpoints", c.Endpoints < 1 || c.Endpoints > maxLanes, fmt.Sprintf("must be 1 to %d", maxLanes)},
		{"sick", !(c.Sick > 0 && c.Sick < 1) || c.sick() < len(ailments()) || c.sick() == c.Endpoints, "must leave some endpoints well, and break three or more: one dead, one slow, one flapping"},
		{"calm", c.Calm < time.Second, "must be 1s or more"},
		{"trouble", c.Trouble < time.Second || c.Rate*(c.Warmup+c.Calm+c.Trouble).Seconds() > maxViews, fmt.Sprintf("must be 1s or more, and the run at most %d page views: each is of somebody else", int(maxViews))},
		{"connections", c.Connections < 1, "must be 1 or more"},
		{"patience", c.Patience <= 0, "must be above 0"},
	} {
		if f.bad {
			return domain.FailField("configure bench isolation", f.name, f.rule)
		}
	}
	return nil
}

// maxViews bounds a flow by the people its graph has to know.
const maxViews = 20e6

// sick is how many endpoints break: those with the lowest numbers.
func (c IsolationConfig) sick() int { return int(float64(c.Endpoints)*c.Sick + 0.5) }

// healthy says whether an endpoint stays well.
func (c IsolationConfig) healthy(i int) bool { return i >= c.sick() }

func (c IsolationConfig) plan() flowPlan {
	lanes := int64(c.Endpoints)
	return flowPlan{
		stairs: NewStairs(Step{c.Rate, c.Warmup + c.Calm + c.Trouble}), warm: c.Warmup,
		lanes: c.Endpoints, lane: func(n int64) int { return int(n % lanes) }, known: 1,
		connections: c.Connections, patience: c.Patience,
	}
}

// ailment is a way for an endpoint to be broken.
type ailment struct {
	name   string
	strike func(d *door) error
}

const (
	slowBy    = 5 * time.Second
	flapEvery = 5 * time.Second
)

func ailments() []ailment {
	return []ailment{
		{"dead", func(d *door) error { return d.close() }},
		{"slow", func(d *door) error {
			d.behave(func(time.Time) (int, time.Duration) { return http.StatusNoContent, slowBy })
			return nil
		}},
		{"flapping", func(d *door) error {
			d.behave(flap(time.Now()))
			return nil
		}},
	}
}

// flap fails for flapEvery from a moment on, works for as long, and so on.
func flap(from time.Time) manners {
	return func(now time.Time) (int, time.Duration) {
		if now.Sub(from)/flapEvery%2 == 0 {
			return http.StatusInternalServerError, 0
		}
		return http.StatusNoContent, 0
	}
}

// ailmentOf is the ailment of sick endpoint i: a third of them have each.
func ailmentOf(i int) ailment { return ailments()[i%len(ailments())] }

// IsolationFigures are the figures of scenario isolation, in the order they are printed.
func IsolationFigures() []Spec {
	specs := flowFigures()
	specs = append(specs, spellFigures("calm.delivered", "from when a page view was due until its endpoint had read its event, while all endpoints were well: those that stay so")...)
	specs = append(specs, spellFigures("healthy.delivered", "likewise of the same endpoints, while the others were broken")...)
	specs = append(specs, ratioFigures("healthy_p95_ratio", "healthy.delivered.p95 / calm.delivered.p95: 1 when the broken ones cost the others nothing")...)
	specs = append(specs, Spec{Name: "healthy.lost", Unit: Number, Help: "acked page views whose event had not come to a healthy endpoint by the end", Fault: true})
	for _, a := range ailments() {
		specs = append(specs, Spec{Name: a.name + ".delivered", Unit: Number, Help: "events due while they were broken that the " + a.name + " endpoints took by the end"})
	}
	specs = append(specs, Spec{Name: "sick.pending", Unit: Number, Help: "acked page views whose event a broken endpoint still had coming at the end"})
	return append(append(specs, proofFigures()...), serverFigures()...)
}

// Isolation runs the scenario. The report and the error are as Crm's.
func Isolation(ctx context.Context, cfg IsolationConfig) (report *Report, err error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := enoughFiles(cfg.Connections + cfg.Endpoints); err != nil {
		return nil, err
	}
	f := newFlow(cfg.plan())
	cfg.Log.Info("starting a server, building its graph", "people", f.planned.knows(), "endpoints", cfg.Endpoints)
	// A usual customer's endpoint: the default of places, which is what the slow ones can take of a node.
	err = f.onServer(ctx, cfg.Server, func(_ int, e *domain.Endpoint) { e.Concurrency = 0 }, func(server *pixelServer) error {
		report, err = cfg.isolate(ctx, f, server)
		return err
	})
	return report, err
}

// isolate runs both phases on a server, and compares them.
func (c IsolationConfig) isolate(ctx context.Context, f *flow, server *pixelServer) (*Report, error) {
	report := newReport("isolation", IsolationFigures())
	c.tell(report)
	err := f.measure(ctx, report, server, func() error {
		c.Log.Info("measuring, all endpoints are well", "duration", c.Calm, "rate", c.Rate)
		if err := until(ctx, f.start.Add(c.Warmup+c.Calm)); err != nil {
			return err
		}
		c.Log.Info("measuring, some endpoints are broken", "duration", c.Trouble, "broken", c.sick())
		var struck error
		for i := range c.sick() {
			struck = errors.Join(struck, ailmentOf(i).strike(server.receivers.doors[i]))
		}
		server.process.profileFor(ctx, report, c.Trouble)
		return struck
	}, func(time.Time) {})
	if err == nil {
		err = f.await(ctx, c.healthy, c.Drain)
	}
	c.judge(report, f, server.receivers)
	return cut(ctx, report, err)
}

func (c IsolationConfig) judge(r *Report, f *flow, receivers *receivers) {
	f.tellLoad(r, receivers)
	trouble := span{c.Warmup + c.Calm, f.planned.stairs.end()}
	calm := f.deliveries(span{c.Warmup, trouble.from}, c.healthy)
	healthy := f.deliveries(trouble, c.healthy)
	tellSpell(r, "calm.delivered", calm)
	tellSpell(r, "healthy.delivered", healthy)
	tellRatio(r, "healthy_p95_ratio", healthy, calm)
	r.set("healthy.lost", float64(f.missing(c.healthy)))
	r.set("sick.pending", float64(f.missing(func(i int) bool { return !c.healthy(i) })))
	for _, a := range ailments() {
		took := f.deliveries(trouble, func(i int) bool { return !c.healthy(i) && ailmentOf(i).name == a.name })
		r.set(a.name+".delivered", float64(took.all.Count()))
	}
}

func (c IsolationConfig) tell(r *Report) {
	r.tell("rate", "%g/s, each page view of another known visitor", c.Rate)
	r.tell("endpoints", "%d, each of which is owed the events of one pixel", c.Endpoints)
	r.tell("broken", "%d: a third refuses connections, a third answers after %s, a third answers 500 and 204 for %s each", c.sick(), slowBy, flapEvery)
	r.tell("calm", "%s", c.Calm)
	r.tell("trouble", "%s", c.Trouble)
	r.tell("warmup", "%s", c.Warmup)
	tellStore(r, c.Server)
	r.note("calm and healthy are of the same endpoints, of one run on one server")
	r.note("server, sender and endpoints share this machine")
}

// cut makes an interrupted run's report one of what had happened by then.
func cut(ctx context.Context, report *Report, err error) (*Report, error) {
	if err != nil && ctx.Err() != nil {
		report.Cut = true
		return report, nil
	}
	return report, err
}
