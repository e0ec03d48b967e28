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

// Start starts one node and stops it at the end of the test. It takes the gossip's timings down to
// what loopback allows, so that a death is noticed within a second.
func Start(t testing.TB, cfg cluster.Config, deps cluster.Deps) *cluster.Node {
	t.Helper()
	if cfg.Probe == 0 {
		cfg.Probe = 200 * time.Millisecond
	}
	if deps.Ledger == nil {
		deps.Ledger = NewLedger()
	}
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	n, err := cluster.Start(ctx, cfg, deps)
	require.NoError(t, err)
	t.Cleanup(n.Kill)
	return n
}

// Stop stops a node and expects it to end in order.
func Stop(t testing.TB, n *cluster.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	require.NoError(t, n.Stop(ctx))
}
