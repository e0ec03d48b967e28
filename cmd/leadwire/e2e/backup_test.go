package e2e_test

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/persistence/postgres/pgserver"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// restored is the story of every restore: what was acked before the backup is there, once, pages that saw what came after it are told
// to refetch and go on without a gap, tokens stay good, and what the CRM sends again is taken for what it is.
type restored struct {
	crm        *crm
	before     *load // acked before the backup
	after      *load // acked after it, and lost
	dashboards map[string]*dashboard
}

func newRestored(t *testing.T, storage []string) *restored {
	t.Helper()
	r := &restored{crm: newCRM(t)}
	r.before, r.after = newLoad(r.crm, "before"), newLoad(r.crm, "after")
	r.dashboards = openAll(apply(t, storage, r.crm.catalog(buyers, 0)))
	return r
}

// fill acks leads before the backup that take makes, and more of them after it, all of which the pages see.
func (r *restored) fill(t *testing.T, p *process, take func()) {
	t.Helper()
	defer watch(t, p, r.dashboards)()
	for range 40 {
		r.before.send(p, r.before.draw())
	}
	settle(t, p, r.before, r.dashboards)
	take()
	for range 20 {
		r.after.send(p, r.after.draw())
	}
	require.Zero(t, r.after.unacked())
	acked, _ := r.before.count()
	more, _ := r.after.count()
	r.shows(t, acked+more)
}

// shows waits until the pages together were shown so many rows, and no more.
func (r *restored) shows(t *testing.T, want int) {
	t.Helper()
	for end := time.Now().Add(patience); ; <-time.After(patienceStep) { // five pages, any of which may be shown the next
		shown := 0
		for _, d := range r.dashboards {
			rows, _ := d.counts()
			shown += rows
		}
		if shown == want {
			return
		}
		require.Less(t, shown, want)
		require.True(t, time.Now().Before(end), "%d of %d rows are shown", shown, want)
	}
}

// verify serves the restored store.
func (r *restored) verify(t *testing.T, b backend) {
	t.Helper()
	for _, e := range r.before.events() {
		require.Equal(t, 1, b.received(t)[e.id()], e.id())
	}
	for _, e := range r.after.events() {
		require.Zero(t, b.received(t)[e.id()], "%s came after the backup", e.id())
	}
	p := serve(t, b.storage)
	stop := watch(t, p, r.dashboards)
	ctx, enough := context.WithTimeout(t.Context(), patience)
	defer enough()
	for buyer, d := range r.dashboards {
		require.True(t, d.until(ctx, func() bool { return d.resyncs > 0 }), "%s saw more than was restored, and has to be told to refetch", buyer)
		d.note(func() { d.rows = nil })
	}
	for _, e := range append(r.before.events(), r.after.events()...) {
		status, err := r.crm.post(p, e.body())
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
	}
	lost := r.after.events()
	r.shows(t, len(lost)) // what was restored is a duplicate
	stop()
	p.stop()
	for _, e := range append(r.before.events(), lost...) {
		require.Equal(t, 1, b.received(t)[e.id()], e.id())
	}
}

// `leadwire backup` copies the embedded store while a node works on it; the copy and the master key are all that a restore needs.
func TestBackup_Embedded(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	data, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "restored")
	r := newRestored(t, []string{"--data", data})
	p := serve(t, []string{"--data", data})
	require.NoError(t, os.Mkdir(elsewhere, 0o700))
	r.fill(t, p, func() { leadwire(t, "backup", "--data", data, "--to", filepath.Join(elsewhere, "leadwire.db")) })
	p.kill()
	key, err := os.ReadFile(filepath.Join(data, "master.key"))
	require.NoError(t, err)
	write(t, elsewhere, "master.key", key)
	r.verify(t, onEmbedded(t, elsewhere))
}

// A dump of Postgres goes into another database; a dump is another history by itself.
func TestBackup_PostgresDump(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	server := ownPostgres(t)
	r := newRestored(t, []string{"--store", server.URL(), "--data", t.TempDir()})
	p := serve(t, []string{"--store", server.URL(), "--data", t.TempDir()})
	file := filepath.Join(t.TempDir(), "leadwire.dump")
	r.fill(t, p, func() {
		check(t, pgProgram(t, "pg_dump"), "--format=custom", "--file", file, "--dbname", server.URL())
	})
	p.stop()
	statement(t, server.URL(), "CREATE DATABASE restored")
	url := strings.Replace(server.URL(), "/postgres?", "/restored?", 1)
	check(t, pgProgram(t, "pg_restore"), "--no-owner", "--exit-on-error", "--dbname", url, file)
	r.verify(t, onPostgres(t, url))
}

// A base backup with the archived log goes back to a point in time, on a timeline of its own: that is another history by itself.
func TestBackup_PostgresPointInTime(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	archive := t.TempDir()
	require.NoError(t, os.Chmod(archive, 0o777))
	server, dir := ownPostgresIn(t, "archive_mode=on", "archive_command=cp %p "+archive+"/%f", "restore_command=cp "+archive+"/%f %p",
		"recovery_target_name=before", "recovery_target_action=promote")
	base := filepath.Join(t.TempDir(), "base")
	check(t, pgProgram(t, "pg_basebackup"), "--dbname", server.URL(), "--pgdata", base, "--wal-method=stream", "--checkpoint=fast")
	r := newRestored(t, []string{"--store", server.URL(), "--data", t.TempDir()})
	p := serve(t, []string{"--store", server.URL(), "--data", t.TempDir()})
	r.fill(t, p, func() { statement(t, server.URL(), "SELECT pg_create_restore_point('before')") })
	p.stop()
	statement(t, server.URL(), "SELECT pg_switch_wal()")
	write(t, base, "recovery.signal")
	putBack(t, server, dir, base)
	r.verify(t, onPostgres(t, server.URL()))
}

// A base backup that is started as it is goes on with the history that it was taken from, and nothing tells the two apart: it needs the
// statement of docs/deploy.md.
func TestBackup_PostgresBaseAsItIs(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	server, dir := ownPostgresIn(t)
	r := newRestored(t, []string{"--store", server.URL(), "--data", t.TempDir()})
	p := serve(t, []string{"--store", server.URL(), "--data", t.TempDir()})
	base := filepath.Join(t.TempDir(), "base")
	r.fill(t, p, func() {
		check(t, pgProgram(t, "pg_basebackup"), "--dbname", server.URL(), "--pgdata", base, "--wal-method=stream", "--checkpoint=fast")
	})
	p.stop()
	putBack(t, server, dir, base)
	const newHistory = "UPDATE store SET history = uuid_send(gen_random_uuid())"
	page, err := os.ReadFile(deployDir + ".md")
	require.NoError(t, err)
	require.Contains(t, string(page), newHistory)
	statement(t, server.URL(), newHistory)
	r.verify(t, onPostgres(t, server.URL()))
}

func ownPostgres(t *testing.T) *pgserver.Server {
	t.Helper()
	server, _ := ownPostgresIn(t)
	return server
}

// ownPostgresIn starts a server that a test may stop, and returns the folder of its data.
func ownPostgresIn(t *testing.T, settings ...string) (server *pgserver.Server, data string) {
	t.Helper()
	dir := t.TempDir()
	server, err := pgserver.Start(dir, settings...)
	pgtest.Require(t, err)
	t.Cleanup(func() { _ = server.Stop(pgserver.Immediate) })
	return server, filepath.Join(dir, "pg", "data")
}

// putBack replaces a server's data by a base backup, and starts it on that.
func putBack(t *testing.T, server *pgserver.Server, data, base string) {
	t.Helper()
	require.NoError(t, server.Stop(pgserver.Fast))
	info, err := os.Stat(data)
	require.NoError(t, err)
	owner, ok := info.Sys().(*syscall.Stat_t)
	require.True(t, ok)
	require.NoError(t, os.RemoveAll(data))
	check(t, "cp", "-r", base, data)
	require.NoError(t, filepath.WalkDir(data, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, int(owner.Uid), int(owner.Gid))
	}))
	require.NoError(t, os.Chmod(data, 0o700))
	require.NoError(t, server.StartAgain())
	for end := time.Now().Add(patience); inRecovery(t, server.URL()); <-time.After(patienceStep) { // it answers reads before it has replayed its log
		require.True(t, time.Now().Before(end))
	}
}

func inRecovery(t *testing.T, url string) (is bool) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT pg_is_in_recovery()").Scan(&is))
	return is
}

func statement(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol) // several statements
	require.NoError(t, err)
}

// pgProgram is a client program of PostgreSQL, of the newest version there is.
func pgProgram(t *testing.T, name string) string {
	t.Helper()
	all, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	require.NoError(t, err)
	if dir := os.Getenv("LEADWIRE_PG_BIN"); dir != "" {
		all = append(all, filepath.Join(dir, name))
	}
	for i := len(all) - 1; i >= 0; i-- {
		if path, err := exec.LookPath(all[i]); err == nil {
			return path
		}
	}
	return part(t, name, "postgresql-client")
}
