package clustertest_test

import (
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
	"github.com/leadwire/leadwire/cluster/clustertest/testpb"
)

// BenchmarkAskAcross is a question to an actor on another node and its answer, over loopback, with both
// nodes in this process: so the processor time and the bytes are both nodes' together.
func BenchmarkAskAcross(b *testing.B) {
	for _, parallel := range []int{1, 64} {
		b.Run("callers="+strconv.Itoa(parallel), func(b *testing.B) {
			n := pair(b)
			var worker atomic.Int64
			ask := func(m *testpb.Ping) {
				if _, err := n.Ask(b.Context(), m); err != nil {
					b.Error(err)
				}
			}
			ask(clustertest.Ping(far(n, 0), "")) // connects
			b.ReportAllocs()
			cpu, written := spent(b)
			if parallel == 1 {
				m := clustertest.Ping(far(n, 0), "")
				for b.Loop() {
					ask(m)
				}
			} else {
				b.SetParallelism(parallel)
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					m := clustertest.Ping(far(n, int(worker.Add(1))), "")
					for pb.Next() {
						ask(m)
					}
				})
			}
			cpuNow, writtenNow := spent(b)
			b.ReportMetric(float64((cpuNow-cpu).Nanoseconds())/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(writtenNow-written)/float64(b.N), "wire-B/op")
		})
	}
}

// pair is a node of two.
func pair(b *testing.B) *cluster.Node {
	b.Helper()
	c := clustertest.New(b, 2, cluster.Config{}, cluster.Deps{Kinds: []cluster.Kind{clustertest.NewArena().Kind("probe")}})
	n, other := c.Join(b), c.Join(b)
	require.Eventually(b, func() bool { return len(n.Held())+len(other.Held()) == domain.Partitions && len(other.Held()) > 0 }, clustertest.Timeout, time.Millisecond)
	return n
}

// BenchmarkPeer is what it costs a node to be connected to another one: every node of a dozen asks every
// other one something, and what the process has more then is divided by the ordered pairs. So a figure has
// one node's sending end and the other's receiving end: what one node has for one peer.
func BenchmarkPeer(b *testing.B) {
	const nodes = 12
	for b.Loop() {
		c := clustertest.New(b, nodes, cluster.Config{}, cluster.Deps{Kinds: []cluster.Kind{clustertest.NewArena().Kind("probe")}})
		var all []*cluster.Node
		for range nodes {
			all = append(all, c.Join(b))
		}
		require.Eventually(b, func() bool {
			return !slices.ContainsFunc(all, func(n *cluster.Node) bool { return len(n.Members()) != nodes })
		}, clustertest.Timeout, 10*time.Millisecond)
		heap, stacks := inUse()
		fds, routines := descriptors(b), runtime.NumGoroutine()
		for _, n := range all {
			for _, address := range n.Members() {
				if address != n.Address() {
					clustertest.Ask(b, n, at(n, address), "")
				}
			}
		}
		const pairs = nodes * (nodes - 1)
		heapNow, stacksNow := inUse()
		b.ReportMetric(float64(heapNow-heap)/pairs, "heap-B/peer")
		b.ReportMetric(float64(stacksNow-stacks)/pairs, "stack-B/peer")
		b.ReportMetric(float64(descriptors(b)-fds)/pairs, "fds/peer")
		b.ReportMetric(float64(runtime.NumGoroutine()-routines)/pairs, "goroutines/peer")
		for _, n := range all {
			n.Kill()
		}
	}
}

// at is an identity that lives there.
func at(n *cluster.Node, address string) string {
	for i := 0; ; i++ {
		id := strconv.Itoa(i)
		if owner, _ := n.Owner("probe", id); owner == address {
			return id
		}
	}
}

func inUse() (heap, stacks int64) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), int64(m.StackInuse)
}
