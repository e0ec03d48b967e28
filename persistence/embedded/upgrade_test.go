package embedded

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
)

// A store of the first release, which left deleted rows in its pages, is rewritten once when it is opened: an
// erasure could not reach what stands outside of every row.
func TestOpen_CleansAnOlderStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := openConn(filepath.Join(dir, fileName), sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenWAL, []string{"PRAGMA secure_delete = OFF"})
	require.NoError(t, err)
	all, err := migrations()
	require.NoError(t, err)
	require.NoError(t, query(c, `CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)`, nil))
	require.NoError(t, all[0].apply(c, time.Now()))
	for i := range 200 {
		word := strings.Repeat("neighbour-", i)
		if i%2 == 0 {
			word = strings.Repeat("Lovelace-", i)
		}
		require.NoError(t, query(c, `INSERT INTO events VALUES (?, 0, 0, '', '', '', ?)`, nil, int64(i+1), []byte(word)))
	}
	require.NoError(t, query(c, `DELETE FROM events WHERE seq % 2 = 1`, nil))
	require.NoError(t, query(c, `PRAGMA wal_checkpoint(TRUNCATE)`, nil))
	require.NoError(t, c.Close())

	before, err := os.ReadFile(filepath.Join(dir, fileName))
	require.NoError(t, err)
	require.Contains(t, string(before), "Lovelace", "the first release left it there")

	s := open(t, dir, Options{}).Store.(*Store)
	require.NoError(t, s.scrub(t.Context()))
	require.Empty(t, found(t, dir, "Lovelace"))
	require.NotEmpty(t, found(t, dir, "neighbour"))
	require.NoError(t, s.Close())
	require.NoError(t, open(t, dir, Options{}).Store.Close()) // and once is enough
}
