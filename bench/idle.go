package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// IdleConfig is a run of scenario idle: dashboards that are open and see nothing happen. Zero fields
// take their default.
type IdleConfig struct {
	Connections int           // default 10000
	Buyers      int           // default as many as connections: each costs its buyer's actor too
	Settle      time.Duration // after the last stream is open, until memory is read again; default 10s
	OpenTimeout time.Duration // for all streams; default 1m
	Server      ServerConfig
	Target      *Target      // a server that runs already, with its PID; nil: start one
	Log         *slog.Logger // one line per phase; nil: none
}

func (c IdleConfig) withDefaults() IdleConfig {
	setDefault(&c.Connections, 10_000)
	setDefault(&c.Buyers, c.Connections)
	setDefault(&c.Settle, 10*time.Second)
	setDefault(&c.OpenTimeout, time.Minute)
	setDefault(&c.Log, slog.New(slog.DiscardHandler))
	return c
}

func (c IdleConfig) validate() error {
	for _, f := range []struct {
		name string
		bad  bool
		rule string
	}{
		{"connections", c.Connections < 1 || c.Connections > 1_000_000, "must be 1 to 1000000"},
		{"buyers", c.Buyers < 1 || c.Buyers > min(maxBuyers, c.Connections), fmt.Sprintf("must be 1 to %d, and not more than connections", maxBuyers)},
		{"settle", c.Settle < time.Second, "must be 1s or more: memory is read several times within it"},
		{"target", c.Target != nil && c.Target.PID == 0, "must be on this machine: its memory is what is measured"},
	} {
		if f.bad {
			return domain.FailField("configure bench idle", f.name, f.rule)
		}
	}
	return nil
}

// IdleFigures are the figures of scenario idle, in the order they are printed.
func IdleFigures() []Spec {
	return []Spec{
		{Name: "connections", Unit: Number, Help: "streams open at the end"},
		{Name: "open.seconds", Unit: Seconds, Help: "from the first connect until every stream was told where its feed stands"},
		{Name: "open.rate", Unit: PerSecond, Help: "streams opened a second, on average"},
		{Name: "open.cpu_per_connection", Unit: Seconds, Help: "processor time of the server to open one stream"},
		{Name: "rss_before", Unit: Bytes, Help: "memory of the server, with its buyers configured and no stream open"},
		{Name: "rss_opened", Unit: Bytes, Help: "likewise, with the last stream just open"},
		{Name: "rss_settled", Unit: Bytes, Help: "likewise, after --settle; the median of the samples of its second half"},
		{Name: "rss_per_connection", Unit: Bytes, Help: "(rss_settled - rss_before) / connections, the buyer's actor included when each has its own"},
		{Name: "rss_per_connection_opened", Unit: Bytes, Help: "(rss_opened - rss_before) / connections"},
		{Name: "idle.cpu", Unit: Fraction, Help: "of one core, used by the server while nothing happened but heartbeats"},
		{Name: "server.fds", Unit: Number, Help: "descriptors the server has open"},
		{Name: "reconnects", Unit: Number, Help: "times a stream was cut and came back", Fault: true},
	}
}

// Idle runs the scenario. The report and the error are as Crm's.
func Idle(ctx context.Context, cfg IdleConfig) (report *Report, err error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := enoughFiles(cfg.Connections); err != nil {
		return nil, err
	}
	target := cfg.Target
	if target == nil {
		cfg.Log.Info("starting a server", "buyers", cfg.Buyers)
		server, err := startServer(ctx, cfg.Server, newRun(), cfg.Buyers)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, server.stop(ctx)) }()
		target = &server.Target
	}
	to, host, err := target.address(ctx)
	if err != nil {
		return nil, err
	}
	report = newReport("idle", IdleFigures())
	report.tell("connections", "%d", cfg.Connections)
	report.tell("buyers", "%d", len(target.Tokens))
	report.tell("settle", "%s", cfg.Settle)
	report.note("memory is the server's resident set as the kernel counts it; its garbage collector is not asked to run")
	err = holdIdle(ctx, cfg, *target, report, to, host)
	if err != nil && ctx.Err() != nil {
		report.Cut = true
		return report, nil
	}
	return report, err
}

// holdIdle opens the streams and looks at the server before, just after, and when things have settled.
func holdIdle(ctx context.Context, cfg IdleConfig, target Target, report *Report, to netip.AddrPort, host string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	debug.FreeOSMemory() // of the harness: it shares the machine
	r, err := newReactor(to)
	if err != nil {
		return err
	}
	defer r.close()
	tokens := make([]string, cfg.Connections)
	for i := range tokens {
		tokens[i] = target.Tokens[i%len(target.Tokens)]
	}
	s := newStreams(r, host, feedPath, tokens, func(int, time.Time, message) {})
	quiet, err := settled(ctx, s, target.PID, 2*time.Second)
	if err != nil {
		return err
	}
	report.set("rss_before", quiet.rss)
	cfg.Log.Info("opening streams", "count", cfg.Connections)
	from := time.Now()
	if err := s.open(ctx, from.Add(cfg.OpenTimeout)); err != nil {
		return err
	}
	took := time.Since(from)
	opened, err := readUsage(target.PID)
	if err != nil {
		return err
	}
	n := float64(cfg.Connections)
	report.setDuration("open.seconds", took)
	report.set("open.rate", n/took.Seconds())
	report.set("open.cpu_per_connection", (opened.CPU-quiet.last.CPU).Seconds()/n)
	report.set("rss_opened", float64(opened.RSS))
	report.set("rss_per_connection_opened", max(0, float64(opened.RSS)-quiet.rss)/n)
	cfg.Log.Info("letting things settle", "for", cfg.Settle)
	calm, err := settled(ctx, s, target.PID, cfg.Settle)
	if err != nil {
		return err
	}
	report.set("connections", n-float64(len(s.away)))
	report.set("rss_settled", calm.rss)
	report.set("rss_per_connection", max(0, calm.rss-quiet.rss)/n)
	report.set("idle.cpu", (calm.last.CPU-opened.CPU).Seconds()/calm.took.Seconds())
	report.set("reconnects", float64(s.reconnects))
	files, err := countFiles(target.PID)
	report.set("server.fds", float64(files))
	return err
}

// calm is what settled found.
type calm struct {
	rss  float64 // bytes
	last usage
	took time.Duration
}

// settled lets the streams run for a while and reads the server's memory ten times a second. Its rss is
// the median of the second half: one sample can fall into a collection.
func settled(ctx context.Context, s *streams, pid int, d time.Duration) (calm, error) {
	const every = 100 * time.Millisecond
	start := time.Now()
	var samples []int64
	var last usage
	for next := start; ; {
		now := time.Now()
		if now.Sub(start) >= d {
			break
		}
		if !now.Before(next) {
			next = next.Add(every)
			u, err := readUsage(pid)
			if err != nil {
				return calm{}, fmt.Errorf("look at the server: %w", err)
			}
			last = u
			if now.Sub(start) >= d/2 {
				samples = append(samples, u.RSS)
			}
		}
		if err := s.reactor.turn(housekeeping); err != nil {
			return calm{}, err
		}
		s.comeBack(now)
		if err := ctx.Err(); err != nil {
			return calm{}, err
		}
	}
	if len(samples) == 0 {
		return calm{}, domain.Fail("look at the server", domain.Internal, os.ErrDeadlineExceeded)
	}
	slices.Sort(samples)
	return calm{rss: float64(samples[len(samples)/2]), last: last, took: time.Since(start)}, nil
}
