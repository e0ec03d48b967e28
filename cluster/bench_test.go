package cluster_test

import (
	"fmt"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
)

// note stays on its node, so it is a plain struct.
type note struct{ id string }

func (n *note) Address() (kind, id string) { return "echo", n.id }

type echo struct{}

func (echo) Busy() bool { return false }

func (echo) Receive(ctx actor.Context) {
	if m, ok := ctx.Message().(*note); ok && ctx.Sender() != nil {
		ctx.Respond(m)
	}
}

func benchNode(b *testing.B) *cluster.Node {
	k := cluster.Kind{Name: "echo", New: func(cluster.Identity) cluster.Actor { return echo{} }, Mailbox: 1 << 20}
	return clustertest.Start(b, cluster.Config{}, cluster.Deps{Kinds: []cluster.Kind{k}})
}

// BenchmarkAsk is a question to an activation on this node and its answer.
func BenchmarkAsk(b *testing.B) {
	for _, parallel := range []int{1, 64} {
		b.Run("callers="+strconv.Itoa(parallel), func(b *testing.B) {
			n := benchNode(b)
			b.ReportAllocs()
			b.SetParallelism(parallel)
			var caller atomic.Int64
			ask := func(m *note) {
				if _, err := n.Ask(b.Context(), m); err != nil {
					b.Error(err)
				}
			}
			if parallel == 1 {
				m := &note{"a"}
				for b.Loop() {
					ask(m)
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				m := &note{strconv.FormatInt(caller.Add(1), 10)}
				for pb.Next() {
					ask(m)
				}
			})
		})
	}
}

// BenchmarkTell is a one-way message, until the last one has been handled.
func BenchmarkTell(b *testing.B) {
	n := benchNode(b)
	m := &note{"a"}
	b.ReportAllocs()
	for b.Loop() {
		for n.Tell(m) != nil {
		}
	}
	require.Eventually(b, func() bool { return n.Pending() == 0 }, clustertest.Timeout, time.Millisecond)
}

// BenchmarkActivate is the first question to an identity, activation included.
func BenchmarkActivate(b *testing.B) {
	n := benchNode(b)
	b.ReportAllocs()
	var next atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := n.Ask(b.Context(), &note{strconv.FormatInt(next.Add(1), 10)}); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkIdle is the cluster's part of an actor that waits: its activation, its mailbox, its process and its
// entries in maps. heap-B/actor is what so many have added to the heap; freed-B/actor of that comes free when
// they leave, and the maps keep the rest for the next.
func BenchmarkIdle(b *testing.B) {
	const each = 100_000
	for b.Loop() {
		n := benchNode(b)
		before := heap()
		for i := range each {
			if _, err := n.Ask(b.Context(), &note{fmt.Sprintf("account/%020d", i)}); err != nil {
				b.Error(err)
			}
		}
		full := heap()
		b.ReportMetric(float64(full-before)/each, "heap-B/actor")
		n.Sweep(time.Now().Add(time.Hour))
		require.Eventually(b, func() bool { return n.Live("echo") == 0 }, clustertest.Timeout, time.Millisecond)
		b.ReportMetric(float64(full-heap())/each, "freed-B/actor")
		n.Kill()
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkOwner is where an identity lives.
func BenchmarkOwner(b *testing.B) {
	n := benchNode(b)
	b.ReportAllocs()
	for b.Loop() {
		n.Owner("lead", "3f2b8a7c-1d4e-4b6f-9a8c-0d1e2f3a4b5c")
	}
}
