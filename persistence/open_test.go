package persistence

import (
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/groupcommit"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParse(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		location string
		want     place
		ok       bool
		why      string
	}{
		{"/var/lib/leadwire", place{dir: "/var/lib/leadwire"}, true, "a path"},
		{"./data", place{dir: "data"}, true, "a path beside us"},
		{"data", place{dir: "data"}, true, "a bare name is a folder"},
		{"./odd:name", place{dir: "odd:name"}, true, "a path may hold a colon"},
		{"file:data", place{dir: "data"}, true, "the short form"},
		{"file:///var/lib/lead%20wire", place{dir: "/var/lib/lead wire"}, true, "the long form, with an escape"},
		{"sqlite:///var/lib/leadwire/", place{dir: "/var/lib/leadwire"}, true, "the form with the store's name"},
		{"postgres://u:p@h/db?x=1", place{url: "postgres://u:p@h/db?x=1"}, true, "a database, handed on untouched"},
		{"postgresql:///db", place{url: "postgresql:///db"}, true, "its other name"},
		{"", place{}, false, "nothing"},
		{"mysql://h/db", place{}, false, "a store we do not have"},
		{"sqlite://data", place{}, false, "two slashes name a host, and data is none"},
		{"sqlite:///", place{dir: "/"}, true, "the root, if somebody insists"},
		{"file:", place{}, false, "no folder"},
		{"file:data?mode=ro", place{}, false, "an option we would not honour"},
		{"file:%zz", place{}, false, "an escape that means nothing"},
	} {
		got, err := parse(row.location)
		require.Equal(t, row.ok, err == nil, "%s: %v", row.why, err)
		require.Equal(t, row.want, got, row.why)
		if !row.ok {
			require.Equal(t, domain.Invalid, domain.CodeOf(err), row.why)
			require.NotContains(t, err.Error(), "mysql://h", "a location may hold a password")
		}
	}
}

// The folder makes the embedded store, migrated before it is opened or by opening it.
func TestOpen_Embedded(t *testing.T) {
	t.Parallel()
	dir := "file://" + t.TempDir()
	require.NoError(t, Migrate(t.Context(), dir, Options{}))
	s, err := Open(t.Context(), dir, Options{})
	require.NoError(t, err)
	require.NoError(t, s.Ping(t.Context()))
	_, err = Open(t.Context(), dir, Options{})
	require.Equal(t, domain.Conflict, domain.CodeOf(err), "one process, one store")
	require.NoError(t, s.Close())
}

// A store that cannot be opened is nil, whichever it would have been.
func TestOpen_NothingWithAnError(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"", "postgres://127.0.0.1:1/none?connect_timeout=1", "/dev/null/data"} {
		s, err := Open(t.Context(), location, Options{})
		require.Error(t, err, location)
		require.Nil(t, s, location)
	}
}

// What is asked for arrives: every field that a store's own options share with these.
func TestOptions_ArePassedOn(t *testing.T) {
	t.Parallel()
	given := Options{
		Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Clock: domain.SystemClock{},
		Commit: groupcommit.Config{MaxOps: 7}, Readers: 7, CheckpointPages: 7, PgBouncer: true,
		Patience: 7 * time.Second, StatementTimeout: 7 * time.Second,
	}
	from := reflect.ValueOf(given)
	for i := range from.NumField() {
		name, found := from.Type().Field(i).Name, false
		require.False(t, from.Field(i).IsZero(), "give %s a value here", name)
		for _, store := range []any{given.embedded(), given.postgres()} {
			if to := reflect.ValueOf(store).FieldByName(name); to.IsValid() {
				found = true
				require.Equal(t, from.Field(i).Interface(), to.Interface(), "%s of %T", name, store)
			}
		}
		require.True(t, found, "no store has %s", name)
	}
}
