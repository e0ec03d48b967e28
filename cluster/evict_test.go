package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
)

// A node that the others took for dead while it was cut off from them comes back under a new generation of its id. What it
// held it has kept: its lease was not over, so nobody could claim it.
func TestNode_ComesBackAfterAnEviction(t *testing.T) {
	c := clustertest.New(t, 2, cluster.Config{}, cluster.Deps{})
	a, b := c.Join(t), c.Join(t)
	whole := func() bool {
		return len(a.Members()) == 2 && len(b.Members()) == 2 && len(a.Held())+len(b.Held()) == domain.Partitions
	}
	require.Eventually(t, whole, clustertest.Timeout, 5*time.Millisecond)
	before := map[domain.Partition]int64{}
	for _, f := range b.Held() {
		before[f.Partition] = f.Epoch
	}
	cluster.DeclareDead(a, b)
	require.Eventually(t, func() bool { return cluster.Generation(b) == 1 }, clustertest.Timeout, 5*time.Millisecond)
	require.Eventually(t, func() bool { return whole() && len(b.Held()) == len(before) }, clustertest.Timeout, 5*time.Millisecond)
	for _, f := range b.Held() {
		require.Equal(t, before[f.Partition], f.Epoch)
	}
}
