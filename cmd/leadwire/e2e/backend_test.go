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

// inspect opens the store after the nodes have stopped and holds it against what was acked and what the
// dashboards saw: one row per event, one assignment per lead, caps kept, feeds without a gap, and each
// dashboard shown each event once.
func inspect(t *testing.T, b backend, l *load, dashboards map[string]*dashboard, firstBuyer string, firstCap int) {
	t.Helper()
	acked := l.leads()
	require.NotEmpty(t, acked, "a run that acked nothing shows nothing")
	rows := b.received(t)
	store := b.open(t)
	ctx := t.Context()
	for _, id := range acked {
		require.Equal(t, 1, rows["ev-"+id[len("ghl-"):]], "rows of %s", id)
		lead, err := store.Lead(ctx, domain.LeadKey{Account: "acme", Lead: domain.LeadID(id)})
		require.NoError(t, err, "acked and gone: %s", id)
		require.Equal(t, domain.Assigned, lead.State, id)
	}
	for event, n := range rows {
		require.Equal(t, 1, n, "rows of %s", event)
	}
	assigned := map[domain.LeadID]int{}
	byDay := map[string]int{}
	for buyer, d := range dashboards {
		feed := wholeFeed(t, store, domain.BuyerKey{Account: "acme", Buyer: domain.BuyerID(buyer)})
		for i, e := range feed {
			require.Equal(t, domain.Seq(i+1), e.Seq, "gap in the feed of %s", buyer)
			if e.Type != domain.LeadAssigned {
				continue
			}
			assigned[e.Lead]++
			if buyer == firstBuyer {
				byDay[e.DecidedAt.UTC().Format("2006-01-02")]++
			}
		}
		seen := d.seen()
		require.Len(t, seen, len(feed), "what %s saw", buyer)
		for i, r := range seen {
			require.Equal(t, int64(i+1), r.Seq, "what %s saw", buyer)
		}
		require.Zero(t, d.resyncs)
	}
	for lead, n := range assigned {
		require.Equal(t, 1, n, "assignments of %s", lead)
	}
	require.Len(t, assigned, len(rows), "every received lead has a buyer")
	for day, n := range byDay {
		require.LessOrEqual(t, n, firstCap, "cap of %s on %s", firstBuyer, day)
	}
}

func wholeFeed(t *testing.T, store domain.Store, key domain.BuyerKey) []domain.FeedEvent {
	t.Helper()
	var out []domain.FeedEvent
	for {
		page, err := store.Feed(t.Context(), key, domain.Seq(len(out)), 1000)
		require.NoError(t, err)
		out = append(out, page...)
		if len(page) < 1000 {
			return out
		}
	}
}
