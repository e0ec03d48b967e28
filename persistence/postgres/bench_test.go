package postgres

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

// The life of a lead in the store: its event is received, then assigned to one of 100 buyers. "flood"
// keeps 256 of them in flight; the others offer a fixed rate, whatever the answers take, and report
// percentiles of both calls together.
//
//	go test -run '^$' -bench ReceiveDecide -benchtime 5000x ./persistence/postgres
func BenchmarkReceiveDecide(b *testing.B) {
	b.Run("flood", func(b *testing.B) {
		l := newLoad(b)
		var next atomic.Int64
		var wg sync.WaitGroup
		b.ResetTimer()
		for range 256 {
			wg.Go(func() {
				for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
					l.lead(b, n)
				}
			})
		}
		wg.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "leads/s")
	})
	for _, rate := range []int{1000, 5000} {
		b.Run(fmt.Sprintf("paced-%d", rate), func(b *testing.B) {
			l := newLoad(b)
			took := make([]time.Duration, b.N)
			var wg sync.WaitGroup
			b.ResetTimer()
			start := time.Now()
			for n := range b.N {
				due := start.Add(time.Duration(n) * time.Second / time.Duration(rate))
				if wait := time.Until(due); wait > 0 {
					<-time.After(wait)
				}
				wg.Go(func() {
					l.lead(b, int64(n))
					took[n] = time.Since(due)
				})
			}
			wg.Wait()
			b.StopTimer()
			slices.Sort(took)
			for _, q := range []int{50, 95, 99} {
				b.ReportMetric(took[(b.N-1)*q/100].Seconds()*1000, fmt.Sprintf("p%d-ms", q))
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "leads/s")
		})
	}
}

type load struct {
	store  *Store
	fences []domain.Fence
	body   []byte
	row    json.RawMessage
}

func newLoad(b *testing.B) *load {
	s := open(b, pgtest.Fresh(b), Options{})
	all := make([]domain.Partition, domain.Partitions)
	for i := range all {
		all[i] = domain.Partition(i)
	}
	fences, err := s.Claim(b.Context(), "bench", all)
	require.NoError(b, err)
	return &load{s, fences, []byte(strings.Repeat("x", 600)), domain.Contact{FirstName: "Ada", Email: "ada@example.com", Phone: "+15550100"}.JSON()}
}

func (l *load) lead(b *testing.B, n int64) {
	now := time.Now()
	fence := l.fences[n%domain.Partitions]
	key := domain.LeadKey{Account: "acme", Lead: domain.LeadID(fmt.Sprintf("ghl-%020d", n))}
	e := domain.Event{
		Account: "acme", Source: "ghl", ID: domain.EventID(fmt.Sprintf("event-%020d", n)), Type: "ContactCreate", Effect: domain.Open,
		Lead: key.Lead, Campaign: "solar", Contact: l.row, Body: l.body, ReceivedAt: now,
	}
	got, err := l.store.Receive(b.Context(), fence, e)
	if err != nil {
		b.Error(err)
		return
	}
	d, err := l.store.Decide(b.Context(), domain.Decision{
		Fence: fence, EventSeq: got.Seq, Verb: domain.Assign, Lead: key, Source: "ghl", EventID: e.ID, Campaign: "solar", Contact: l.row,
		Buyer: domain.BuyerID(fmt.Sprintf("buyer-%d", n%100)), Day: now.UTC().Format(time.DateOnly), Cap: 1_000_000,
		Trace: json.RawMessage(`[{"buyer":"b","rule":"turn"}]`), ReceivedAt: now, At: now,
	})
	if err != nil || d.Outcome != domain.Done {
		b.Error(d.Outcome, err)
	}
}

// A visitor's hit and what its lead makes of it: observed with a sighting and a link, then judged, every fourth
// time with an announcement. 256 are in flight.
//
//	go test -run '^$' -bench ObserveJudge -benchtime 5000x ./persistence/postgres
func BenchmarkObserveJudge(b *testing.B) {
	for _, judged := range []bool{false, true} {
		b.Run(map[bool]string{false: "observe", true: "observe-judge"}[judged], func(b *testing.B) {
			l := newLoad(b)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range 256 {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						l.hit(b, n, judged)
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hits/s")
		})
	}
}

func (l *load) hit(b *testing.B, n int64, judged bool) {
	now := time.Now()
	id := fmt.Sprintf("%020d", n)
	o := meetingAt(l.fences[n%domain.Partitions], "hit-"+id, domain.VisitorID("v-"+id), domain.PersonID("p-"+id), now)
	o.Hits[0].Body = l.body
	for range domain.MaxPages / 4 {
		o.Visit.Pages = append(o.Visit.Pages, domain.PageSeen{URL: "https://shop.example/pricing/plans?utm_source=newsletter", Path: "/pricing/plans", Title: "Plans and pricing", At: now})
	}
	seen, err := l.store.Observe(b.Context(), o)
	if err != nil || seen.Outcome != domain.Done {
		b.Error(seen.Outcome, err)
		return
	}
	if !judged {
		return
	}
	j := judging(o.Fence, o, seen.Owed[0], 0)
	if n%4 > 0 {
		j.Announce = nil
	}
	got, err := l.store.Judge(b.Context(), j)
	if err != nil || got.Outcome != domain.Done {
		b.Error(got.Outcome, err)
	}
}
