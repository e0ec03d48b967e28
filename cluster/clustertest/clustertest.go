// Package clustertest runs clusters inside one process: real nodes that talk over loopback, with a
// ledger in memory that fences as a store does. It knows testing and package cluster, and no store.
package clustertest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cluster"
)

// Timeout bounds every wait of a test. It is far above what anything takes, also on a machine that is
// busy with other tests and under the race detector.
const Timeout = 30 * time.Second

// probeEvery is twice what nodes do by default: beside other tests and under the race detector a node that is at work may not
// answer for a second, and a story is not about that.
const probeEvery = time.Second

// Start starts one node and ends it with the test.
func Start(t testing.TB, cfg cluster.Config, deps cluster.Deps) *cluster.Node {
	t.Helper()
	n := listen(t, cfg, deps)
	join(t, n)
	return n
}

func listen(t testing.TB, cfg cluster.Config, deps cluster.Deps) *cluster.Node {
	t.Helper()
	if deps.Ledger == nil {
		deps.Ledger = NewLedger()
	}
	if cfg.Probe == 0 {
		cfg.Probe = probeEvery
	}
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	n, err := cluster.Listen(ctx, cfg, deps)
	require.NoError(t, err)
	t.Cleanup(n.Kill)
	return n
}

func join(t testing.TB, n *cluster.Node, seeds ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	require.NoError(t, n.Join(ctx, seeds...))
}

// Stop stops a node and expects it to end in order.
func Stop(t testing.TB, n *cluster.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	require.NoError(t, n.Stop(ctx))
}

// Cluster is nodes that share a ledger and know each other.
type Cluster struct {
	Ledger  *Ledger
	waiting []*cluster.Node // they listen, and have not joined
	seeds   []string
}

// New returns a cluster of nodes that wait to join. They get cfg and deps, and one ledger.
func New(t testing.TB, nodes int, cfg cluster.Config, deps cluster.Deps) *Cluster {
	t.Helper()
	c := &Cluster{Ledger: NewLedger()}
	deps.Ledger = c.Ledger
	for range nodes {
		c.waiting = append(c.waiting, listen(t, cfg, deps))
	}
	return c
}

// Join brings in the next node, with all earlier ones as seeds.
func (c *Cluster) Join(t testing.TB) *cluster.Node {
	t.Helper()
	n := c.waiting[0]
	c.waiting = c.waiting[1:]
	join(t, n, c.seeds...)
	c.seeds = append(c.seeds[:len(c.seeds):len(c.seeds)], n.GossipAddress())
	return n
}
