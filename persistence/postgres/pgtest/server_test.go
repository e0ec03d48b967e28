package pgtest_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/persistence/postgres/pgserver"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// What is committed is there again however the server ended, at the same address.
func TestServer_KeepsItsDataAcrossEveryStop(t *testing.T) {
	t.Parallel()
	pgtest.SkipShort(t)
	server, err := pgserver.Start(t.TempDir())
	pgtest.Require(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(pgserver.Immediate)) })
	run := func(sql string) (n int) {
		conn, err := pgx.Connect(t.Context(), server.URL())
		require.NoError(t, err)
		defer func() { require.NoError(t, conn.Close(t.Context())) }()
		require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&n))
		return n
	}
	conn, err := pgx.Connect(t.Context(), server.URL())
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "CREATE TABLE kept (n int)")
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	for i, how := range []pgserver.Mode{pgserver.Fast, pgserver.Immediate, pgserver.Kill} {
		run("INSERT INTO kept VALUES (1) RETURNING n")
		require.NoError(t, server.Stop(how))
		_, err := pgx.Connect(t.Context(), server.URL())
		require.Error(t, err, "it is down")
		require.NoError(t, server.StartAgain())
		require.Equal(t, i+1, run("SELECT count(*) FROM kept"))
	}
	require.Equal(t, 1, run("SELECT (current_setting('fsync') = 'on')::int"), "a test server syncs like a real one")
}

// Two tests of one binary share the server and see nothing of each other.
func TestFresh_IsASchemaOfItsOwn(t *testing.T) {
	t.Parallel()
	for range 2 {
		conn, err := pgx.Connect(t.Context(), pgtest.Fresh(t))
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), "CREATE TABLE mine (n int)")
		require.NoError(t, err)
		require.NoError(t, conn.Close(t.Context()))
	}
}

// Each test has a copy of what was prepared, which is prepared once and seen by nobody else.
func TestCopied_IsPreparedOnce(t *testing.T) {
	t.Parallel()
	prepared := 0
	for range 3 {
		conn, err := pgx.Connect(t.Context(), pgtest.Copied(t, func(ctx context.Context, url string) error {
			prepared++
			conn, err := pgx.Connect(ctx, url)
			require.NoError(t, err)
			_, err = conn.Exec(ctx, "CREATE TABLE mine AS SELECT 1 AS n")
			require.NoError(t, err)
			return conn.Close(ctx)
		}))
		require.NoError(t, err)
		var n int
		require.NoError(t, conn.QueryRow(t.Context(), "INSERT INTO mine SELECT n + 1 FROM mine RETURNING (SELECT count(*) FROM mine)").Scan(&n))
		require.Equal(t, 1, n)
		require.NoError(t, conn.Close(t.Context()))
	}
	require.Equal(t, 1, prepared)
}
