package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

// An endpoint has been dead for days, and a million deliveries wait for it: half of them have failed before, the others
// wait for the first time, a quarter of them behind somebody. Beside it, an endpoint that is well. What is asked of the
// dead one costs what it would with a queue of a thousand, and the other one pays nothing for it.
func BenchmarkQueue(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		s, f := withQueue(b, n)
		dead := domain.EndpointKey{Account: "acme", Endpoint: "dead"}
		b.Run(fmt.Sprintf("Due/%d", n), func(b *testing.B) {
			for b.Loop() {
				got, err := s.Due(b.Context(), dead, noon, 64)
				require.NoError(b, err)
				require.True(b, got.More)
			}
		})
		b.Run(fmt.Sprintf("Owing/%d", n), func(b *testing.B) {
			for b.Loop() {
				got, err := s.Owing(b.Context(), []domain.Partition{7}, 0, 100)
				require.NoError(b, err)
				require.NotEmpty(b, got)
			}
		})
		b.Run(fmt.Sprintf("Queue/%d", n), func(b *testing.B) {
			for b.Loop() {
				got, err := s.Queue(b.Context(), dead)
				require.NoError(b, err)
				require.Equal(b, min(n, domain.QueueLimit), got.Pending)
			}
		})
		b.Run(fmt.Sprintf("RecordAttempt/%d", n), func(b *testing.B) {
			d := deliveryOf(b, s, 1)
			for b.Loop() {
				record(b, s, failing(f, d, noon))
				d.Revision++
				d.Attempts++
			}
		})
		b.Run(fmt.Sprintf("OweAndDeliver64/%d", n), func(b *testing.B) { // to the other one, a commit each
			for i := 0; b.Loop(); i++ {
				oweAndDeliver(b, s, f, fmt.Sprint(n, "-", i))
			}
		})
		for _, list := range []struct {
			name  string
			until time.Time
		}{{"Lists", time.Time{}}, {"ListsUntilHalf", noon.Add(time.Duration(n/2) * time.Microsecond)}} { // half of it is too new
			b.Run(fmt.Sprintf("%s/%d", list.name, n), func(b *testing.B) {
				for b.Loop() {
					got, err := s.Deliveries(b.Context(), "acme", domain.DeliveryFilter{Endpoint: "dead", Until: list.until}, 0, 100)
					require.NoError(b, err)
					require.Len(b, got, 100)
				}
			})
		}
	}
}

// oweAndDeliver is 64 decisions that announce 1 KB each, in one commit, and the arrival of all in another.
func oweAndDeliver(b *testing.B, s *Store, f domain.Fence, id string) {
	b.Helper()
	var owed, arrived []op
	for j := range 64 {
		o := admitting(f, fmt.Sprint(id, "-", j), domain.LeadID(fmt.Sprint(id, "-", j)), "well")
		o.decide.Lead.Lead = domain.LeadID(fmt.Sprint(id, "-", j)) // each of another lead, or they would go one by one
		o.decide.Announce[0].Payload = fmt.Appendf(nil, `{"pad":"%1000d"}`, j)
		owed = append(owed, o)
	}
	got, err := s.commit(context.Background(), owed)
	require.NoError(b, err)
	for _, r := range got {
		made, err := newAttempt("record attempt", arriving(f, r.Value.decided.Announced[0].Deliveries[0], noon))
		require.NoError(b, err)
		arrived = append(arrived, op{attempt: made})
	}
	got, err = s.commit(context.Background(), arrived)
	require.NoError(b, err)
	for _, r := range got {
		require.Equal(b, domain.Done, r.Value.attempted.Outcome)
	}
}

// withQueue is a store with n deliveries that wait for the dead endpoint, with payloads of 100 bytes.
func withQueue(b *testing.B, n int) (*Store, domain.Fence) {
	url := pgtest.Fresh(b)
	s := open(b, url, Options{Clock: at(noon)})
	f := claim(b, s, "node", 7)[0]
	owe(b, s, f, "first", "l-first", noon, "dead", "well")
	conn, err := pgx.Connect(b.Context(), url)
	require.NoError(b, err)
	defer func() { _ = conn.Close(context.WithoutCancel(b.Context())) }()
	for _, sql := range []string{
		`DELETE FROM pending_deliveries`, `DELETE FROM announcements`,
		`INSERT INTO announcements SELECT 'acme', n, '2026-11-22 12:00Z', 'e-' || n, 'lead.updated', 'l-' || n - (n % 4 = 3)::int, '', convert_to(repeat('x', 100), 'UTF8'), 0 FROM generate_series(1, $n) n`,
		`UPDATE heads SET head = 10000000 WHERE account = 'acme'`,
		`SELECT setval('delivery_seq', 10000000)`,
		`INSERT INTO pending_deliveries SELECT n, (SELECT n FROM endpoints WHERE endpoint = 'dead'), 'acme', n, '2026-11-22 12:00Z', 'l-' || n - (n % 4 = 3)::int, 1 + n % 2, false, 1, n % 4 = 3, n % 2,
			'2026-11-22 12:00Z'::timestamptz + n * interval '1 us', CASE WHEN n % 4 <> 3 THEN '2026-11-22 11:00Z'::timestamptz + n * interval '1 us' END, null, null, null, '', 0 FROM generate_series(1, $n) n`,
		`VACUUM ANALYZE`, `CHECKPOINT`,
	} {
		_, err := conn.Exec(b.Context(), strings.ReplaceAll(sql, "$n", fmt.Sprint(n)))
		require.NoError(b, err)
	}
	return s, f
}
