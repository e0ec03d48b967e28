package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/leadwire/leadwire/persistence/embedded/disktest"
	"github.com/leadwire/leadwire/persistence/postgres/pgserver"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// Each event comes ten times at once: ten 200s, one row, one assignment.
func TestRetryStorm(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	eachBackend(t, func(t *testing.T, b backend) {
		const events, copies = 40, 10
		crm := newCRM(t)
		tokens := apply(t, b.storage, crm.catalog(buyers, 0))
		dashboards := openAll(tokens)
		p := serve(t, b.storage)
		defer watch(t, p, dashboards)()
		l := newLoad(crm, "s")
		var wg sync.WaitGroup
		for i := range events {
			e := event{lead: fmt.Sprintf("s%d", i)}
			for range copies {
				wg.Go(func() { l.send(p, e) })
			}
		}
		wg.Wait()
		require.Equal(t, map[int]int{http.StatusOK: events * copies}, l.statuses, "every copy is taken")
		settle(t, p, l, dashboards)
		p.stop()
		inspect(t, b, l, dashboards, "", 0)
		require.Len(t, b.received(t), events)
	})
}

// Postgres goes away under load and comes back: meanwhile webhooks are answered 429, afterwards ingestion
// goes on by itself, and nothing that was acked is lost.
func TestPostgresRestartsUnderLoad(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	server, err := pgserver.Start(t.TempDir())
	pgtest.Require(t, err)
	t.Cleanup(func() { _ = server.Stop(pgserver.Immediate) })
	b := onPostgres(t, server.URL())
	crm := newCRM(t)
	tokens := apply(t, b.storage, crm.catalog(buyers, 0))
	dashboards := openAll(tokens)
	p := serve(t, b.storage)
	defer watch(t, p, dashboards)()
	l := newLoad(crm, "p")
	stop := make(chan struct{})
	loading := l.run(p, stop)
	for _, mode := range []pgserver.Mode{pgserver.Fast, pgserver.Kill} {
		ackedMore(t, l, 50)
		require.NoError(t, server.Stop(mode))
		_, before := l.count()
		require.Eventually(t, func() bool { _, now := l.count(); return now > before }, patience, 10*time.Millisecond, "429 while Postgres is away")
		require.NoError(t, server.StartAgain())
	}
	ackedMore(t, l, 50)
	close(stop)
	loading.Wait()
	settle(t, p, l, dashboards)
	p.stop()
	l.answeredWell(t)
	require.NoError(t, l.broken, "a node that is alive answers")
	inspect(t, b, l, dashboards, "", 0)
}

// The disk fills up: webhooks are answered 429, the file is not damaged, and when there is room again
// ingestion goes on by itself.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	dir := disktest.Small(t, 64<<20)
	b := onEmbedded(t, filepath.Join(dir, "data"))
	crm := newCRM(t)
	tokens := apply(t, b.storage, crm.catalog(buyers, 0))
	dashboards := openAll(tokens)
	p := serve(t, b.storage)
	defer watch(t, p, dashboards)()
	l := newLoad(crm, "d")
	stop := make(chan struct{})
	loading := l.run(p, stop)
	ackedMore(t, l, 50)

	ballast := filepath.Join(dir, "ballast")
	disktest.Fill(t, ballast, 0)
	_, before := l.count()
	require.Eventually(t, func() bool { _, now := l.count(); return now > before+5 }, patience, 10*time.Millisecond, "429 while the disk is full")
	require.NoError(t, os.Remove(ballast))
	ackedMore(t, l, 50)
	close(stop)
	loading.Wait()
	settle(t, p, l, dashboards)
	p.stop()
	l.answeredWell(t)
	require.NoError(t, l.broken, "a node that is alive answers")
	inspect(t, b, l, dashboards, "", 0)
	require.Equal(t, "ok", integrity(t, filepath.Join(dir, "data", "leadwire.db")))
}

// integrity is SQLite's own word on a file: "ok", or what is wrong.
func integrity(t *testing.T, file string) (verdict string) {
	t.Helper()
	conn, err := sqlite.OpenConn(file, sqlite.OpenReadOnly)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, sqlitex.Execute(conn, "PRAGMA integrity_check", &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		verdict += s.ColumnText(0)
		return nil
	}}))
	return verdict
}

// ackedMore waits until n more events have been acked.
func ackedMore(t *testing.T, l *load, n int) {
	t.Helper()
	before, _ := l.count()
	require.Eventually(t, func() bool { now, _ := l.count(); return now >= before+n }, patience, 5*time.Millisecond, "%d more acked", n)
}
