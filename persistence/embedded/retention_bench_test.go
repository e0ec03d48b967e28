package embedded

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A day of a million receipts of 600 bytes goes: as a table of its own that is dropped, and as it does go, by 250 rows a commit.
// Whoever commits meanwhile waits for the longest of the commits, and the log holds all that one of them writes.
func BenchmarkRetentionOfADay(b *testing.B) {
	const receiptsADay, deliveries = 1_000_000, 250_000
	for _, row := range []struct {
		name    string
		commits int
		one     func(t *tx, i int) error
	}{
		{"Drop", 1, func(t *tx, _ int) error { return query(t.conn, `DROP TABLE receipts`, nil) }},
		{"Bites", receiptsADay / chunk, func(t *tx, _ int) error {
			return query(t.conn, sqlRemoveReceipts, nil, receiptPlace(0, 0), receiptPlace(deliveries+1, 0), int64(chunk))
		}},
	} {
		b.Run(row.name, func(b *testing.B) {
			var longest, all time.Duration
			var most int64
			for range b.N {
				s := withReceipts(b, deliveries, receiptsADay/deliveries)
				for i := range row.commits {
					before, begun := logSize(b, s), time.Now()
					commitOne(b, s, op{admin: func(t *tx) error { return row.one(t, i) }})
					took := time.Since(begun)
					longest, all, most = max(longest, took), all+took, max(most, logSize(b, s)-before)
				}
				require.NoError(b, s.Close())
			}
			b.ReportMetric(float64(longest.Microseconds())/1000, "longest-ms")
			b.ReportMetric(float64(all.Milliseconds())/float64(b.N), "together-ms")
			b.ReportMetric(float64(most)/(1<<20), "largest-MiB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// withReceipts is a store whose deliveries had so many attempts each.
func withReceipts(b *testing.B, deliveries, each int) *Store {
	b.Helper()
	s, err := Open(b.Context(), b.TempDir(), Options{CheckpointPages: 1 << 30}) // never by itself
	require.NoError(b, err)
	const a = 10_000
	for from := 0; from < deliveries; from += a {
		commitOne(b, s, op{admin: func(t *tx) error {
			return query(t.conn, `WITH RECURSIVE d (n) AS (SELECT ?1 + 1 UNION ALL SELECT n + 1 FROM d WHERE n < ?1 + ?2),
				k (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < ?3)
				INSERT INTO receipts (place, at, status, error, spec, body) SELECT d.n * 1048576 + k.n, d.n, 503, 'status', randomblob(500), randomblob(60)
				FROM d CROSS JOIN k ORDER BY 1`, nil, int64(from), int64(a), int64(each))
		}})
		require.NoError(b, query(s.tx.conn, `PRAGMA wal_checkpoint(TRUNCATE)`, nil)) // the writer is at rest
	}
	return s
}

func logSize(b *testing.B, s *Store) int64 {
	b.Helper()
	info, err := os.Stat(filepath.Join(s.dir, fileName+"-wal"))
	require.NoError(b, err)
	return info.Size()
}
