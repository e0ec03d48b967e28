package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// Each event comes ten times at once: ten 200s, one row, one assignment.
func TestRetryStorm(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b backend) {
		const events, copies = 40, 10
		crm := newCRM(t)
		tokens := apply(t, b.storage, crm.catalog(buyers, 0))
		dashboards := map[string]*dashboard{}
		for _, buyer := range buyers {
			dashboards[buyer] = newDashboard(tokens[buyer])
		}
		p := serve(t, b.storage)
		defer watch(t.Context(), p, dashboards)()
		l := newLoad(crm, "s")
		var wg sync.WaitGroup
		for i := range events {
			lead := fmt.Sprintf("s%d", i)
			for range copies {
				wg.Go(func() {
					if crm.post(p, contact("ev-"+lead, lead, "Storm")) == http.StatusOK {
						l.mu.Lock()
						l.acked["ghl-"+lead] = true
						l.mu.Unlock()
					} else {
						t.Errorf("a copy of %s was refused", lead)
					}
				})
			}
		}
		wg.Wait()
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
	server, err := pgtest.Start(t.TempDir())
	pgtest.Require(t, err)
	t.Cleanup(func() { _ = server.Stop(pgtest.Immediate) })
	b := onPostgres(t, server.URL())
	crm := newCRM(t)
	tokens := apply(t, b.storage, crm.catalog(buyers, 0))
	dashboards := map[string]*dashboard{}
	for _, buyer := range buyers {
		dashboards[buyer] = newDashboard(tokens[buyer])
	}
	p := serve(t, b.storage)
	defer watch(t.Context(), p, dashboards)()
	l := newLoad(crm, "p")
	stop := make(chan struct{})
	loading := l.run(p, stop)
	for _, mode := range []pgtest.Mode{pgtest.Fast, pgtest.Kill} {
		ackedMore(t, l, 50)
		require.NoError(t, server.Stop(mode))
		_, before := l.count()
		require.Eventually(t, func() bool { _, now := l.count(); return now > before }, 20*time.Second, 10*time.Millisecond, "429 while Postgres is away")
		require.NoError(t, server.StartAgain())
	}
	ackedMore(t, l, 50)
	close(stop)
	loading.Wait()
	settle(t, p, l, dashboards)
	p.stop()
	inspect(t, b, l, dashboards, "", 0)
}

// The disk fills up: webhooks are answered 429, the file is not damaged, and when there is room again
// ingestion goes on by itself.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 64<<20)
	b := onEmbedded(t, filepath.Join(dir, "data"))
	crm := newCRM(t)
	tokens := apply(t, b.storage, crm.catalog(buyers, 0))
	dashboards := map[string]*dashboard{}
	for _, buyer := range buyers {
		dashboards[buyer] = newDashboard(tokens[buyer])
	}
	p := serve(t, b.storage)
	defer watch(t.Context(), p, dashboards)()
	l := newLoad(crm, "d")
	stop := make(chan struct{})
	loading := l.run(p, stop)
	ackedMore(t, l, 50)

	ballast := filepath.Join(dir, "ballast")
	fill(t, ballast)
	_, before := l.count()
	require.Eventually(t, func() bool { _, now := l.count(); return now > before+5 }, 30*time.Second, 10*time.Millisecond, "429 while the disk is full")
	require.NoError(t, os.Remove(ballast))
	ackedMore(t, l, 50)
	close(stop)
	loading.Wait()
	settle(t, p, l, dashboards)
	p.stop()
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
	require.Eventually(t, func() bool { now, _ := l.count(); return now >= before+n }, 60*time.Second, 5*time.Millisecond, "%d more acked", n)
}

// smallDisk is a file system of its own with room for size bytes.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		if os.Getenv("CI_REQUIRE_REAL_PARTS") == "1" {
			t.Fatalf("mount a small tmpfs: %v; the disk-full test needs root", err)
		}
		t.Skipf("mount a small tmpfs: %v; run as root (sudo make test) to include the disk-full test", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill takes all the room that is left.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	require.NoError(t, err)
	defer f.Close()
	for block := make([]byte, 64<<10); ; {
		if _, err := f.Write(block); err != nil {
			if len(block) == 512 {
				return
			}
			block = block[:len(block)/2]
		}
	}
}
