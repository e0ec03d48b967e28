package embedded

import (
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// A campaign was full all afternoon, and 100,000 leads wait for a buyer. What every node asks every two
// seconds, and the pages that recovery offers them by.
func BenchmarkBacklog100000Held(b *testing.B) {
	s := withHeld(b, 100_000)
	for b.Loop() {
		got, err := s.Backlog(b.Context())
		require.NoError(b, err)
		require.Equal(b, 100_000, got.Held)
	}
}

func BenchmarkHeldPage(b *testing.B) {
	s := withHeld(b, 100_000)
	partitions := make([]domain.Partition, domain.Partitions)
	for p := range partitions {
		partitions[p] = domain.Partition(p)
	}
	after := int64(0)
	for b.Loop() {
		page, err := s.Undecided(b.Context(), partitions, true, after, 500)
		require.NoError(b, err)
		require.Len(b, page, 500)
		if after = page[499].Seq; after == 100_000 {
			after = 0
		}
	}
}

// withHeld is a store with n held events of every partition, with contacts of 300 bytes.
func withHeld(b *testing.B, n int64) *Store {
	s, err := Open(b.Context(), b.TempDir(), Options{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	_, err = s.writer.Do(b.Context(), op{admin: func(t *tx) error {
		return query(t.conn, `WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?)
			INSERT INTO held_events (`+pendingColumns+`) SELECT n, n % 256, 'acme', 'ghl', 'e-' || n, 0, 'ContactCreate', 'open',
			'ghl-' || n, 'solar', zeroblob(300), n, n FROM i`, nil, n)
	}})
	require.NoError(b, err)
	return s
}
