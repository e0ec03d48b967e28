package embedded

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// An endpoint has been dead for days, and a million deliveries wait for it: half of them have failed before, the
// others wait for the first time, a quarter of them behind somebody. Beside it, an endpoint that is well. What is
// asked of the dead one costs what it would with a queue of a thousand, and the other one pays nothing for it.
func BenchmarkQueue(b *testing.B) {
	for _, n := range []int64{1_000, 1_000_000} {
		s, f := withQueue(b, n)
		b.Run(fmt.Sprintf("Due/%d", n), func(b *testing.B) {
			for b.Loop() {
				got, err := s.Due(b.Context(), deadEndpoint, benchNow, 64)
				require.NoError(b, err)
				require.True(b, got.More)
			}
		})
		b.Run(fmt.Sprintf("Owing/%d", n), func(b *testing.B) {
			for b.Loop() {
				got, err := s.Owing(b.Context(), allPartitions(), 0, 100)
				require.NoError(b, err)
				require.NotEmpty(b, got)
			}
		})
		b.Run(fmt.Sprintf("Queue/%d", n), func(b *testing.B) {
			for b.Loop() {
				got, err := s.Queue(b.Context(), deadEndpoint)
				require.NoError(b, err)
				require.EqualValues(b, min(n, domain.QueueLimit), got.Pending)
			}
		})
		b.Run(fmt.Sprintf("RecordAttempt/%d", n), func(b *testing.B) {
			d, err := s.Delivery(b.Context(), "acme", 1)
			require.NoError(b, err)
			cpu := processorTime()
			for b.Loop() {
				a := domain.Attempted{
					Fence: f, Key: deadEndpoint, Delivery: d.N, Lead: d.Lead, Expect: d.Revision, State: domain.DeliveryPending,
					NextAt: benchNow.Add(time.Minute), Class: domain.ClassRetry, ReleaseAt: benchNow.Add(time.Hour),
					Receipt: domain.Receipt{Number: d.Attempts + 1, At: benchNow, Error: domain.ErrorTimeout, Reason: "no answer within 15s"},
				}
				commitOne(b, s, op{attempt: prepared(b, a)})
				d.Revision++
				d.Attempts++
			}
			b.ReportMetric(float64((processorTime()-cpu).Microseconds())/float64(b.N), "cpu-µs/op")
		})
		b.Run(fmt.Sprintf("OweAndDeliver/%d", n), func(b *testing.B) { // to the other one, 64 a commit
			cpu := processorTime()
			for i := 0; b.Loop(); i++ {
				oweAndDeliver(b, s, f, i)
			}
			b.ReportMetric(float64((processorTime()-cpu).Microseconds())/float64(b.N)/64, "cpu-µs/delivery")
		})
		b.Run(fmt.Sprintf("Lists/%d", n), func(b *testing.B) {
			for b.Loop() {
				got, err := s.Deliveries(b.Context(), "acme", domain.DeliveryFilter{Endpoint: "dead"}, 0, 100)
				require.NoError(b, err)
				require.NotEmpty(b, got)
			}
		})
		b.Run(fmt.Sprintf("ListsUntilHalf/%d", n), func(b *testing.B) { // half of it is too new
			for b.Loop() {
				got, err := s.Deliveries(b.Context(), "acme", domain.DeliveryFilter{Endpoint: "dead", Until: time.Unix(0, n/2)}, 0, 100)
				require.NoError(b, err)
				require.Len(b, got, 100)
			}
		})
		require.NoError(b, s.Close())
	}
}

var (
	benchNow     = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	deadEndpoint = domain.EndpointKey{Account: "acme", Endpoint: "dead"}
	wellEndpoint = domain.EndpointKey{Account: "acme", Endpoint: "well"}
)

func prepared(b *testing.B, in domain.Attempted) *attempt {
	a := &attempt{Attempted: in}
	require.NoError(b, a.prepare("record attempt"))
	return a
}

// commitOne is one operation in a commit of its own, without the writer's pauses.
func commitOne(b *testing.B, s *Store, ops ...op) {
	b.Helper()
	results, err := s.commit(context.Background(), ops)
	require.NoError(b, err)
	for i, r := range results {
		require.NoError(b, r.Err)
		if ops[i].attempt != nil {
			require.Equal(b, domain.Done, r.Value.attempted.Outcome)
		}
	}
}

// oweAndDeliver is 64 announcements of 1 KB in one commit, and their arrival in another.
func oweAndDeliver(b *testing.B, s *Store, f domain.Fence, i int) {
	b.Helper()
	payload := fmt.Appendf(nil, `{"pad":"%1000d"}`, i)
	var made []domain.Announcement
	commitOne(b, s, op{admin: func(t *tx) (err error) {
		all := make([]domain.Announcement, 64)
		for j := range all {
			id := fmt.Sprintf("%016x", uint64(i*64+j)*0x9E3779B97F4A7C15)
			all[j] = domain.Announcement{
				ID: domain.EventID(id), Account: "acme", Type: domain.VisitorIdentifiedEvent, Lead: domain.LeadID(id), Payload: payload, At: benchNow,
				Owed: []domain.Owed{{Endpoint: wellEndpoint.Endpoint, Partition: f.Partition}},
			}
		}
		made, err = t.keepAnnouncements(all)
		return err
	}})
	arrived := make([]op, len(made))
	for j, a := range made {
		arrived[j].attempt = prepared(b, domain.Attempted{
			Fence: f, Key: wellEndpoint, Delivery: a.Deliveries[0].N, Lead: a.Lead, Expect: 1, State: domain.DeliveryDelivered,
			Receipt: domain.Receipt{Number: 1, At: benchNow, Status: 200, Reason: "200 OK", Body: payload[:200]},
		})
	}
	commitOne(b, s, arrived...)
}

// withQueue is a store with n deliveries that wait for the dead endpoint, with payloads of 100 bytes.
func withQueue(b *testing.B, n int64) (*Store, domain.Fence) {
	s, err := Open(b.Context(), b.TempDir(), Options{})
	require.NoError(b, err)
	fences, err := s.Claim(b.Context(), "bench", allPartitions())
	require.NoError(b, err)
	_, err = s.writer.Do(b.Context(), op{admin: func(t *tx) error {
		if _, err := t.makeEndpoint(deadEndpoint, fences[1].Partition); err != nil {
			return err
		}
		if err := query(t.conn, `WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?)
			INSERT INTO announcements (account, type, lead, pixel, id, at, payload)
			SELECT 'acme', 'visitor.updated', 'lead-' || (n - (n % 4 = 3)), '', 'e-' || n, n, zeroblob(100) FROM i`, nil, n); err != nil {
			return err
		}
		return query(t.conn, `INSERT INTO deliveries (endpoint, announcement, lead, class, replay, behind, owed_at, due_at,
			state, revision, attempts, first_at, failed_at, release_at, ended_at, reason)
			SELECT 1, seq, lead, 1 + seq % 2, 0, seq % 4 = 3, at, iif(seq % 4 = 3, 9223372036854775807, at), 0, 1, 0, 0, 0, 0, 0, '' FROM announcements`, nil)
	}})
	require.NoError(b, err)
	require.NoError(b, query(s.tx.conn, `PRAGMA wal_checkpoint(TRUNCATE)`, nil)) // the writer is at rest
	return s, fences[1]
}
