package bench

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// BacklogConfig is a run of scenario backlog: one endpoint is down while much is owed to it, and returns; the others get
// their events throughout. Zero fields take their default.
//
//	others   ──────rate─────────────────────────────────────────────▶
//	backlog          ┌──fill──┐                 ┌─────drain─────┐
//	         warm-up │ calm   │ fill │ settle │ down │ back: meanwhile
type BacklogConfig struct {
	Pending   int           // events owed to the endpoint when it returns; default 100000
	Drain     float64       // what it may be sent a second, its rate; default 1000
	Fill      float64       // page views a second that become its backlog; default 500
	Rate      float64       // page views a second for the others, over all of them; default 200
	Endpoints int           // others; default 9
	Calm      time.Duration // before there is a backlog, and again while there is and nobody can be sent it; default 20s
	Settle    time.Duration // for what the filling has left undone when it ends; default 10s
	Warmup    time.Duration // before all: sent and proven, not timed; default 5s; negative: none

	Connections int           // most at once for page views; default 1024
	Patience    time.Duration // for one answer; default 10s
	Last        time.Duration // after the last answer, for the last delivery; default 30s

	Server ServerConfig
	Log    *slog.Logger // one line per phase; nil: none
}

func (c BacklogConfig) withDefaults() BacklogConfig {
	setDefault(&c.Pending, 100_000)
	setDefault(&c.Drain, 1000)
	setDefault(&c.Fill, 500)
	setDefault(&c.Rate, 200)
	setDefault(&c.Endpoints, 9)
	setDefault(&c.Calm, 20*time.Second)
	setDefault(&c.Settle, 10*time.Second)
	setDefault(&c.Warmup, 5*time.Second)
	c.Warmup = max(c.Warmup, 0)
	setDefault(&c.Connections, 1024)
	setDefault(&c.Patience, 10*time.Second)
	setDefault(&c.Last, 30*time.Second)
	setDefault(&c.Log, slog.New(slog.DiscardHandler))
	return c
}

func (c BacklogConfig) validate() error {
	for _, f := range []struct {
		name string
		bad  bool
		rule string
	}{
		{"pending", c.Pending < 1 || c.Pending > maxViews, fmt.Sprintf("must be 1 to %d", int(maxViews))},
		{"drain-rate", !(c.Drain >= 1) || c.Drain > domain.MaxRate, fmt.Sprintf("must be 1 to %d", domain.MaxRate)},
		{"fill", !(c.Fill > 0) || c.Fill > 1e6, "must be above 0 and at most 1000000"},
		{"rate", !(c.Rate > 0) || c.Rate > 1e6, "must be above 0 and at most 1000000"},
		{"endpoints", c.Endpoints < 1 || c.Endpoints >= maxLanes, fmt.Sprintf("must be 1 to %d", maxLanes-1)},
		{"calm", c.Calm < time.Second, "must be 1s or more"},
		{"connections", c.Connections < 1, "must be 1 or more"},
		{"patience", c.Patience <= 0, "must be above 0"},
	} {
		if f.bad {
			return domain.FailField("configure bench backlog", f.name, f.rule)
		}
	}
	return nil
}

// returning is the endpoint that was down; the others have the numbers after it.
const returning = 0

func others(i int) bool   { return i != returning }
func returned(i int) bool { return i == returning }

// The phases of a run, each a step of its stairs.
const (
	warming = iota
	calming
	filling
	settling
	waiting
	draining
)

// noticeWithin is the longest until a node finds out that an endpoint is back: docs/priorities.md, a probe's pause of 50 s
// and up to a fifth more; and some room.
const noticeWithin = 65 * time.Second

// longestDrain is how long the others are sent to while the backlog drains: twice what its rate allows. The run goes on as
// soon as it is over.
func (c BacklogConfig) longestDrain() time.Duration {
	return noticeWithin + 2*seconds(float64(c.Pending)/c.Drain)
}

func (c BacklogConfig) plan() flowPlan {
	mixed := c.Rate + c.Fill
	stairs := NewStairs(
		Step{c.Rate, c.Warmup}, Step{c.Rate, c.Calm}, Step{mixed, seconds(float64(c.Pending) / c.Fill)},
		Step{c.Rate, c.Settle}, Step{c.Rate, c.Calm}, Step{c.Rate, c.longestDrain()},
	)
	from, until, share := stairs.first[filling], stairs.first[filling+1], c.Rate/mixed
	return flowPlan{
		stairs: stairs, warm: c.Warmup, lanes: 1 + c.Endpoints, known: 1,
		lane: func(n int64) int {
			if k := n - from; k >= 0 && n < until && math.Floor(share*float64(k+1)) == math.Floor(share*float64(k)) {
				return returning
			}
			return 1 + int(n%int64(c.Endpoints))
		},
		connections: c.Connections, patience: c.Patience,
	}
}

// BacklogFigures are the figures of scenario backlog, in the order they are printed.
func BacklogFigures() []Spec {
	specs := append(flowFigures(),
		Spec{Name: "backlog", Unit: Number, Help: "events that were owed to the endpoint when it returned"},
		Spec{Name: "noticed.seconds", Unit: Seconds, Help: "from when the endpoint was back until it was sent its first event: the pause between probes"},
		Spec{Name: "drain.seconds", Unit: Seconds, Help: "from the first event of the backlog until the last"},
		Spec{Name: "drain.rate", Unit: PerSecond, Help: "events of the backlog that came a second, from the first to the last"},
		Spec{Name: "drain.rate_share", Unit: Fraction, Help: "drain.rate, of what the endpoint allows"},
		Spec{Name: "drain.busiest", Unit: PerSecond, Help: "the most of them that came within a second; a burst of one second's worth is allowed beside the rate"},
		Spec{Name: "drain.lost", Unit: Number, Help: "events of the backlog that had not come by the end", Fault: true},
	)
	specs = append(specs, spellFigures("before.delivered", "from when a page view was due until its endpoint had read its event, of the others, before there was a backlog")...)
	specs = append(specs, spellFigures("down.delivered", "likewise, while the backlog was there and the endpoint was down")...)
	specs = append(specs, spellFigures("meanwhile.delivered", "likewise, while the backlog drained")...)
	specs = append(specs, ratioFigures("others_p95_ratio", "meanwhile.delivered.p95 / before.delivered.p95: 1 when the backlog cost the others nothing")...)
	specs = append(specs,
		Spec{Name: "others.lost", Unit: Number, Help: "acked page views whose event had not come to another endpoint by the end", Fault: true},
		Spec{Name: "rss.before", Unit: Bytes, Help: "memory of the server before there was a backlog"},
		Spec{Name: "rss.down", Unit: Bytes, Help: "likewise, with the whole backlog pending"},
		Spec{Name: "rss.drained", Unit: Bytes, Help: "likewise, when it had drained"},
	)
	return append(append(specs, proofFigures()...), serverFigures()...)
}

// Backlog runs the scenario. The report and the error are as Crm's.
func Backlog(ctx context.Context, cfg BacklogConfig) (report *Report, err error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := enoughFiles(cfg.Connections + 1 + cfg.Endpoints); err != nil {
		return nil, err
	}
	f := newFlow(cfg.plan())
	cfg.Log.Info("starting a server, building its graph", "people", f.planned.knows(), "endpoints", 1+cfg.Endpoints)
	err = f.onServer(ctx, cfg.Server, cfg.endpoint, func(server *pixelServer) error {
		report, err = (&backlogRun{cfg: cfg, flow: f, server: server}).measure(ctx)
		return err
	})
	return report, err
}

// endpoint gives the one that returns its rate.
func (c BacklogConfig) endpoint(i int, e *domain.Endpoint) {
	e.Concurrency = 0
	if returned(i) {
		e.Rate, e.Concurrency = c.Drain, 64
	}
}
