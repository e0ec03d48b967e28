package embedded

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// One page view of a visitor nobody knows, with 1,000 in flight: 10 hits a visitor, bodies of 400 bytes,
// visits of 3 pages.
func BenchmarkObserveAnonymous(b *testing.B) { saturated(b, oneAnonymous) }

// The same when a page's script sends five at a time: a fifth of the visits are rewritten.
func BenchmarkObserveFive(b *testing.B) { saturated(b, fiveAnonymous) }

// One of somebody who is known: the hit with its sighting, and the judgement that announces it with 1 KB.
func BenchmarkObserveJudge(b *testing.B) { saturated(b, oneIdentified) }

// 10,000 hits a second, of which one in five is of somebody known and judged: how much of a processor.
func BenchmarkOffered10000Hits(b *testing.B) {
	offered(b, "hit", 10_000, time.Millisecond, func(b *testing.B, s *Store, f domain.Fence, i int64) bool {
		if i%5 == 0 {
			return oneIdentified(b, s, f, i)
		}
		return oneAnonymous(b, s, f, i)
	})
}

func oneAnonymous(b *testing.B, s *Store, f domain.Fence, i int64) bool {
	o := benchHit(f, i)
	return benchObserve(b, s, &o) != nil
}

// fiveAnonymous is called once a hit as well, and observes with every fifth.
func fiveAnonymous(b *testing.B, s *Store, f domain.Fence, i int64) bool {
	if i%5 != 0 {
		return true
	}
	o := benchHit(f, i/5)
	o.Hits = slices.Repeat(o.Hits, 5)
	for n := range o.Hits {
		o.Hits[n].ID = domain.EventID(fmt.Sprintf("%016x-0000-4000-8000-000000000000", uint64(i+int64(n))*0x9E3779B97F4A7C15))
	}
	return benchObserve(b, s, &o) != nil
}

func oneIdentified(b *testing.B, s *Store, f domain.Fence, i int64) bool {
	o := benchHit(f, i)
	o.Visit.Person = domain.PersonID("p-" + o.Visit.Visitor)
	h := &o.Hits[0]
	owed := domain.Sighting{
		Partition: f.Partition, Account: "acme", Lead: domain.LeadOfPerson(o.Visit.Person) + domain.LeadID(h.ID), Person: o.Visit.Person,
		EventID: h.ID, Type: h.Type, Page: h.Page, ReceivedAt: h.ReceivedAt, MatchedAt: h.ReceivedAt, DueAt: h.ReceivedAt,
	}
	o.Owed = []domain.Sighting{owed}
	got := benchObserve(b, s, &o)
	if got == nil {
		return false
	}
	j := domain.Judgement{
		Fence: f, Lead: owed.Key(), Settle: got.Owed, After: domain.Acquaintance{Account: "acme", Lead: owed.Lead, LastAt: h.ReceivedAt},
		Announce: []domain.Announcement{{
			ID: h.ID, Account: "acme", Type: domain.VisitorIdentifiedEvent, Lead: owed.Lead, Pixel: "shop", Payload: benchPayload, At: h.ReceivedAt,
		}},
	}
	judged, err := s.Judge(b.Context(), j)
	return err == nil && judged.Outcome == domain.Done
}

// benchObserve does what a lane does that has lost count: it takes the revision it is told.
func benchObserve(b *testing.B, s *Store, o *domain.Observation) *domain.Observed {
	for {
		got, err := s.Observe(b.Context(), *o)
		switch {
		case err != nil:
			return nil
		case got.Outcome == domain.Stale:
			o.Expect = got.Visit.Revision
		default:
			return &got
		}
	}
}

// benchHit is the i-th: visitors come in groups of 1,000 whose members take turns, each with 10 hits.
func benchHit(f domain.Fence, i int64) domain.Observation {
	now := time.Now()
	visitor := domain.VisitorID(fmt.Sprintf("%016x-0000-7000-8000", uint64(i/10_000*1000+i%1000)*0x9E3779B97F4A7C15))
	nth := i % 10_000 / 1000
	h := domain.Hit{
		Account: "acme", Pixel: "shop", Visitor: visitor, ID: domain.EventID(fmt.Sprintf("%016x-0000-4000-8000-000000000000", uint64(i)*0x9E3779B97F4A7C15)),
		Type: domain.PageView, Page: domain.Page{URL: "https://shop.example/pricing?utm_source=newsletter", Path: "/pricing", Title: "Pricing"},
		Body: benchHitBody, ReceivedAt: now,
	}
	v := domain.Visit{
		Account: "acme", Visitor: visitor, Pixel: "shop", Session: "0190a0a0-0000-7000-8000-000000000001", Number: 1, StartedAt: now, LastAt: now,
		Views: int(nth) + 1, UTM: domain.UTM{Source: "newsletter", Medium: "email", Campaign: "november"},
	}
	for range min(nth+1, 3) {
		v.Pages = append(v.Pages, domain.PageSeen{View: "0190a0a0", URL: h.Page.URL, Path: h.Page.Path, Title: h.Page.Title, At: now})
	}
	return domain.Observation{Fence: f, Hits: []domain.Hit{h}, Visit: v, Expect: nth}
}

var (
	benchHitBody = []byte(`{"type":"page_view","pad":"` + strings.Repeat("x", 370) + `"}`)
	benchPayload = json.RawMessage(`{"pad":"` + strings.Repeat("x", 1000) + `"}`)
)

// Visits of 1 KB, read for whoever told one of twenty hashes; one visit an iteration.
func BenchmarkNaming(b *testing.B) {
	s, err := Open(b.Context(), b.TempDir(), Options{})
	require.NoError(b, err)
	defer func() { require.NoError(b, s.Close()) }()
	visit := []byte(`{"pages":"` + strings.Repeat("https://shop.example/", 48) + `"}`)
	require.NoError(b, s.writeAll(b, `WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?)
		INSERT INTO visits (n, account, visitor, revision, event_seq, person, born_at, updated_at, visit) SELECT n, 'acme', 'visitor-' || n, 1, 0, '', 0, 0, ? FROM i`,
		int64(b.N), visit))
	var texts []string
	for n := range 20 {
		texts = append(texts, fmt.Sprintf("%064x", n*0xbeef))
	}
	b.ResetTimer()
	found, err := s.VisitorsNaming(b.Context(), "acme", texts)
	require.NoError(b, err)
	require.Empty(b, found)
}

func (s *Store) writeAll(b *testing.B, sql string, args ...any) error {
	_, err := s.writer.Do(b.Context(), op{admin: func(t *tx) error { return query(t.conn, sql, nil, args...) }})
	return err
}
