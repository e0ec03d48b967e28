package actors_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
)

// What hits cost that come four in a request.
func BenchmarkHits(b *testing.B) {
	benchHits(b, 4, func(i int64) []domain.Hit {
		hits := make([]domain.Hit, 4)
		for k := range hits {
			hits[k] = actortest.View(domain.EventID(fmt.Sprint(i, "-", k)))
			hits[k].Visitor, hits[k].Fresh = benchVisitor(i/1_000_000, i%1_000_000), true
		}
		return hits
	})
}

// What a hit costs from the edge's call to its ack, durable, on the embedded store: of strangers, and of people
// whom the graph knows by their browser, whose sightings are owed and judged as well. Each visitor has four
// views.
func BenchmarkHit(b *testing.B) {
	benchHits(b, 1, func(i int64) []domain.Hit {
		h := actortest.View(domain.EventID(fmt.Sprint(i)))
		h.Visitor, h.Fresh = benchVisitor(i/1_000_000, i%1_000_000/4), i%4 == 0
		return []domain.Hit{h}
	})
}

// benchVisitor is the n-th of those whom one caller's hits are of.
func benchVisitor(caller, n int64) domain.VisitorID {
	return domain.VisitorID(fmt.Sprint("v", (caller*997+n)%100_000))
}

// benchHits measures requests of some hits each. Every caller counts up from a million of its own.
func benchHits(b *testing.B, each int, request func(i int64) []domain.Hit) {
	for name, known := range map[string]bool{"of a stranger": false, "of somebody known": true} {
		b.Run(name, func(b *testing.B) {
			graph := actortest.NewGraph()
			if known {
				for i := range 100_000 {
					graph.Cookie(domain.VisitorID(fmt.Sprint("v", i)), domain.PersonID(fmt.Sprint("p", i)))
				}
			}
			node := actortest.New(b, actortest.WithPixel(actortest.Catalog()), actortest.WithGraph(graph))
			var n atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(256)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for i := n.Add(1) * 1_000_000; pb.Next(); i++ {
					hits := request(i)
					for k := range hits {
						hits[k].ReceivedAt = node.Clock.Now()
					}
					if _, err := node.Runtime.Hits(b.Context(), hits); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(each)*float64(b.N)/b.Elapsed().Seconds(), "hits/s")
		})
	}
}
