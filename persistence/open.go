// Package persistence picks a store by its URL. Both keep every promise of domain.Store, which
// storetest proves against each.
//
//	/var/lib/leadwire, file:dir, sqlite:///var/lib/leadwire ─▶ embedded  one file, one process
//	postgres://..., postgresql://...                        ─▶ postgres  one database, many nodes
//
// It knows no more of either than how to open it.
package persistence

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/embedded"
	"github.com/leadwire/leadwire/persistence/groupcommit"
	"github.com/leadwire/leadwire/persistence/postgres"
	"github.com/prometheus/client_golang/prometheus"
)

// Options hold for either store. The zero value is right for production, but silent.
type Options struct {
	Log        *slog.Logger          // nil: silent
	Registerer prometheus.Registerer // nil: metrics are kept and not exposed
	Clock      domain.Clock          // nil: the machine's
	Commit     groupcommit.Config    // limits of the writer's batches and queue
	Readers    int                   // connections that only read; 0: the store's default

	CheckpointPages int // embedded: length of the write-ahead log, in pages of 4 KiB; default 32768

	PgBouncer        bool          // Postgres: the database is behind a pooler; see postgres.Options
	Patience         time.Duration // Postgres: how long a batch waits for a lost database; default 2s
	StatementTimeout time.Duration // Postgres: the server ends a statement that takes longer; default 5s
}

func (o Options) embedded() embedded.Options {
	return embedded.Options{
		Log: o.Log, Registerer: o.Registerer, Clock: o.Clock, Commit: o.Commit, Readers: o.Readers,
		CheckpointPages: o.CheckpointPages,
	}
}

func (o Options) postgres() postgres.Options {
	return postgres.Options{
		Log: o.Log, Registerer: o.Registerer, Clock: o.Clock, Commit: o.Commit, Readers: o.Readers,
		PgBouncer: o.PgBouncer, Patience: o.Patience, StatementTimeout: o.StatementTimeout,
	}
}

// Open opens the store that location names, migrated, and makes an embedded one that does not exist
// yet. The error is Invalid for a location that names none, Conflict for a folder that another process
// has open, and Unavailable for a database that does not answer.
func Open(ctx context.Context, location string, opts Options) (domain.Store, error) {
	at, err := parse(location)
	if err != nil {
		return nil, err
	}
	if at.url != "" {
		s, err := postgres.Open(ctx, at.url, opts.postgres())
		if err != nil {
			return nil, err // and not a nil *postgres.Store that is no nil domain.Store
		}
		return s, nil
	}
	s, err := embedded.Open(ctx, at.dir, opts.embedded())
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Migrate brings the store's schema up to date without opening it, as Open does.
func Migrate(ctx context.Context, location string, opts Options) error {
	at, err := parse(location)
	switch {
	case err != nil:
		return err
	case at.url != "":
		return postgres.Migrate(ctx, at.url, opts.postgres())
	default:
		_, err := embedded.Migrate(ctx, at.dir, opts.embedded())
		return err
	}
}

// place is one of the two.
type place struct{ dir, url string }

func parse(location string) (place, error) {
	scheme, rest, found := strings.Cut(location, ":")
	switch {
	case location == "":
		return place{}, refuse("must name a folder or a database")
	case !found || strings.ContainsAny(scheme, `/\.`) || len(scheme) == 1: // a path, or a drive's letter
		return place{dir: filepath.Clean(location)}, nil
	}
	switch scheme {
	case "postgres", "postgresql":
		return place{url: location}, nil
	case "file", "sqlite":
		return folder(rest)
	default:
		return place{}, refuse("must begin with postgres:, sqlite: or file:, or be a path")
	}
}

// folder reads file:dir, file:///dir and sqlite:///dir.
func folder(rest string) (place, error) {
	rest, authority := strings.CutPrefix(rest, "//")
	dir, err := url.PathUnescape(rest)
	switch {
	case err != nil:
		return place{}, refuse("has an escape that cannot be read")
	case dir == "" || strings.ContainsAny(dir, "?#"):
		return place{}, refuse("must name a folder and nothing more")
	case authority && !strings.HasPrefix(dir, "/"):
		return place{}, refuse(fmt.Sprintf("names the host %q: after two slashes the path begins with a third", strings.SplitN(dir, "/", 2)[0]))
	}
	return place{dir: filepath.Clean(dir)}, nil
}

// refuse names the rule and not the location: a mistyped one may hold a password.
func refuse(rule string) error { return domain.FailField("open store", "store", rule) }
