package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/bench"
	"github.com/leadwire/leadwire/persistence/postgres/pgserver"
)

const benchLong = `Measure the product from outside: real HTTP, real signatures, real event streams, and a server process
of the bench's own. One figure per line; docs/bench.md defines each. Exit code 1 when a requirement
does not hold.`

func newBench() *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure latency, load and memory, and prove that nothing is lost", Long: benchLong}
	cmd.AddCommand(newBenchCrm(), newBenchPixel(), newBenchIsolation(), newBenchBacklog(), newBenchRamp(), newBenchIdle(), newBenchFailover())
	return cmd
}

// benchOutput is what every scenario can be asked to do with its figures.
type benchOutput struct {
	require string
	json    bool
	repeat  int
}

func (o *benchOutput) bind(fs *pflag.FlagSet, example string) {
	fs.StringVar(&o.require, "require", "", "conditions on figures, as '"+example+"'; exit 1 when one does not hold")
	fs.IntVar(&o.repeat, "repeat", 1, "runs; with more than one, figures are medians, and the worst of what should not happen")
	fs.BoolVar(&o.json, "json", false, "print one JSON object, values in seconds, bytes and fractions")
}

// run runs a scenario with the store it asked for, as often as it was asked to, and shows what there is, also of
// a run that broke down at its very end. A requirement on a figure nobody measures is found before anything starts.
func (o *benchOutput) run(cmd *cobra.Command, figures []bench.Spec, server *bench.ServerConfig, once func() (*bench.Report, error)) error {
	reqs, err := bench.ParseRequire(o.require, figures)
	if err != nil {
		return &misuse{err}
	}
	return onStore(server, func() error {
		report, err := bench.Repeat(o.repeat, once)
		if report != nil {
			return errors.Join(o.show(cmd.OutOrStdout(), cmd.ErrOrStderr(), report, reqs), err)
		}
		if domain.CodeOf(err) == domain.Invalid && !errors.Is(err, context.Canceled) {
			return &misuse{err}
		}
		return err
	})
}

// show prints a report and judges it.
func (o *benchOutput) show(stdout, stderr io.Writer, r *bench.Report, reqs []bench.Requirement) error {
	write := r.WriteText
	if o.json {
		write = r.WriteJSON
	}
	if err := write(stdout); err != nil {
		return fmt.Errorf("print figures: %w", err)
	}
	misses := r.Check(reqs)
	for _, m := range misses {
		fmt.Fprintln(stderr, m)
	}
	switch {
	case len(misses) > 0:
		return fmt.Errorf("%d of %d requirements do not hold", len(misses), len(reqs))
	case r.Cut:
		return errors.New("the run was interrupted")
	}
	return nil
}

func newBenchCrm() *cobra.Command {
	var cfg bench.CrmConfig
	var out benchOutput
	var against bench.Against
	cmd := &cobra.Command{
		Use:   "crm",
		Short: "Signed webhooks at a constant rate, and a stream for every buyer",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cmd.ValidateFlagGroups(); err != nil { // here, because by itself it would be an error of the run
				return &misuse{err}
			}
			return noArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if against.URL != "" {
				target, err := against.Target()
				if err != nil {
					return &misuse{err}
				}
				cfg.Target = &target
			}
			cfg.Log = benchLog(cmd)
			return out.run(cmd, bench.CrmFigures(), &cfg.Server, func() (*bench.Report, error) { return bench.Crm(cmd.Context(), cfg) })
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.Float64Var(&cfg.Rate, "rate", 1000, "webhooks a second")
	fs.DurationVar(&cfg.Duration, "duration", time.Minute, "how long is measured")
	fs.DurationVar(&cfg.Warmup, "warmup", 2*time.Second, "before that: sent and proven, not timed; negative: none")
	fs.DurationVar(&cfg.Ramp, "ramp", 0, "part of the warm-up over which the rate rises from nothing")
	fs.IntVar(&cfg.Buyers, "buyers", 100, "buyers, each with one open stream")
	fs.IntVar(&cfg.Connections, "connections", 1024, "most connections for webhooks at once")
	fs.DurationVar(&cfg.Patience, "patience", 10*time.Second, "for one answer")
	fs.DurationVar(&cfg.Drain, "drain", 10*time.Second, "after the last answer, for the last lead to show")
	fs.Int64Var(&cfg.Presign, "presign", 1<<20, "most signatures made before the start, at 64 bytes each")
	bindServer(fs, &cfg.Server)
	fs.StringVar(&against.URL, "against", "", "measure the server that runs at this http:// URL")
	fs.StringVar(&against.KeyFile, "key", "", "with --against: the source's Ed25519 private key, as PKCS#8 PEM or base64 of its seed")
	fs.StringVar(&against.TokensFile, "tokens", "", "with --against: file of the buyers' tokens, one a line")
	fs.StringVar(&against.Source, "source", "ghl", "with --against: the source's id")
	fs.StringVar(&against.Location, "location", "", "with --against: the locationId whose campaign has these buyers")
	bindProfile(fs, &cfg.Server)
	out.bind(fs, "sse.p95<25ms,ack.p99<10ms,lost=0")
	cmd.MarkFlagsRequiredTogether("against", "key", "tokens", "location")
	cmd.MarkFlagsMutuallyExclusive("against", "store")
	cmd.MarkFlagsMutuallyExclusive("against", "profile")
	return cmd
}

func newBenchPixel() *cobra.Command {
	var cfg bench.PixelConfig
	var out benchOutput
	cmd := &cobra.Command{
		Use:   "pixel",
		Short: "Page views at a constant rate, matched against a graph; and everybody known is announced once",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Log = benchLog(cmd)
			return out.run(cmd, bench.PixelFigures(cfg.Swaps > 0, cfg.Endpoints > 0), &cfg.Server, func() (*bench.Report, error) { return bench.Pixel(cmd.Context(), cfg) })
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.Float64Var(&cfg.Rate, "rate", 10_000, "events a second")
	fs.IntVar(&cfg.Batch, "batch", 1, "events in one request; the script gathers what happens within a second")
	fs.IntVar(&cfg.Visitors, "visitors", 100_000, "browsers they come from")
	fs.Float64Var(&cfg.Known, "known", 0.3, "how many of them the graph knows, as a fraction")
	fs.IntVar(&cfg.People, "people", 1_000_000, "people in the graph that is built for the run")
	fs.DurationVar(&cfg.Duration, "duration", 30*time.Second, "how long is measured")
	fs.DurationVar(&cfg.Warmup, "warmup", 5*time.Second, "before that: sent and proven, not timed; negative: none")
	fs.IntVar(&cfg.Swaps, "swaps", 0, "times the graph is swapped while it is measured, as graph use does")
	fs.IntVar(&cfg.Endpoints, "endpoints", 0, "endpoints of customers, run here, that are sent whatever leaves")
	fs.IntVar(&cfg.Connections, "connections", 1024, "most connections at once")
	fs.DurationVar(&cfg.Patience, "patience", 10*time.Second, "for one answer")
	fs.DurationVar(&cfg.Drain, "drain", 30*time.Second, "after the last answer, for the last first match to be announced")
	bindServer(fs, &cfg.Server)
	bindProfile(fs, &cfg.Server)
	out.bind(fs, "ack.p99<50ms,first_matches.lost=0")
	return cmd
}

func newBenchIdle() *cobra.Command {
	var cfg bench.IdleConfig
	var out benchOutput
	cmd := &cobra.Command{
		Use:   "idle",
		Short: "Open streams on which nothing happens, and what each costs in memory",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Log = benchLog(cmd)
			return out.run(cmd, bench.IdleFigures(), &cfg.Server, func() (*bench.Report, error) { return bench.Idle(cmd.Context(), cfg) })
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.IntVar(&cfg.Connections, "connections", 10_000, "open streams")
	fs.IntVar(&cfg.Buyers, "buyers", 0, "buyers they are spread over; default: one each, so that a buyer's actor is in the price")
	fs.DurationVar(&cfg.Settle, "settle", 10*time.Second, "after the last is open, until memory is read again")
	bindServer(fs, &cfg.Server)
	out.bind(fs, "rss_per_connection<8KiB")
	return cmd
}

// benchLog tells on standard error what the bench is about, so that standard output is figures alone.
func benchLog(cmd *cobra.Command) *slog.Logger {
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
}

func bindServer(fs *pflag.FlagSet, s *bench.ServerConfig) {
	fs.StringVar(&s.Store, "store", "embedded", "embedded, postgres (a private one is started), or the postgres:// URL of an empty database")
	fs.StringArrayVar(&s.Args, "serve-arg", nil, "further argument of the server that is started; may be repeated")
}

func bindProfile(fs *pflag.FlagSet, s *bench.ServerConfig) {
	fs.StringVar(&s.Profile, "profile", "", "write the server's CPU profile over the measured time to this file")
}

// onStore runs a scenario with the store it asked for.
func onStore(s *bench.ServerConfig, run func() error) error {
	switch {
	case s.Store == "embedded":
		s.Store = ""
		return run()
	case s.Store == "postgres":
		return onPostgres(s, run)
	case !strings.HasPrefix(s.Store, "postgres://") && !strings.HasPrefix(s.Store, "postgresql://"):
		return &misuse{domain.FailField("configure bench", "store", "must be embedded, postgres, or a postgres:// URL")}
	}
	return run()
}

// onPostgres lends the scenario a PostgreSQL of its own, with the settings it comes with.
func onPostgres(s *bench.ServerConfig, run func() error) (err error) {
	dir, err := os.MkdirTemp("", "leadwire-bench-postgres-")
	if err != nil {
		return fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := pgserver.Start(dir)
	if err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	defer func() { err = errors.Join(err, server.Stop(pgserver.Fast)) }()
	s.Store = server.URL()
	return run()
}
