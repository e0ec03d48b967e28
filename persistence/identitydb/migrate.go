package identitydb

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"github.com/leadwire/leadwire/actors/domain"
)

// Files are named NNNN_what.sql, may run again and again, and are never changed once released.
//
//go:embed migrations/*.sql
var migrations embed.FS

// Migrate makes the tables at url, those that are missing. Nothing else here writes.
func Migrate(ctx context.Context, url string) error {
	const doing = "migrate identity tier"
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return domain.Fail(doing, domain.Invalid, err)
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return domain.Fail(doing, domain.Unavailable, err)
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is open in it any more
	if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return apply(ctx, tx) }); err != nil {
		return domain.Fail(doing, domain.Unavailable, err)
	}
	return nil
}

func apply(ctx context.Context, tx pgx.Tx) error {
	// Two at once would both find a table missing. The lock goes with the transaction.
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('leadwire identity ' || current_schema(), 0))`); err != nil {
		return fmt.Errorf("take the schema lock: %w", err)
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	for _, name := range names { // sorted by Glob
		text, err := migrations.ReadFile(name)
		if err != nil {
			return fmt.Errorf("open migration %s: %w", name, err)
		}
		if _, err := tx.Exec(ctx, string(text)); err != nil {
			return fmt.Errorf("apply migration %s: %w", name, err)
		}
	}
	return nil
}
