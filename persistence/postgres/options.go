package postgres

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/groupcommit"
	"github.com/prometheus/client_golang/prometheus"
)

// Options shape a Store. Zero fields take their default.
type Options struct {
	Log        *slog.Logger          // nil: silent
	Registerer prometheus.Registerer // nil: metrics are kept and not exposed
	Clock      domain.Clock          // nil: the machine's

	// Commit limits the group commit's batches and queue.
	Commit groupcommit.Config
	// Readers is the most connections for reads; default 4: reads are short, and a server's connections
	// are shared by all nodes.
	Readers int
	// Patience is how long one batch waits for a lost database to come back before its callers get
	// Unavailable; default 2 s: a restart of the server often fits in, and a source's request does not
	// time out. Later batches do not wait again until it is back.
	Patience time.Duration
	// StatementTimeout ends a statement on the server, and half as much again ends the wait for it here;
	// default 5 s: a healthy commit takes milliseconds, so whatever takes longer is not coming.
	StatementTimeout time.Duration
	// PgBouncer makes the store work behind a pooler that gives out connections per transaction: no named
	// prepared statements and no settings at connection start. Then the role has to carry them: ALTER ROLE
	// ... SET statement_timeout = '5s', plan_cache_mode, search_path where the schema is not public. The
	// pooler's own pool must be in transaction or session mode.
	PgBouncer bool
	// Tracer watches every query, for tests and diagnosis. Nil: none.
	Tracer pgx.QueryTracer
	// Fail is asked at every step of a commit (see Steps); an error stands for a connection lost at that
	// point. For tests. Nil: never fails.
	Fail func(step string) error
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = domain.SystemClock{}
	}
	if o.Readers == 0 {
		o.Readers = 4
	}
	if o.Patience == 0 {
		o.Patience = 2 * time.Second
	}
	if o.StatementTimeout == 0 {
		o.StatementTimeout = 5 * time.Second
	}
	if o.Fail == nil {
		o.Fail = func(string) error { return nil }
	}
	o.Commit.Outcomes = outcomes
	return o
}

func (o Options) validate() error {
	if o.Readers < 1 || o.Readers > 100 {
		return domain.FailField("configure postgres", "readers", fmt.Sprintf("must be 1 to 100, is %d", o.Readers))
	}
	if o.Patience < 0 {
		return domain.FailField("configure postgres", "patience", "must not be negative")
	}
	if o.StatementTimeout < 100*time.Millisecond {
		return domain.FailField("configure postgres", "statement_timeout", "must be at least 100ms")
	}
	return nil
}

// settings are what every connection carries when no pooler stands between. PostgreSQL would otherwise
// take them from the role and the server, where an operator's choice for another program may be wrong
// for this one.
func (o Options) settings() map[string]string {
	return map[string]string{
		"application_name":                    "leadwire",
		"statement_timeout":                   fmt.Sprint(o.StatementTimeout.Milliseconds()),
		"idle_in_transaction_session_timeout": "10000", // a hung node must not hold row locks for longer
		// A node that is cut off: its connections, and the locks of a commit that it was in the middle of, end within 15s.
		"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "2", "tcp_user_timeout": "15000",
		"default_transaction_isolation": "read committed",
		// Plans made once, for arrays of unknown length: index probes per row, also on tables that were
		// small or unanalysed when the plan was made. A plan that reads a whole table grows with it.
		"plan_cache_mode":  "force_generic_plan",
		"enable_seqscan":   "off",
		"random_page_cost": "1.1",
		"jit":              "off", // compiling takes longer than any statement here runs
	}
}
