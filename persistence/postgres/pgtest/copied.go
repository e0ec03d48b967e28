package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// mould is what the databases of a test binary are copied from.
var mould struct {
	once sync.Once
	name string
	err  error
}

// Copied returns the URL of a database of the test's own that is as prepare leaves an empty one. prepare runs
// once in a test binary, for whoever comes first, so it is the same for all of them; and it closes what it
// opens. A copy takes a third of what some hundred tables and indexes take to make. It goes through the log, 9 MB
// of it: to copy files asks for a checkpoint, and then for the disk of every test that runs beside. Like Fresh's
// schemas the databases go with the server.
func Copied(t testing.TB, prepare func(ctx context.Context, url string) error) string {
	t.Helper()
	server := Shared(t)
	mould.once.Do(func() { mould.name, mould.err = cast(context.WithoutCancel(t.Context()), server, prepare) })
	if mould.err != nil {
		t.Fatal(mould.err)
	}
	name, err := create(t.Context(), server, " TEMPLATE "+pgx.Identifier{mould.name}.Sanitize())
	if err != nil {
		t.Fatal(err)
	}
	return database(server, name)
}

// cast makes the mould. It outlives the test that asked for it first.
func cast(ctx context.Context, server string, prepare func(ctx context.Context, url string) error) (string, error) {
	name, err := create(ctx, server, "")
	if err != nil {
		return "", err
	}
	if err := prepare(ctx, database(server, name)); err != nil {
		return "", fmt.Errorf("prepare the database that others are copied from: %w", err)
	}
	return name, nil
}

func create(ctx context.Context, server, how string) (string, error) {
	name := "t_" + uuid.NewString()[:13]
	if err := run(ctx, server, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()+how); err != nil {
		return "", fmt.Errorf("make a test's database: %w", err)
	}
	return name, nil
}

// database is the URL of a database on a server.
func database(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server // it is one of ours
	}
	u.Path = "/" + name
	return u.String()
}
