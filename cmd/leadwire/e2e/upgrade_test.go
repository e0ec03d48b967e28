package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// The schema goes first. A database of the schema before the newest is migrated by the command; nodes that are at work go on when
// the schema of a later release arrives, which only adds; and a node of their release starts on it, and says so.
func TestUpgrade_SchemaFirst(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	url := pgtest.Fresh(t)
	newest := oldSchema(t, url)
	storage := func() []string { return []string{"--store", url, "--data", t.TempDir()} }
	require.Contains(t, leadwire(t, append([]string{"migrate"}, storage()...)...), "the schema is up to date")
	require.Equal(t, newest, schemaVersion(t, url))

	crm, seeds, data := newCRM(t), filepath.Join(t.TempDir(), "seeds"), t.TempDir()
	dashboards := openAll(apply(t, storage(), crm.catalog(buyers, 0)))
	cluster := []string{"--join", "file:" + seeds, "--cluster-secret", "MDEyMzQ1Njc4OWFiY2RlZg=="}
	a := serve(t, []string{"--store", url, "--data", data}, cluster...)
	require.NoError(t, os.WriteFile(seeds, []byte(standing(t, data).Gossip+"\n"), 0o600))
	b := serve(t, storage(), cluster...)
	stop := watch(t, a, dashboards)
	l := newLoad(crm, "u")
	send := func(n int) {
		for range n {
			l.send(a, l.draw())
			l.send(b, l.draw())
		}
	}
	send(20)
	// What a later release may do: add.
	statement(t, url, fmt.Sprintf(`INSERT INTO migrations (version, name) VALUES (%d, 'later');
		ALTER TABLE leads ADD COLUMN later text; ALTER TABLE events ADD COLUMN later bigint NOT NULL DEFAULT 0;
		ALTER TABLE feed_events ADD COLUMN later jsonb; CREATE TABLE later (id bigint PRIMARY KEY); CREATE INDEX ON leads (later)`, newest+1))
	send(20)
	b.stop()
	b = serve(t, storage(), cluster...)
	require.Contains(t, b.log.String(), "the schema is newer than this program")
	send(20)
	settle(t, a, l, dashboards)
	stop()
	a.stop()
	b.stop()
	rows := onPostgres(t, url).received(t)
	for _, e := range l.events() {
		require.Equal(t, 1, rows[e.id()], e.id())
	}
	require.Equal(t, newest+1, schemaVersion(t, url))
}

// oldSchema leaves a database as the release before the newest migration did, and returns the number of the newest.
func oldSchema(t *testing.T, url string) (newest int) {
	t.Helper()
	files, err := filepath.Glob("../../../persistence/postgres/migrations/*.sql")
	require.NoError(t, err)
	require.Greater(t, len(files), 1)
	statement(t, url, "CREATE TABLE migrations (version int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())")
	for i, file := range files[:len(files)-1] {
		sql, err := os.ReadFile(file)
		require.NoError(t, err)
		statement(t, url, string(sql))
		statement(t, url, fmt.Sprintf("INSERT INTO migrations (version, name) VALUES (%d, '%s')", i+1, strings.TrimSuffix(filepath.Base(file), ".sql")))
	}
	return len(files)
}

func schemaVersion(t *testing.T, url string) (version int) {
	t.Helper()
	ctx, enough := context.WithTimeout(context.Background(), time.Minute)
	defer enough()
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer conn.Close(ctx)
	require.NoError(t, conn.QueryRow(ctx, "SELECT max(version) FROM migrations").Scan(&version))
	return version
}
