package clustertest_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
)

// BenchmarkAskAcross is a question to an actor on another node and its answer, over loopback, with both
// nodes in this process.
func BenchmarkAskAcross(b *testing.B) {
	c := clustertest.New(b, 2, cluster.Config{}, cluster.Deps{Kinds: []cluster.Kind{clustertest.NewArena().Kind("probe")}})
	n, other := c.Join(b), c.Join(b)
	require.Eventually(b, func() bool { return len(n.Held())+len(other.Held()) == domain.Partitions && len(other.Held()) > 0 }, clustertest.Timeout, time.Millisecond)
	var worker atomic.Int64
	b.SetParallelism(64)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		m := clustertest.Ping(far(n, int(worker.Add(1))), "")
		for pb.Next() {
			if _, err := n.Ask(b.Context(), m); err != nil {
				b.Error(err)
			}
		}
	})
}
