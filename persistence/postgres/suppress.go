package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// Suppress adds and removes suppressions: see domain.SuppressionStore.
func (s *Store) Suppress(ctx context.Context, add []domain.Suppression, remove []string, audit domain.AuditEntry) (int64, error) {
	const doing = "suppress"
	if err := checkSuppressions(doing, add); err != nil {
		return 0, err
	}
	var revision int64
	err := s.raise(ctx, doing, func(ctx context.Context, tx pgx.Tx) error {
		var changed bool
		var err error
		if revision, changed, err = suppress(ctx, tx, add, remove); err != nil || !changed {
			return err
		}
		return note(ctx, tx, audit)
	})
	return revision, err
}

func checkSuppressions(op string, all []domain.Suppression) error {
	for i := range all {
		if err := check.Texts(op, check.Given("id", all[i].ID)); err != nil {
			return err
		}
	}
	return nil
}

// suppress makes the changes under the next revision, if there are any; the caller is alone (see raise). What
// is added and removed at once is in force: to suppress is the safer mistake.
func suppress(ctx context.Context, tx pgx.Tx, add []domain.Suppression, remove []string) (revision int64, changed bool, err error) {
	ids, bodies := make([]string, 0, len(add)), make([][]byte, 0, len(add))
	for _, one := range add {
		if slices.Contains(ids, one.ID) {
			continue
		}
		one.Revision, one.Removed = 0, false
		body, err := pack("suppress", one)
		if err != nil {
			return 0, false, err
		}
		ids, bodies = append(ids, one.ID), append(bodies, body)
	}
	revision, err = readBasis(ctx, tx)
	if err != nil {
		return 0, false, fmt.Errorf("read suppression revision: %w", err)
	}
	added, err := tx.Exec(ctx, `INSERT INTO suppressions AS s (id, revision, body) SELECT id, $3::bigint, body FROM unnest($1::text[], $2::bytea[]) AS u (id, body)
		ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, removed = false, body = excluded.body WHERE s.removed`, ids, bodies, revision+1)
	if err != nil {
		return 0, false, fmt.Errorf("add suppressions: %w", err)
	}
	removed, err := tx.Exec(ctx, `UPDATE suppressions SET revision = $3, removed = true WHERE id = ANY ($1::text[]) AND id <> ALL ($2::text[]) AND NOT removed`,
		bytesFree(remove), ids, revision+1)
	if err != nil {
		return 0, false, fmt.Errorf("remove suppressions: %w", err)
	}
	if added.RowsAffected()+removed.RowsAffected() == 0 {
		return revision, false, nil
	}
	if err := tx.QueryRow(ctx, sqlRaiseSuppressions).Scan(&revision); err != nil {
		return 0, false, fmt.Errorf("raise the revision of suppressions: %w", err)
	}
	return revision, true, nil
}

// bytesFree leaves out ids that no row can have: an id to remove that is not text removes nothing.
func bytesFree(ids []string) []string {
	var clean []string
	for _, id := range ids {
		if check.Texts("suppress", check.Given("id", id)) == nil {
			clean = append(clean, id)
		}
	}
	return clean
}

const sqlSuppressionsSince = `SELECT revision, removed, body FROM suppressions
WHERE (revision, id) > ($1, $2) AND (revision > $1 OR $2 <> '') ORDER BY revision, id LIMIT $3`

// SuppressionsSince lists what was added or removed after a revision: see domain.SuppressionStore.
func (s *Store) SuppressionsSince(ctx context.Context, revision int64, id string, limit int) ([]domain.Suppression, error) {
	return read(ctx, s, "list suppressions", func(ctx context.Context, c reader) ([]domain.Suppression, error) {
		rows, err := c.Query(ctx, sqlSuppressionsSince, revision, id, max(limit, 0))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (one domain.Suppression, err error) {
			var revision int64
			var removed bool
			var body []byte
			if err := row.Scan(&revision, &removed, &body); err != nil {
				return one, err
			}
			err = unpack("list suppressions", body, &one)
			one.Revision, one.Removed = revision, removed
			return one, err
		})
	})
}
