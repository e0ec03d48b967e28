package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// FailoverConfig is a run of scenario failover: several nodes on one Postgres that are restarted, killed and joined under
// load, and what being a cluster costs one node. Zero fields take their default.
type FailoverConfig struct {
	Nodes  int           // default 3
	Parts  []string      // of FailoverParts, run in their order; default all
	Rate   float64       // webhooks a second, each of another lead; default 500
	Buyers int           // each with one open stream; default 30
	Warmup time.Duration // sent and proven, not timed; default 5s
	Calm   time.Duration // measured before the rolling restart; default 20s
	Kills  int           // default 20
	Seed   uint64        // decides whom they hit, and when; default 1
	Joins  int           // default 3

	Rounds int           // of each mode, when the cost is measured; default 5
	Round  time.Duration // default 8s

	Connections int           // most at once to each node; default 1024: two seconds of a share that nobody owns
	Patience    time.Duration // for one answer; default 10s: twice the server's own --ingest-timeout
	Drain       time.Duration // after the last answer, for the last lead to show; default 30s

	Server ServerConfig // Store must be a postgres:// URL
	// Open says where actors live, given the store. The product's own surface tells only how many partitions each node has.
	Open func(ctx context.Context, store string) (Placement, error)
	Log  *slog.Logger // one line per phase; nil: none
}

// Placement is what only the store and the cluster's own arithmetic say exactly.
type Placement interface {
	// Owners says of each partition which node claimed it last; "" when it is nobody's.
	Owners(ctx context.Context) (Owners, error)
	Lead(key domain.LeadKey) domain.Partition
	Buyer(key domain.BuyerKey) domain.Partition
	Close() error
}

// Owners says of each partition which node has it.
type Owners [domain.Partitions]domain.NodeID

// The parts of scenario failover.
const (
	partRolling = "rolling"
	partKills   = "kills"
	partJoin    = "join"
	partCost    = "cost"
)

// FailoverParts are the parts of scenario failover, in the order they are run.
func FailoverParts() []string { return []string{partRolling, partKills, partJoin, partCost} }

func (c FailoverConfig) withDefaults() FailoverConfig {
	setDefault(&c.Nodes, 3)
	if len(c.Parts) == 0 {
		c.Parts = FailoverParts()
	}
	setDefault(&c.Rate, 500)
	setDefault(&c.Buyers, 30)
	setDefault(&c.Warmup, 5*time.Second)
	c.Warmup = max(c.Warmup, 0)
	setDefault(&c.Calm, 20*time.Second)
	setDefault(&c.Kills, 20)
	setDefault(&c.Seed, 1)
	setDefault(&c.Joins, 3)
	setDefault(&c.Rounds, 5)
	setDefault(&c.Round, 8*time.Second)
	setDefault(&c.Connections, 1024)
	setDefault(&c.Patience, 10*time.Second)
	setDefault(&c.Drain, 30*time.Second)
	setDefault(&c.Log, slog.New(slog.DiscardHandler))
	return c
}

// Check says what is wrong with a configuration before anything is started for it.
func (c FailoverConfig) Check() error { return c.withDefaults().validate() }

func (c FailoverConfig) validate() error {
	unknown := slices.ContainsFunc(c.Parts, func(p string) bool { return !slices.Contains(FailoverParts(), p) })
	for _, f := range []struct {
		name string
		bad  bool
		rule string
	}{
		{"parts", unknown, "must be among " + strings.Join(FailoverParts(), ", ")},
		{"nodes", c.Nodes < 2 || c.Nodes > maxNodes, fmt.Sprintf("must be 2 to %d: somebody has to take over", maxNodes)},
		{"rate", !(c.Rate > 0) || c.Rate > maxFleetRate, fmt.Sprintf("must be above 0 and at most %d", int(maxFleetRate))},
		{"buyers", c.Buyers < 1 || c.Buyers > maxBuyers, fmt.Sprintf("must be 1 to %d", maxBuyers)},
		{"calm", c.Calm < time.Second, "must be 1s or more"},
		{"kills", c.Kills < 1 || c.Kills > maxKills, fmt.Sprintf("must be 1 to %d", maxKills)},
		{"joins", c.Joins < 1 || c.Joins > maxKills, fmt.Sprintf("must be 1 to %d", maxKills)},
		{"rounds", c.Rounds < 1, "must be 1 or more"},
		{"round", c.Round < time.Second || c.Round > time.Minute, "must be 1s to 1m"},
		{"connections", c.Connections < 1, "must be 1 or more"},
		{"patience", c.Patience <= 0, "must be above 0"},
		{"store", !strings.HasPrefix(c.Server.Store, "postgres"), "must be postgres, or a postgres:// URL: nodes share a database"},
	} {
		if f.bad {
			return domain.FailField("configure bench failover", f.name, f.rule)
		}
	}
	return nil
}

const (
	maxNodes     = 16  // processes on one machine: with more it is the machine that is measured
	maxFleetRate = 1e5 // a run of many minutes remembers two bytes a webhook
	maxKills     = 1000
)

func (c FailoverConfig) has(part string) bool { return slices.Contains(c.Parts, part) }

// failoverRun is what its parts share.
type failoverRun struct {
	cfg    FailoverConfig
	report *Report
	fleet  *fleet
	place  Placement
	load   *fleetLoad

	calm, rolled *phase // of the rolling restart; nil: it was not whole
}

// Failover runs the scenario. The report and the error are as Crm's.
func Failover(ctx context.Context, cfg FailoverConfig) (report *Report, err error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := enoughFiles(cfg.Buyers + cfg.Nodes*cfg.Connections); err != nil {
		return nil, err
	}
	r := &failoverRun{cfg: cfg, report: newReport("failover", FailoverFigures(cfg.Parts))}
	r.tell()
	if cfg.has(partRolling) || cfg.has(partKills) || cfg.has(partJoin) {
		err = r.onFleet(ctx)
	}
	if err == nil && cfg.has(partCost) {
		err = r.cost(ctx)
	}
	return cut(ctx, r.report, err)
}

// onFleet runs the parts that need several nodes.
func (r *failoverRun) onFleet(ctx context.Context) (err error) {
	run := newRun()
	r.cfg.Log.Info("starting nodes", "nodes", r.cfg.Nodes, "buyers", r.cfg.Buyers)
	if r.fleet, err = startFleet(ctx, r.cfg.Server, run, r.cfg.Nodes, r.cfg.Buyers); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.fleet.stop(ctx)) }()
	if r.place, err = r.cfg.Open(ctx, r.cfg.Server.Store); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.place.Close()) }()
	if r.cfg.has(partRolling) || r.cfg.has(partKills) {
		if err := r.underLoad(ctx, run); err != nil {
			return err
		}
	}
	if r.cfg.has(partJoin) {
		return r.joins(ctx)
	}
	return nil
}

// underLoad runs what happens to the nodes beside the load, and proves that nothing was lost.
func (r *failoverRun) underLoad(ctx context.Context, run string) error {
	plan := fleetPlan{rate: r.cfg.Rate, connections: r.cfg.Connections, patience: r.cfg.Patience, drain: r.cfg.Drain, account: r.fleet.account}
	var err error
	if r.load, err = newFleetLoad(plan, r.fleet, run, r.place); err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer close(r.load.over)
		defer stop() // who waits for something else waits in vain
		r.load.err = r.load.run(running)
	}()
	err = r.beside(running)
	if err != nil {
		stop()
	} else {
		r.load.ask(func() { r.load.ending = true })
	}
	<-r.load.over
	r.tellLoad()
	switch {
	case err != nil && r.load.err != nil && !errors.Is(r.load.err, context.Canceled):
		return r.load.err // that is why the rest was given up
	case err != nil || r.load.err != nil:
		return errors.Join(err, r.load.err)
	}
	return r.prove(ctx)
}

func (r *failoverRun) beside(ctx context.Context) error {
	r.cfg.Log.Info("opening streams, then warming up", "rate", r.cfg.Rate, "warmup", r.cfg.Warmup)
	if err := r.untilSettled(ctx); err != nil {
		return err
	}
	if err := until(ctx, time.Now().Add(r.cfg.Warmup)); err != nil {
		return err
	}
	if r.cfg.has(partRolling) {
		if err := r.rolling(ctx); err != nil {
			return err
		}
	}
	if r.cfg.has(partKills) {
		return r.kills(ctx)
	}
	return nil
}

// untilSettled waits until the cluster is whole and every stream is open.
func (r *failoverRun) untilSettled(ctx context.Context) error {
	if err := r.fleet.whole(ctx); err != nil {
		return err
	}
	for deadline := time.Now().Add(wholeWithin); ; {
		var open bool
		var last error
		r.load.ask(func() { open, last = r.load.streams.whole(), r.load.streams.lastError })
		if open {
			return nil
		}
		if time.Now().After(deadline) {
			return domain.Fail("wait for the streams", domain.Unavailable, fmt.Errorf("some are not open after %s (last reason: %w)", wholeWithin, last))
		}
		if err := until(ctx, time.Now().Add(wholeLook)); err != nil {
			return err
		}
	}
}
