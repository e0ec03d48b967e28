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
					hits := make([]domain.Hit, 4)
					for k := range hits {
						hits[k] = actortest.View(domain.EventID(fmt.Sprint(i, "-", k)))
						hits[k].Visitor, hits[k].Fresh = domain.VisitorID(fmt.Sprint("v", (i/1_000_000*997+i%1_000_000)%100_000)), true
						hits[k].ReceivedAt = node.Clock.Now()
					}
					if _, err := node.Runtime.Hits(b.Context(), hits); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(4*float64(b.N)/b.Elapsed().Seconds(), "hits/s")
		})
	}
}

// What a hit costs from the edge's call to its ack, durable, on the embedded store: of strangers, and of people
// whom the graph knows by their browser, whose sightings are owed and judged as well. Each visitor has four
// views.
func BenchmarkHit(b *testing.B) {
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
					h := actortest.View(domain.EventID(fmt.Sprint(i)))
					h.Visitor, h.Fresh = domain.VisitorID(fmt.Sprint("v", (i/1_000_000*997+i%1_000_000/4)%100_000)), i%4 == 0
					h.ReceivedAt = node.Clock.Now()
					if _, err := node.Runtime.Hits(b.Context(), []domain.Hit{h}); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hits/s")
		})
	}
}
