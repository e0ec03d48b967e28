package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/bench"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/persistence"
)

func newBenchFailover() *cobra.Command {
	cfg := bench.FailoverConfig{Open: openPlacement}
	var out benchOutput
	cmd := &cobra.Command{
		Use:   "failover",
		Short: "Several nodes that are restarted, killed and joined under load, and what being a cluster costs one",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cfg.Check(); err != nil {
				return &misuse{err}
			}
			cfg.Log = benchLog(cmd)
			return out.run(cmd, bench.FailoverFigures(cfg.Parts), &cfg.Server, func() (*bench.Report, error) { return bench.Failover(cmd.Context(), cfg) })
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.IntVar(&cfg.Nodes, "nodes", 3, "processes of serve, on one PostgreSQL")
	fs.StringSliceVar(&cfg.Parts, "parts", bench.FailoverParts(), "what is done to them, in this order")
	fs.Float64Var(&cfg.Rate, "rate", 500, "webhooks a second, each of another lead; one that fails goes to the next node")
	fs.IntVar(&cfg.Buyers, "buyers", 30, "buyers, each with one open stream")
	fs.DurationVar(&cfg.Warmup, "warmup", 5*time.Second, "before all: sent and proven, not timed; negative: none")
	fs.DurationVar(&cfg.Calm, "calm", 20*time.Second, "rolling: how long is measured before it")
	fs.IntVar(&cfg.Kills, "kills", 20, "kills: nodes that are killed, one after the other, and started again")
	fs.Uint64Var(&cfg.Seed, "seed", 1, "kills: decides whom they hit, and when")
	fs.IntVar(&cfg.Joins, "joins", 3, "join: times that one more node joins, and leaves again")
	fs.IntVar(&cfg.Rounds, "rounds", 5, "cost: rounds of one node by itself, and as many of one clustered with itself")
	fs.DurationVar(&cfg.Round, "round", 8*time.Second, "cost: how long a round is measured")
	fs.IntVar(&cfg.Connections, "connections", 1024, "most connections for webhooks to each node at once")
	fs.DurationVar(&cfg.Patience, "patience", 10*time.Second, "for one answer")
	fs.DurationVar(&cfg.Drain, "drain", 30*time.Second, "after the last answer, for the last lead to show")
	bindServer(fs, &cfg.Server)
	store := fs.Lookup("store")
	store.DefValue, store.Usage = "postgres", "postgres (a private one is started), or the postgres:// URL of an empty database"
	cfg.Server.Store = store.DefValue
	out.bind(fs, "recovery.p50<3s,recovery.max<6s,lost=0,rolling.failed=0,rolling.p95_ratio<=5,join.moved_ratio<=1.2,cluster.cost<=15%")
	return cmd
}

// placement says where actors live, by the store's ledger and the cluster's arithmetic.
type placement struct{ store domain.Store }

func openPlacement(ctx context.Context, url string) (bench.Placement, error) {
	store, err := persistence.Open(ctx, url, persistence.Options{Readers: 1})
	if err != nil {
		return nil, err
	}
	return placement{store}, nil
}

// Owners says which node holds each partition, by the ledger.
func (p placement) Owners(ctx context.Context) (all bench.Owners, err error) {
	holdings, err := p.store.Holdings(ctx)
	for _, h := range holdings {
		all[h.Fence.Partition] = h.Node
	}
	return all, err
}

// Lead is the partition of a lead's actor.
func (placement) Lead(key domain.LeadKey) domain.Partition {
	return cluster.PartitionOf(wire.KindLead, key.String())
}

// Buyer is the partition of a buyer's actor.
func (placement) Buyer(key domain.BuyerKey) domain.Partition {
	return cluster.PartitionOf(wire.KindBuyer, key.String())
}

// Close closes the store.
func (p placement) Close() error { return p.store.Close() }
