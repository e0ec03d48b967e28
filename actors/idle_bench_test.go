package actors_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
)

// BenchmarkIdle is what an actor that has done its work holds while it waits to leave memory: the heap that
// comes free when so many leave. The maps they were found in keep their room (BenchmarkIdle of package
// cluster has it). And how long one takes to come to life, what it reads from the embedded store included.
//
//	go test ./actors -run xxx -bench '^BenchmarkIdle$' -benchtime 1x
func BenchmarkIdle(b *testing.B) {
	const each = 2000
	names := make([]string, each)
	contact := domain.Contact{FirstName: "Ada", LastName: strings.Repeat("x", 200), Email: "ada@example.com", Phone: "+15550100"}.JSON()
	body := []byte(strings.Repeat("x", 850))
	var buyers []domain.BuyerID
	for i := range names {
		names[i] = fmt.Sprintf("%020d", i) // as long as a CRM's ids
		buyers = append(buyers, domain.BuyerID(names[i]))
	}
	for _, kind := range []struct {
		name    string
		catalog func() domain.Catalog
		prepare func(n *actortest.Node)
		wake    func(n *actortest.Node, i int) error
	}{
		{name: wire.KindLead,
			catalog: func() domain.Catalog { return actortest.Catalog("ann", "bob") },
			wake: func(n *actortest.Node, i int) error {
				e := actortest.Contact(domain.EventID(names[i]), domain.LeadID(names[i]))
				e.Contact, e.Body, e.ReceivedAt = contact, body, n.Clock.Now()
				_, err := n.Runtime.Ingest(b.Context(), e)
				return err
			}},
		{name: wire.KindVisitor,
			catalog: func() domain.Catalog { return actortest.WithPixel(actortest.Catalog()) },
			wake: func(n *actortest.Node, i int) error {
				h := actortest.View(domain.EventID(names[i]))
				h.Visitor, h.Fresh, h.ReceivedAt = domain.VisitorID(names[i]), true, n.Clock.Now()
				_, err := n.Runtime.Hits(b.Context(), []domain.Hit{h})
				return err
			}},
		{name: wire.KindBuyer,
			catalog: func() domain.Catalog { return actortest.Catalog(buyers...) },
			wake: func(n *actortest.Node, i int) error {
				return n.Cluster.Tell(&wire.Unwatch{Account: "acme", Buyer: names[i]})
			}},
		{name: wire.KindEndpoint,
			catalog: func() domain.Catalog {
				c := actortest.Catalog()
				for _, name := range names {
					c = actortest.WithEndpoint(c, domain.EndpointID(name))
				}
				return c
			},
			prepare: func(n *actortest.Node) {
				for _, name := range names {
					n.SecretUntold(domain.EndpointID(name))
				}
			},
			wake: func(n *actortest.Node, i int) error {
				return n.Cluster.Tell(wire.KnockOf(domain.EndpointKey{Account: "acme", Endpoint: domain.EndpointID(names[i])}))
			}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				n := actortest.New(b, kind.catalog())
				if kind.prepare != nil {
					kind.prepare(n)
				}
				b.StartTimer()
				began := time.Now()
				awaken(b, each, func(i int) error { return kind.wake(n, i) })
				n.Settle()
				b.ReportMetric(float64(time.Since(began).Microseconds())/each, "µs/actor")
				b.StopTimer()
				b.ReportMetric(held(b, n.Cluster, kind.name, each, n.Settle), "heap-B/actor")
				n.Stop()
				b.StartTimer()
			}
		})
	}
}

// awaken calls wake for all, 64 at a time.
func awaken(b *testing.B, n int, wake func(int) error) {
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for i := w; i < n; i += 64 {
				if err := wake(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// held is what comes free when all of a kind leave memory, by actor.
func held(b *testing.B, n *cluster.Node, kind string, live int, settle func()) float64 {
	b.Helper()
	require.Equal(b, live, n.Live(kind))
	before := heapInUse()
	n.Sweep(time.Now().Add(1000 * time.Hour))
	settle()
	require.Zero(b, n.Live(kind))
	return float64(before-heapInUse()) / float64(live)
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
