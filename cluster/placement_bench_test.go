package cluster

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// widest is the largest number of partitions that is tried. The smaller ones divide it, so one count of
// the identities serves them all.
const widest = 65536

var (
	clusterSizes   = []int{3, 5, 10, 100, 1000}
	partitionSizes = []int{256, 1024, 4096, 16384, widest}
)

// BenchmarkPlacement places 100 million identities (a million with -short) and says how evenly, and how
// many of them move when a node joins and when one leaves. The identities are counted once, by partition:
// none is kept. One operation is all the draws of a cluster's addresses.
//
//	max/mean      the largest share of a node, the median of the draws; -p95: 19 of 20 draws are below
//	p99/mean      one node in a hundred has more
//	sd/mean       standard deviation of a node's share
//	idle-nodes    nodes that own nothing
//	join/ideal    what moves to a newcomer, over 1/(n+1) of all; likewise what a leaver gives up, over 1/n
//	over1.2       of the joins and leaves, how many move more than 1.2 times the ideal
func BenchmarkPlacement(b *testing.B) {
	identities := 100_000_000
	if testing.Short() {
		identities = 1_000_000
	}
	counted := sync.OnceValue(func() []int64 { return census(identities) })
	for _, nodes := range clusterSizes {
		for _, partitions := range partitionSizes {
			b.Run(fmt.Sprintf("nodes=%d/partitions=%d", nodes, partitions), func(b *testing.B) {
				weights := fold(counted(), partitions)
				draws := min(max(1<<26/(nodes*partitions), 3), 200)
				var s summary
				for b.Loop() {
					s = summary{}
					for draw := range draws {
						s.add(b, weights, neighbours(draw, nodes+1))
					}
				}
				s.report(b)
			})
		}
	}
}

// census counts identities by partition.
func census(identities int) []int64 {
	total := make([]int64, widest)
	var mu sync.Mutex
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			mine := make([]int64, widest)
			var buf [64]byte
			for i := w; i < identities; i += workers {
				kind, id := identity(buf[:0], i)
				mine[hashOf(kind, string(id))%widest]++
			}
			mu.Lock()
			defer mu.Unlock()
			for p, n := range mine {
				total[p] += n
			}
		})
	}
	wg.Wait()
	return total
}

// identity is the name of the i-th: of 10,000 accounts, nearly all of them leads and visitors. They are
// numbered, which asks more of a hash than random names do.
func identity(buf []byte, i int) (kind string, id []byte) {
	switch {
	case i%1000 == 0:
		kind = "buyer"
	case i%1000 == 1:
		kind = "endpoint"
	case i%2 == 0:
		kind = "lead"
	default:
		kind = "visitor"
	}
	buf = append(buf, "account-"...)
	buf = strconv.AppendInt(buf, int64(i/1000%10_000), 10)
	buf = append(buf, '/')
	return kind, strconv.AppendInt(buf, int64(i), 10)
}

func fold(counts []int64, partitions int) []int64 {
	out := make([]int64, partitions)
	for p, n := range counts {
		out[p%partitions] += n
	}
	return out
}

// summary is what the draws of one size of cluster came to, an entry a draw.
type summary struct {
	most, p99, spread, idle []float64
	join, leave             []float64
}

// add places everything on all of list but its last, and then lets that one join, and the first leave.
func (s *summary) add(b *testing.B, weights []int64, list []*member) {
	n := len(list) - 1
	before, joined, left := owners(weights, list[:n]), owners(weights, list), owners(weights, list[1:n])
	shares := map[*member]float64{}
	var all, came, went float64
	needless := false
	for p, w := range weights {
		weight := float64(w)
		all += weight
		shares[before[p]] += weight
		if joined[p] != before[p] {
			came += weight
			needless = needless || joined[p] != list[n]
		}
		if left[p] != before[p] {
			went += weight
			needless = needless || before[p] != list[0]
		}
	}
	require.False(b, needless, "what moves goes to the newcomer, or comes from the leaver")
	mean := all / float64(n)
	each := make([]float64, n) // who is not in shares has 0
	var squares float64
	for i, m := range list[:n] {
		each[i] = shares[m] / mean
		squares += (each[i] - 1) * (each[i] - 1)
	}
	s.most, s.p99 = append(s.most, slices.Max(each)), append(s.p99, quantile(each, 0.99))
	s.spread, s.idle = append(s.spread, math.Sqrt(squares/float64(n))), append(s.idle, float64(n-len(shares)))
	s.join, s.leave = append(s.join, came/all*float64(n+1)), append(s.leave, went/all*float64(n))
}

func owners(weights []int64, members []*member) []*member {
	owner := make([]*member, len(weights))
	propose(owner, members)
	return owner
}

func (s *summary) report(b *testing.B) {
	over := 0
	for _, moved := range slices.Concat(s.join, s.leave) {
		if moved > 1.2 {
			over++
		}
	}
	b.ReportMetric(quantile(s.most, 0.5), "max/mean")
	b.ReportMetric(quantile(s.most, 0.95), "max/mean-p95")
	b.ReportMetric(quantile(s.p99, 0.5), "p99/mean")
	b.ReportMetric(quantile(s.spread, 0.5), "sd/mean")
	b.ReportMetric(quantile(s.idle, 0.5), "idle-nodes")
	b.ReportMetric(quantile(s.join, 0.5), "join/ideal")
	b.ReportMetric(quantile(s.leave, 0.5), "leave/ideal")
	b.ReportMetric(float64(over)/float64(2*len(s.join)), "over1.2")
	b.ReportMetric(float64(len(s.join)), "draws")
}

// quantile is the smallest value that at least the share q of all reach.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(int(math.Ceil(q*float64(len(sorted))))-1, 0)]
}

// BenchmarkTable is what every node does when the members have changed.
func BenchmarkTable(b *testing.B) {
	for _, members := range []int{3, 10, 100, 1000} {
		list := neighbours(0, members)
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				newTable(list)
			}
		})
		for _, partitions := range partitionSizes[1:] {
			b.Run(fmt.Sprintf("members=%d/partitions=%d", members, partitions), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					propose(make([]*member, partitions), list)
				}
			})
		}
	}
}

// BenchmarkPartitions is what a node has for its partitions while nothing lives in them, with as many kinds of
// actors as the product has.
func BenchmarkPartitions(b *testing.B) {
	deps := Deps{}.withDefaults()
	for _, name := range []string{"lead", "buyer", "visitor", "endpoint"} {
		deps.Kinds = append(deps.Kinds, Kind{Name: name})
	}
	const routers = 64
	for b.Loop() {
		all := make([]*router, routers)
		var before, after runtime.MemStats
		m := newMetrics(nil)
		newRouter(Config{}, deps, m) // makes the series
		runtime.ReadMemStats(&before)
		for i := range all {
			all[i] = newRouter(Config{}, deps, m)
		}
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/routers/domain.Partitions, "B/partition")
		runtime.KeepAlive(all)
	}
}
