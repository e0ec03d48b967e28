package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// CrmConfig is a run of scenario crm: signed contact creations at a constant rate, and an open stream
// for every buyer. Zero fields take their default.
type CrmConfig struct {
	Rate     float64       // webhooks a second; default 1000
	Duration time.Duration // measured; default 60s
	Warmup   time.Duration // before it: sent and proven, not timed; default 2s; negative: none
	Ramp     time.Duration // the rate rises from nothing during this first part of the warm-up; default none
	Buyers   int           // default 100; with a Target, its tokens

	Connections int           // most for webhooks at once; default 1024: a server 1 s behind at 1000/s
	Patience    time.Duration // for one answer; default 10s: twice the server's own --ack-timeout
	Drain       time.Duration // after the last answer, for the last event; default 10s
	// Presign is how many signatures at most are made before the start, at 64 bytes each; default
	// 1,048,576 (64 MiB). What goes beyond is signed when it is sent, at some 25 µs of a core.
	Presign int64

	Server ServerConfig
	Target *Target      // a server that runs already; nil: start one
	Log    *slog.Logger // one line per phase; nil: none
}

func (c CrmConfig) withDefaults() CrmConfig {
	setDefault(&c.Rate, 1000)
	setDefault(&c.Duration, time.Minute)
	setDefault(&c.Warmup, 2*time.Second)
	c.Warmup = max(c.Warmup, 0)
	setDefault(&c.Buyers, 100)
	setDefault(&c.Connections, 1024)
	setDefault(&c.Patience, 10*time.Second)
	setDefault(&c.Drain, 10*time.Second)
	setDefault(&c.Presign, 1<<20)
	setDefault(&c.Log, slog.New(slog.DiscardHandler))
	return c
}

func setDefault[T comparable](to *T, def T) {
	var zero T
	if *to == zero {
		*to = def
	}
}

// maxRequests bounds what one run remembers, at two bytes a request.
const maxRequests = 1e9

func (c CrmConfig) validate() error {
	for _, f := range []struct {
		name string
		bad  bool
		rule string
	}{
		{"rate", !(c.Rate > 0) || c.Rate > 1e6, "must be above 0 and at most 1000000"},
		{"duration", c.Duration <= 0 || c.Rate*(c.Duration+c.Warmup).Seconds() > maxRequests, "must be above 0, and the run at most a billion webhooks"},
		{"ramp", c.Ramp < 0 || c.Ramp > c.Warmup, "must be within the warm-up, so that what is measured has one rate"},
		{"buyers", c.Buyers < 1 || c.Buyers > maxBuyers, fmt.Sprintf("must be 1 to %d", maxBuyers)},
		{"connections", c.Connections < 1, "must be 1 or more"},
		{"patience", c.Patience <= 0, "must be above 0"},
		{"presign", c.Presign < 0, "must not be negative"},
	} {
		if f.bad {
			return domain.FailField("configure bench crm", f.name, f.rule)
		}
	}
	return nil
}

// maxBuyers is what the five digits of a buyer's number, and a catalog file, can hold.
const maxBuyers = 99_999

// Crm runs the scenario. When ctx ends before the run does, the report says so and holds what there
// was. The error is for what kept it from running at all.
func Crm(ctx context.Context, cfg CrmConfig) (report *Report, err error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	run := newRun()
	target := cfg.Target
	var own *process
	if target == nil {
		if err := enoughFiles(cfg.Buyers + cfg.Connections); err != nil {
			return nil, err
		}
		cfg.Log.Info("starting a server", "buyers", cfg.Buyers)
		server, err := startServer(ctx, cfg.Server, run, cfg.Buyers)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, server.stop(ctx)) }()
		target, own = &server.Target, server.process
	}
	l, err := prepare(ctx, cfg, *target, run)
	if err != nil {
		return nil, err
	}
	return measure(ctx, cfg, *target, own, l)
}

// enoughFiles says before anything starts that this machine allows too few descriptors.
func enoughFiles(connections int) error {
	const besides = 200 // the store's, the log's, the cluster's
	limit, err := fileLimit()
	if err != nil {
		return fmt.Errorf("ask for the file limit: %w", err)
	}
	// The server keeps a tenth of its limit for what is not a stream.
	if need := uint64(connections)*10/9 + 2*besides; need > limit {
		return domain.FailField("check limits", "connections", fmt.Sprintf(
			"%d connections need %d open files for the server and as many for the harness; this machine allows %d a process: raise it (ulimit -Hn) or ask for fewer",
			connections, need, limit))
	}
	return nil
}

// prepare makes everything that can be made in the calm before the start, the signatures above all.
func prepare(ctx context.Context, cfg CrmConfig, target Target, run string) (*load, error) {
	pacer := Pacer{Rate: cfg.Rate, Ramp: cfg.Ramp}
	plan := loadConfig{
		sendPlan: sendPlan{
			pacer: pacer, total: pacer.Count(cfg.Warmup + cfg.Duration), warm: pacer.Count(cfg.Warmup),
			maxConns: cfg.Connections, patience: cfg.Patience,
		},
		drain: cfg.Drain, openTimeout: openTime,
	}
	to, host, err := target.address(ctx)
	if err != nil {
		return nil, err
	}
	cfg.Log.Info("signing webhooks", "count", min(plan.total, cfg.Presign))
	at := stamped(time.Now())
	w := newWebhook(run, host, "/leads/webhook/"+target.Source, target.Location, at, target.Key)
	if err := w.presign(ctx, min(plan.total, cfg.Presign)); err != nil {
		return nil, fmt.Errorf("sign webhooks: %w", err)
	}
	return newLoad(plan, to, w, host, feedPath, target.Tokens)
}

const (
	feedPath = "/api/buyer/events"
	openTime = time.Minute // for all streams: 10,000 take a few seconds
)

// measure runs the load, with a snapshot of the server on each side of the measured part and,
// on a server of our own, its profile.
func measure(ctx context.Context, cfg CrmConfig, target Target, own *process, l *load) (*Report, error) {
	report := newReport("crm", CrmFigures())
	tellCrm(report, cfg, target)
	cfg.Log.Info("opening streams, then warming up", "streams", len(target.Tokens), "warmup", cfg.Warmup)
	seen, err := newObserver(target, &l.acked).watch(ctx, l.measuring, func() error {
		cfg.Log.Info("measuring", "duration", cfg.Duration, "rate", cfg.Rate)
		return own.profile(ctx, cfg.Duration)
	}, func() error { return l.run(ctx) })
	tellLoad(report, l)
	tellServer(report, "lead", seen.before, seen.after)
	if seen.err != nil {
		report.note("no profile: %v", seen.err)
	}
	if err != nil && ctx.Err() != nil {
		report.Cut = true
		return report, nil
	}
	return report, err
}
