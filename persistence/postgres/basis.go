package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// A suppression counts from the moment that Suppress returns: what was matched before it must not be committed
// after it. Commits that go by suppressions (see op.hasBasis) hold an advisory lock, shared, from their first
// statement to their end (lock_basis.sql), and whoever raises the revision holds it alone:
//
//	commit in flight   Suppress waits for it: it was before
//	commit that comes  waits for Suppress, then reads the new revision: its statement begins after the lock
//
// The lock is memory of the server's, not a row: many take it at once and nothing is written for it.

// raise runs f alone among all who go by the revision of suppressions.
func (s *Store) raise(ctx context.Context, doing string, f func(context.Context, pgx.Tx) error) error {
	if err := s.opts.Fail(stepBegin); err != nil {
		return domain.Fail(doing, domain.Unavailable, err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.StatementTimeout*3/2)
	defer cancel()
	if err := pgx.BeginFunc(ctx, s.readers, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('leadwire suppressions ' || current_schema(), 0))`); err != nil {
			return fmt.Errorf("wait for commits: %w", err)
		}
		return f(ctx, tx)
	}); err != nil {
		return fail(doing, err)
	}
	if err := s.opts.Fail(stepCommitted); err != nil {
		return domain.Fail(doing, domain.Unavailable, err)
	}
	return nil
}

const sqlBasis = `SELECT suppression_revision FROM store WHERE one`

const sqlRaiseSuppressions = `UPDATE store SET suppression_revision = suppression_revision + 1 RETURNING suppression_revision`

// SuppressionRevision reads just the revision of suppressions.
func (s *Store) SuppressionRevision(ctx context.Context) (int64, error) {
	return read(ctx, s, "read suppression revision", readBasis)
}

func readBasis(ctx context.Context, c reader) (revision int64, err error) {
	return revision, c.QueryRow(ctx, sqlBasis).Scan(&revision)
}
