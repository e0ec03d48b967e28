package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// Files are named NNNN_what.sql, numbered from 1 without a gap, and never changed once released.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

type migration struct {
	version   int
	name, sql string
}

// Migrate brings the schema at url up to date and prepares its partitions. It may run on several nodes
// at once, and while older nodes are working. Open does the same.
func Migrate(ctx context.Context, url string, opts Options) error {
	opts = opts.withDefaults()
	cfg, err := configure(url, opts)
	if err != nil {
		return domain.Fail("migrate", domain.Invalid, err)
	}
	return fail("migrate", migrate(ctx, cfg.ConnConfig, opts))
}

func migrate(ctx context.Context, cfg *pgx.ConnConfig, opts Options) error {
	all, err := migrations()
	if err != nil {
		return err
	}
	cfg = cfg.Copy()
	delete(cfg.RuntimeParams, "statement_timeout") // an index on a big table takes what it takes
	delete(cfg.RuntimeParams, "enable_seqscan")
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is open in it any more
	if err := checkServer(ctx, conn); err != nil {
		return err
	}
	// The lock is held by the transaction and not by the session, so that it also works through a pooler.
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := lockSchema(ctx, tx); err != nil {
			return err
		}
		if err := apply(ctx, tx, all, opts); err != nil {
			return err
		}
		// Identity and key are drawn here once; every later Open finds them.
		if _, err := tx.Exec(ctx, `INSERT INTO store (history, token_key, catalog) VALUES ($1, $2, '{}') ON CONFLICT DO NOTHING`,
			randomBytes(16), randomBytes(32)); err != nil {
			return fmt.Errorf("draw the store's identity: %w", err)
		}
		_, err := prepareDays(ctx, tx, opts.Clock.Now(), moveLimit, opts.Log)
		return err
	})
}

// oldest is the version the statements are written for and tested on.
const oldest = 150000

func checkServer(ctx context.Context, conn *pgx.Conn) error {
	var version int
	var schema *string
	if err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_schema()`).Scan(&version, &schema); err != nil {
		return fmt.Errorf("read server version: %w", err)
	}
	if version < oldest {
		return domain.FailField("migrate", "server_version", fmt.Sprintf("must be PostgreSQL 15 or newer, is %d", version/10000))
	}
	if schema == nil {
		return domain.FailField("migrate", "search_path", "must name a schema that exists")
	}
	return nil
}

// lockSchema lets one node at a time change this schema's tables.
func lockSchema(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('leadwire schema ' || current_schema(), 0))`); err != nil {
		return fmt.Errorf("take the schema lock: %w", err)
	}
	return nil
}

func apply(ctx context.Context, tx pgx.Tx, all []migration, opts Options) error {
	if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS migrations (
		version int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`); err != nil {
		return fmt.Errorf("make the table of migrations: %w", err)
	}
	var done int
	if err := tx.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM migrations`).Scan(&done); err != nil {
		return fmt.Errorf("read the table of migrations: %w", err)
	}
	if done > len(all) { // a newer binary was here; migrations only add, so this one goes on working
		opts.Log.Warn("the schema is newer than this program", "schema", done, "program", len(all))
		return nil
	}
	for _, m := range all[done:] {
		if _, err := tx.Conn().PgConn().Exec(ctx, m.sql).ReadAll(); err != nil {
			return fmt.Errorf("apply migration %s: %w", m.name, err)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO migrations (version, name) VALUES ($1, $2)`, m.version, m.name); err != nil {
			return fmt.Errorf("record migration %s: %w", m.name, err)
		}
		opts.Log.Info("migrated", "version", m.version, "name", m.name)
	}
	return nil
}

// migrations reads the embedded files in their order.
func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	all := make([]migration, 0, len(names))
	for i, file := range names { // Glob sorts
		name := strings.TrimSuffix(strings.TrimPrefix(file, "migrations/"), ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("open migration %s: its number must be %d", name, i+1)
		}
		sql, err := fs.ReadFile(migrationFiles, file)
		if err != nil {
			return nil, fmt.Errorf("open migration %s: %w", name, err)
		}
		all = append(all, migration{version, name, string(sql)})
	}
	return all, nil
}
