package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// Audit lists entries newest first: see domain.SuppressionStore.
func (s *Store) Audit(ctx context.Context, account domain.AccountID, before int64, limit int) ([]domain.AuditEntry, error) {
	return read(ctx, s, "read the audit", func(ctx context.Context, c reader) ([]domain.AuditEntry, error) {
		rows, err := c.Query(ctx, `SELECT seq, at, actor, action, account, subject, detail FROM audit
			WHERE ($1 = '' OR account = $1) AND ($2::bigint = 0 OR seq < $2) ORDER BY seq DESC LIMIT $3`, string(account), before, max(limit, 0))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e domain.AuditEntry, err error) {
			err = row.Scan(&e.Seq, &e.At, &e.Actor, &e.Action, &e.Account, &e.Subject, &e.Detail)
			e.At = e.At.UTC()
			return e, err
		})
	})
}

// Note adds an audit entry.
func (s *Store) Note(ctx context.Context, e domain.AuditEntry) error {
	return fail("note", pgx.BeginFunc(ctx, s.readers, func(tx pgx.Tx) error { return note(ctx, tx, e) }))
}

// maxDetail is how long the words of an entry may be.
const maxDetail = 4096

func note(ctx context.Context, tx pgx.Tx, e domain.AuditEntry) error {
	if err := check.Texts("note", check.Optional("actor", e.Actor), check.Optional("action", e.Action), check.Optional("account", string(e.Account))); err != nil {
		return err
	}
	if err := check.TextsUpTo("note", maxDetail, check.Optional("subject", e.Subject), check.Optional("detail", e.Detail)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO audit (at, actor, action, account, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)`,
		e.At, e.Actor, e.Action, string(e.Account), e.Subject, e.Detail); err != nil {
		return fmt.Errorf("write the audit: %w", err)
	}
	return nil
}
