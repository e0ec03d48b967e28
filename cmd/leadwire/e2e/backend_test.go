package e2e_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// backend is a store that nodes run on, and that a test looks into when they have stopped.
type backend struct {
	name    string
	storage []string // flags of serve and apply
	open    func(t *testing.T) domain.Store
	// received counts the rows of received events, by event id.
	received func(t *testing.T) map[string]int
}

// eachBackend runs a story on both stores.
func eachBackend(t *testing.T, story func(t *testing.T, b backend)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		story(t, onEmbedded(t, t.TempDir()))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		story(t, onPostgres(t, pgtest.Fresh(t)))
	})
}

func onEmbedded(t *testing.T, dir string) backend {
	t.Helper()
	return backend{
		name: "embedded", storage: []string{"--data", dir},
		open: func(t *testing.T) domain.Store { return openStore(t, dir) },
		received: func(t *testing.T) map[string]int {
			conn, err := sqlite.OpenConn(filepath.Join(dir, "leadwire.db"), sqlite.OpenReadOnly)
			require.NoError(t, err)
			defer conn.Close()
			out := map[string]int{}
			require.NoError(t, sqlitex.Execute(conn, "SELECT k.event_id, count(*) FROM events e JOIN event_keys k USING (seq) GROUP BY k.event_id", &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
				out[s.ColumnText(0)] = s.ColumnInt(1)
				return nil
			}}))
			return out
		},
	}
}

func onPostgres(t *testing.T, url string) backend {
	t.Helper()
	return backend{
		name: "postgres", storage: []string{"--store", url, "--data", t.TempDir()},
		open: func(t *testing.T) domain.Store { return openStore(t, url) },
		received: func(t *testing.T) map[string]int {
			conn, err := pgx.Connect(t.Context(), url)
			require.NoError(t, err)
			defer conn.Close(context.Background())
			out := map[string]int{}
			rows, err := conn.Query(t.Context(), "SELECT event_id, count(*) FROM events GROUP BY event_id")
			require.NoError(t, err)
			var id string
			var n int
			_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error { out[id] = n; return nil })
			require.NoError(t, err)
			return out
		},
	}
}

func openStore(t *testing.T, url string) domain.Store {
	t.Helper()
	store, err := persistence.Open(t.Context(), url, persistence.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return store
}
