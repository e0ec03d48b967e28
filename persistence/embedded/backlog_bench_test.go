package embedded

import (
	"testing"

	"github.com/leadwire/leadwire/persistence/storetest"
	"github.com/stretchr/testify/require"
)

func BenchmarkBacklog100000Held(b *testing.B) { storetest.BenchmarkBacklog100000Held(b, withHeld(b)) }

func BenchmarkHeldPage(b *testing.B) { storetest.BenchmarkHeldPage(b, withHeld(b)) }

// withHeld is a store with 100,000 held events of every partition, with contacts of 300 bytes.
func withHeld(b *testing.B) *Store {
	s, err := Open(b.Context(), b.TempDir(), Options{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	_, err = s.writer.Do(b.Context(), op{admin: func(t *tx) error {
		return query(t.conn, `WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?)
			INSERT INTO held_events (`+pendingColumns+`) SELECT n, n % 256, 'acme', 'ghl', 'e-' || n, 0, 'ContactCreate', 'open',
			'ghl-' || n, 'solar', zeroblob(300), n, n FROM i`, nil, int64(100_000))
	}})
	require.NoError(b, err)
	return s
}
