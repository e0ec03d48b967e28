package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/groupcommit"
)

// Store is a domain.Store on PostgreSQL.
type Store struct {
	opts    Options
	metrics *metrics
	writer  *groupcommit.Writer[op, reply]
	line    *line
	readers *pgxpool.Pool
	leases  *pgxpool.Pool                // for what must not wait for reads: see leaseConns
	feeds   map[domain.BuyerKey]struct{} // known to have a row; the commit's alone
	heads   map[string]struct{}          // likewise, by account
	// endpoints likewise.
	endpoints map[domain.EndpointKey]struct{}
	epoch     atomic.Pointer[string]

	backlogLimit int // tests lower it; and of a queue
}

var _ domain.Store = (*Store)(nil)

// Open connects to the database at url, brings its schema up to date and prepares its partitions. The
// url is libpq's form; several hosts may be named, and the one that can be written to is used.
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	const doing = "open postgres"
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	cfg, err := configure(url, opts)
	if err != nil {
		return nil, domain.Fail(doing, domain.Invalid, err)
	}
	s := &Store{opts: opts, feeds: map[domain.BuyerKey]struct{}{}, heads: map[string]struct{}{},
		endpoints: map[domain.EndpointKey]struct{}{}, backlogLimit: domain.BacklogLimit}
	if s.metrics, err = newMetrics(opts.Registerer, opts.Readers); err != nil {
		return nil, fail(doing, err)
	}
	if err := s.start(ctx, cfg); err != nil {
		s.metrics.unregister()
		return nil, fail(doing, err)
	}
	return s, nil
}

func (s *Store) start(ctx context.Context, cfg *pgxpool.Config) error {
	if err := migrate(ctx, cfg.ConnConfig, s.opts); err != nil {
		return err
	}
	dial := func(ctx context.Context) (*pgx.Conn, error) { return s.dial(ctx, cfg.ConnConfig) }
	conn, err := dial(ctx)
	if err != nil {
		return err
	}
	s.line = newLine(conn, s.opts, s.metrics, dial)
	if s.readers, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		s.line.close()
		return fmt.Errorf("make reader pool: %w", err)
	}
	leases := cfg.Copy()
	leases.MaxConns = leaseConns
	if s.leases, err = pgxpool.NewWithConfig(ctx, leases); err != nil {
		s.line.close()
		s.readers.Close()
		return fmt.Errorf("make lease pool: %w", err)
	}
	s.writer, err = groupcommit.New(s.opts.Commit, groupcommit.Deps{Log: s.opts.Log, Registerer: s.opts.Registerer, Clock: s.opts.Clock},
		groupcommit.Work[op, reply]{Commit: s.commit, Size: op.size, Kind: op.kind})
	if err != nil {
		s.line.close()
		s.readers.Close()
		s.leases.Close()
	}
	return err
}

// leaseConns are a node's connections for leases and partitions: one to renew, one to claim and give back. A few slow reads
// would take its lease away if it had to wait for them.
const leaseConns = 2

// configure reads the url and adds what the store needs.
func configure(url string, o Options) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err // it does not repeat the password
	}
	cfg.MaxConns = int32(o.Readers)
	cfg.MinConns = 1
	cc := cfg.ConnConfig
	cc.ConnectTimeout = dialPatience
	cc.Tracer = o.Tracer
	if cc.ValidateConnect == nil {
		cc.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	if o.PgBouncer {
		cc.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		return cfg, nil
	}
	for name, value := range o.settings() {
		if _, set := cc.RuntimeParams[name]; !set { // the url has the last word
			cc.RuntimeParams[name] = value
		}
	}
	return cfg, nil
}

// dial opens the writer's connection and checks what it leads to.
func (s *Store) dial(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.StatementTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, cfg.Copy())
	if err != nil {
		return nil, err
	}
	epoch, err := inspect(ctx, conn)
	if err != nil {
		_ = conn.Close(ctx) // the first error says more
		return nil, err
	}
	s.epoch.Store(&epoch)
	return conn, nil
}

// inspect refuses a server that would not keep what it confirms, and reads the store's epoch.
func inspect(ctx context.Context, conn *pgx.Conn) (epoch string, err error) {
	var sync string
	if err := conn.QueryRow(ctx, `SELECT current_setting('synchronous_commit')`).Scan(&sync); err != nil {
		return "", fmt.Errorf("read settings: %w", err)
	}
	if sync == "off" {
		return "", domain.FailField("open postgres", "synchronous_commit", "must not be off: a confirmed commit could be lost")
	}
	return readEpoch(ctx, conn)
}

// Close stops taking work, finishes what is queued, and closes: see domain.Store.
func (s *Store) Close() error {
	s.writer.Close()
	s.line.close()
	s.readers.Close()
	s.leases.Close()
	s.metrics.unregister()
	return nil
}

// Ping answers whether the store can be written to, by writing: a full disk and a standby can be read.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.writer.Do(ctx, op{ping: true})
	return err
}

// randomBytes are for the store's identity and token key.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails; it ends the program instead
	return b
}
