// Package persistence picks the store behind a place: a folder is the embedded one, a postgres:// URL a
// database.
//
//	./leadwire-data                    persistence/embedded   one SQLite file, one process
//	postgres://ann@db/leads?sslmode=…  persistence/postgres   PostgreSQL 15 or newer, one node or many
//
// Both keep every promise of domain.Store; package storetest proves it. It knows no actor and no HTTP.
package persistence

import (
	"context"
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/embedded"
	"github.com/leadwire/leadwire/persistence/groupcommit"
	"github.com/leadwire/leadwire/persistence/postgres"
)

// Options shape either store. Zero fields take their default.
type Options struct {
	Log        *slog.Logger          // nil: silent
	Registerer prometheus.Registerer // nil: metrics are kept and not exposed
	Clock      domain.Clock          // nil: the machine's
	Commit     groupcommit.Config    // limits of the writer's batches and its queue
	// PgBouncer makes the Postgres store work behind a pooler in transaction mode.
	PgBouncer bool
}

// Open opens the store at a place and brings its schema up to date.
func Open(ctx context.Context, place string, o Options) (domain.Store, error) {
	if IsPostgres(place) {
		s, err := postgres.Open(ctx, place, postgres.Options{
			Log: o.Log, Registerer: o.Registerer, Clock: o.Clock, Commit: o.Commit, PgBouncer: o.PgBouncer,
		})
		if err != nil {
			return nil, err // not s: a nil *Store in an interface is not nil
		}
		return s, nil
	}
	s, err := embedded.Open(ctx, place, embedded.Options{Log: o.Log, Registerer: o.Registerer, Clock: o.Clock, Commit: o.Commit})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// IsPostgres says whether a place is a database and not a folder.
func IsPostgres(place string) bool {
	return strings.HasPrefix(place, "postgres://") || strings.HasPrefix(place, "postgresql://")
}
