package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/bench"
)

func newBenchIsolation() *cobra.Command {
	var cfg bench.IsolationConfig
	var out benchOutput
	cmd := &cobra.Command{
		Use:   "isolation",
		Short: "Endpoints that are dead, slow or flapping, and what they cost those that are well",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Log = benchLog(cmd)
			return out.run(cmd, bench.IsolationFigures(), &cfg.Server, func() (*bench.Report, error) { return bench.Isolation(cmd.Context(), cfg) })
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.Float64Var(&cfg.Rate, "rate", 500, "page views a second, each of another visitor whom the graph knows")
	fs.IntVar(&cfg.Endpoints, "endpoints", 30, "endpoints of customers, run here, each of which is owed the events of one pixel")
	fs.Float64Var(&cfg.Sick, "sick", 0.3, "how many of them break, as a fraction: a third each dead, slow and flapping")
	fs.DurationVar(&cfg.Calm, "calm", 30*time.Second, "how long is measured with all of them well")
	fs.DurationVar(&cfg.Trouble, "trouble", time.Minute, "how long is measured after that, with some of them broken")
	fs.DurationVar(&cfg.Warmup, "warmup", 5*time.Second, "before both: sent and proven, not timed; negative: none")
	fs.IntVar(&cfg.Connections, "connections", 1024, "most connections for page views at once")
	fs.DurationVar(&cfg.Patience, "patience", 10*time.Second, "for one answer")
	fs.DurationVar(&cfg.Drain, "drain", 30*time.Second, "after the last answer, for the last delivery to a healthy endpoint")
	bindServer(fs, &cfg.Server)
	bindProfile(fs, &cfg.Server)
	out.bind(fs, "healthy_p95_ratio<=1.2,healthy.lost=0")
	return cmd
}

func newBenchBacklog() *cobra.Command {
	var cfg bench.BacklogConfig
	var out benchOutput
	cmd := &cobra.Command{
		Use:   "backlog",
		Short: "An endpoint that returns to a long queue, and what draining it costs the others",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Log = benchLog(cmd)
			return out.run(cmd, bench.BacklogFigures(), &cfg.Server, func() (*bench.Report, error) { return bench.Backlog(cmd.Context(), cfg) })
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.IntVar(&cfg.Pending, "pending", 100_000, "events that are owed to the endpoint when it returns")
	fs.Float64Var(&cfg.Drain, "drain-rate", 1000, "what it may be sent a second: its rate")
	fs.Float64Var(&cfg.Fill, "fill", 500, "page views a second that become its backlog: fewer than the server can do, or what is measured after it is its end")
	fs.Float64Var(&cfg.Rate, "rate", 200, "page views a second for the others, throughout")
	fs.IntVar(&cfg.Endpoints, "endpoints", 9, "other endpoints, run here, each of which is owed the events of one pixel")
	fs.DurationVar(&cfg.Calm, "calm", 20*time.Second, "how long is measured before there is a backlog, and again while it waits")
	fs.DurationVar(&cfg.Warmup, "warmup", 5*time.Second, "before all: sent and proven, not timed; negative: none")
	fs.IntVar(&cfg.Connections, "connections", 1024, "most connections for page views at once")
	fs.DurationVar(&cfg.Patience, "patience", 10*time.Second, "for one answer")
	fs.DurationVar(&cfg.Last, "drain", 30*time.Second, "after the last answer, for the last delivery")
	bindServer(fs, &cfg.Server)
	bindProfile(fs, &cfg.Server)
	out.bind(fs, "drain.rate_share>=90%,drain.lost=0,others_p95_ratio<=1.2")
	return cmd
}

func newBenchRamp() *cobra.Command {
	var cfg bench.RampConfig
	var out benchOutput
	cmd := &cobra.Command{
		Use:   "ramp",
		Short: "A rate that rises in steps to more than the server can do, and falls back",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Log = benchLog(cmd)
			return out.run(cmd, bench.RampFigures(len(cfg.Rates)), &cfg.Server, func() (*bench.Report, error) { return bench.Ramp(cmd.Context(), cfg) })
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.Float64SliceVar(&cfg.Rates, "rates", []float64{500, 1000, 2000, 4000, 8000}, "page views a second of each step, rising; each is of another visitor")
	fs.DurationVar(&cfg.Step, "step", 10*time.Second, "how long a step is")
	fs.DurationVar(&cfg.Back, "back", 30*time.Second, "how long the first rate comes again, after the last step")
	fs.DurationVar(&cfg.Warmup, "warmup", 5*time.Second, "before all, at the first rate: sent and proven, not timed; negative: none")
	fs.Float64Var(&cfg.Known, "known", 0.3, "how many of the visitors the graph knows, as a fraction")
	fs.IntVar(&cfg.Endpoints, "endpoints", 4, "endpoints of customers, run here, each of which is owed the events of one pixel")
	fs.IntVar(&cfg.Connections, "connections", 10_000, "most connections for page views at once: more than the node lets wait, so that it is the node that refuses")
	fs.DurationVar(&cfg.Patience, "patience", 10*time.Second, "for one answer")
	fs.DurationVar(&cfg.Drain, "drain", time.Minute, "after the last answer, for the last delivery")
	bindServer(fs, &cfg.Server)
	bindProfile(fs, &cfg.Server)
	out.bind(fs, "collapse>=0.8,failed=0,recovered.seconds<=10s")
	return cmd
}
