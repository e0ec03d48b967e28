package identitydb

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Options of a tier. Zero fields take their default.
type Options struct {
	// Connections is the most lookups in the database at a time; default 16. identity.Slow sends at most its
	// Concurrency; those over wait here, within its deadline.
	Connections int
	// Timeout ends a statement in the database; default 1s: by then nobody waits for it.
	Timeout time.Duration
	// PgBouncer works behind a pooler that gives out connections per transaction: no named statements and no
	// settings. Then the role has to carry them: ALTER ROLE ... SET statement_timeout = '1s',
	// default_transaction_read_only = on, search_path where the schema is not public.
	PgBouncer bool
	Log       *slog.Logger // nil: silent
}

func (o Options) withDefaults() Options {
	if o.Connections == 0 {
		o.Connections = 16
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func (o Options) validate() error {
	const doing = "configure identity tier"
	if o.Connections < 1 || o.Connections > 100 {
		return domain.FailField(doing, "connections", fmt.Sprintf("must be 1 to 100, is %d", o.Connections))
	}
	if o.Timeout < 10*time.Millisecond {
		return domain.FailField(doing, "timeout", "must be at least 10ms")
	}
	return nil
}
