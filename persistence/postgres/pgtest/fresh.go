package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/leadwire/leadwire/persistence/postgres/pgserver"
)

// shared is the one server of a test binary. It is package state because a test binary is one program
// with one TestMain; it starts with the first test that asks for it.
var shared struct {
	once   sync.Once
	server *pgserver.Server
	dir    string
	err    error
}

// Main runs a package's tests and then stops the server they shared. It returns the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
func Main(m interface{ Run() int }) int {
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.Stop(pgserver.Immediate); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	if shared.dir != "" {
		if err := os.RemoveAll(shared.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return code
}

// Shared returns the URL of the server of this test binary, starting it first if need be. Nobody may
// stop it. Without PostgreSQL on the machine the test is skipped, and by -short.
func Shared(t testing.TB) string {
	t.Helper()
	SkipShort(t)
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "leadwire-pg-"); shared.err == nil {
			shared.server, shared.err = pgserver.Start(shared.dir, "max_connections=300")
		}
	})
	Require(t, shared.err)
	return shared.server.URL()
}

// SkipShort leaves out a test that is about to start a server when -short asks for what needs nothing
// but Go.
func SkipShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped by -short: runs a real PostgreSQL")
	}
}

// Require ends the test if err is not nil: a skip where PostgreSQL is missing, unless the environment
// has CI_REQUIRE_REAL_PARTS=1, else a failure.
func Require(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, pgserver.ErrMissing) && os.Getenv("CI_REQUIRE_REAL_PARTS") != "1":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

// Fresh returns a URL into a new, empty schema of the shared server. It goes with the server: dropping
// its tables one by one takes as long as many a test.
func Fresh(t testing.TB) string {
	t.Helper()
	return FreshAt(t, Shared(t))
}

// FreshAt is Fresh on any server.
func FreshAt(t testing.TB, server string) string {
	t.Helper()
	schema := "t_" + uuid.NewString()[:13]
	name := pgx.Identifier{schema}.Sanitize()
	if err := run(t.Context(), server, "CREATE SCHEMA "+name); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func run(ctx context.Context, server, sql string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(ctx, sql)
	return err
}
