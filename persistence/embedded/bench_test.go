package embedded

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// One lead is one Receive and one Decide that assigns it: what a lead costs with 1,000 in flight.
// Bodies of 900 bytes, contacts of 300, traces of five buyers, 100 feeds.
func BenchmarkReceiveDecide(b *testing.B) { saturated(b, oneLead) }

// The same lead in one commit, as nearly all of them come.
func BenchmarkAdmit(b *testing.B) { saturated(b, oneAdmitted) }

func saturated(b *testing.B, one func(*testing.B, *Store, domain.Fence, int64) bool) {
	s, err := Open(b.Context(), b.TempDir(), Options{Registerer: prometheus.NewRegistry()})
	require.NoError(b, err)
	defer func() { require.NoError(b, s.Close()) }()
	fences, err := s.Claim(b.Context(), "bench", allPartitions())
	require.NoError(b, err)
	cpu := processorTime()
	b.ReportAllocs()
	b.ResetTimer()
	var next, refused atomic.Int64
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if !one(b, s, fences[i%domain.Partitions], i) {
					refused.Add(1)
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	require.Zero(b, refused.Load())
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "leads/s")
	b.ReportMetric(float64((processorTime()-cpu).Microseconds())/float64(b.N), "cpu-µs/lead")
}

// The same at a steady 5,000 leads a second: how much of a processor that takes.
func BenchmarkOffered5000(b *testing.B) { offered(b, "lead", 5000, 0, oneLead) }

// And at 1,000 a second, where batches are small.
func BenchmarkOffered1000(b *testing.B) { offered(b, "lead", 1000, 0, oneLead) }

// offered begins each one when it is due, whatever became of those before. What is due within coarse does not get a timer
// of its own.
func offered(b *testing.B, what string, rate int, coarse time.Duration, one func(*testing.B, *Store, domain.Fence, int64) bool) {
	registry := prometheus.NewRegistry()
	s, err := Open(b.Context(), b.TempDir(), Options{Registerer: registry})
	require.NoError(b, err)
	defer func() { require.NoError(b, s.Close()) }()
	fences, err := s.Claim(b.Context(), "bench", allPartitions())
	require.NoError(b, err)
	cpu := processorTime()
	took := make([]time.Duration, b.N)
	var refused atomic.Int64
	b.ResetTimer()
	start := time.Now()
	var wg sync.WaitGroup
	for i := range b.N {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(rate))
		if wait := time.Until(due); wait > coarse {
			<-time.After(wait)
		}
		wg.Go(func() {
			if !one(b, s, fences[i%domain.Partitions], int64(i)) {
				refused.Add(1)
			}
			took[i] = time.Since(due)
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(refused.Load()), "refused")
	b.ReportMetric(float64(processorTime()-cpu)/float64(b.Elapsed()), "cores")
	b.ReportMetric(commits(b, registry)/float64(b.N), "commits/"+what)
	quantiles(b, took)
}

// oneLead says whether the store took the lead; at its queue's limit it refuses.
func oneLead(b *testing.B, s *Store, f domain.Fence, i int64) bool {
	e, d := benchLead(f, i)
	got, err := s.Receive(b.Context(), f, e)
	if err != nil || got.Duplicate {
		return false
	}
	d.EventSeq = got.Seq
	decided, err := s.Decide(b.Context(), d)
	return err == nil && decided.Outcome == domain.Done
}

func oneAdmitted(b *testing.B, s *Store, f domain.Fence, i int64) bool {
	e, d := benchLead(f, i)
	got, err := s.Admit(b.Context(), f, e, d)
	return err == nil && got.Decided.Outcome == domain.Done
}

func benchLead(f domain.Fence, i int64) (domain.Event, domain.Decision) {
	now := time.Now()
	// Ids of a source look random: multiplying scatters them over the indexes as real ones are.
	id := fmt.Sprintf("%016x", uint64(i)*0x9E3779B97F4A7C15)
	e := domain.Event{
		Account: "acme", Source: "ghl", ID: domain.EventID(id), Type: "ContactCreate", Effect: domain.Open,
		Lead: domain.LeadID("ghl-" + id), Campaign: "solar", Contact: benchContact, Body: benchBody, ReceivedAt: now,
	}
	return e, domain.Decision{
		Fence: f, Verb: domain.Assign, Lead: domain.LeadKey{Account: "acme", Lead: e.Lead},
		Source: e.Source, EventID: e.ID, Campaign: e.Campaign, Contact: e.Contact,
		Buyer: benchBuyers[i%100], Cap: 1 << 30, Day: "2026-11-22", Trace: benchTrace, ReceivedAt: now, At: now,
	}
}

var (
	benchBody    = []byte(`{"type":"ContactCreate","pad":"` + strings.Repeat("x", 870) + `"}`)
	benchContact = json.RawMessage(`{"first_name":"Ada","email":"ada@example.com","fields":{"pad":"` + strings.Repeat("y", 230) + `"}}`)
	benchTrace   = json.RawMessage(`[` + strings.Repeat(`{"buyer":"buyer-10","rule":"turn"},`, 4) + `{"buyer":"buyer-11","rule":"chosen"}]`)
	benchBuyers  = func() (all [100]domain.BuyerID) {
		for i := range all {
			all[i] = domain.BuyerID(fmt.Sprintf("buyer-%d", i))
		}
		return all
	}()
)

func allPartitions() []domain.Partition {
	all := make([]domain.Partition, domain.Partitions)
	for i := range all {
		all[i] = domain.Partition(i)
	}
	return all
}

// processorTime is what this process has used so far, in all its threads.
func processorTime() time.Duration {
	runtime.Gosched()
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func commits(b *testing.B, r *prometheus.Registry) (n float64) {
	families, err := r.Gather()
	require.NoError(b, err)
	for _, f := range families {
		if f.GetName() == "leadwire_commit_total" {
			for _, m := range f.GetMetric() {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

func quantiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50-ms", .5}, {"p99-ms", .99}} {
		b.ReportMetric(took[int(q.at*float64(len(took)-1))].Seconds()*1000, q.name)
	}
}
