package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// APIKeys lists all keys, by ID.
func (s *Store) APIKeys(ctx context.Context) ([]domain.APIKey, error) {
	return read(ctx, s, "list API keys", func(ctx context.Context, c reader) ([]domain.APIKey, error) {
		rows, err := c.Query(ctx, `SELECT body FROM api_keys ORDER BY id`)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (k domain.APIKey, err error) {
			var body []byte
			if err := row.Scan(&body); err != nil {
				return k, err
			}
			return k, unpack("list API keys", body, &k)
		})
	})
}

// CreateAPIKey keeps a new key; Conflict when its ID is taken.
func (s *Store) CreateAPIKey(ctx context.Context, k domain.APIKey, audit domain.AuditEntry) error {
	const doing = "create API key"
	if err := check.Texts(doing, check.Given("id", k.ID)); err != nil {
		return err
	}
	body, err := pack(doing, k)
	if err != nil {
		return err
	}
	return fail(doing, pgx.BeginFunc(ctx, s.readers, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO api_keys (id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING`, k.ID, body)
		if err != nil {
			return fmt.Errorf("write API key: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return domain.Fail(doing, domain.Conflict, fmt.Errorf("key %s exists", k.ID))
		}
		return note(ctx, tx, audit)
	}))
}

// RevokeAPIKey removes a key; NotFound when there is none.
func (s *Store) RevokeAPIKey(ctx context.Context, id string, audit domain.AuditEntry) error {
	const doing = "revoke API key"
	if err := check.Texts(doing, check.Given("id", id)); err != nil {
		return err
	}
	return fail(doing, pgx.BeginFunc(ctx, s.readers, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM api_keys WHERE id = $1`, id)
		if err != nil {
			return fmt.Errorf("remove API key: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return domain.Fail(doing, domain.NotFound, fmt.Errorf("key %s", id))
		}
		return note(ctx, tx, audit)
	}))
}
