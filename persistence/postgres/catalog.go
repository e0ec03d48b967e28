package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// TokenKey is the key that signs buyers' tokens.
func (s *Store) TokenKey(ctx context.Context) ([]byte, error) {
	return read(ctx, s, "read token key", func(ctx context.Context, c reader) (key []byte, err error) {
		return key, c.QueryRow(ctx, `SELECT token_key FROM store`).Scan(&key)
	})
}

// Catalog reads the whole catalog.
func (s *Store) Catalog(ctx context.Context) (domain.Catalog, error) {
	return read(ctx, s, "read catalog", func(ctx context.Context, c reader) (domain.Catalog, error) {
		var catalog domain.Catalog
		var body []byte
		var revision int64
		if err := c.QueryRow(ctx, `SELECT catalog, revision FROM store`).Scan(&body, &revision); err != nil {
			return catalog, err
		}
		if err := json.Unmarshal(body, &catalog); err != nil {
			return domain.Catalog{}, domain.Fail("read catalog", domain.Internal, err)
		}
		catalog.Revision = revision
		return catalog, nil
	})
}

// CatalogRevision reads just its revision.
func (s *Store) CatalogRevision(ctx context.Context) (int64, error) {
	return read(ctx, s, "read catalog revision", func(ctx context.Context, c reader) (revision int64, err error) {
		return revision, c.QueryRow(ctx, `SELECT revision FROM store`).Scan(&revision)
	})
}

// ApplyCatalog replaces the catalog if its revision is still c.Revision. It has suppressions of its own, so it
// outdates what was matched under the former.
func (s *Store) ApplyCatalog(ctx context.Context, catalog domain.Catalog, audit ...domain.AuditEntry) (int64, error) {
	const doing = "apply catalog"
	body, err := json.Marshal(catalog)
	if err != nil {
		return 0, domain.Fail(doing, domain.Invalid, err)
	}
	var revision int64
	err = s.raise(ctx, doing, func(ctx context.Context, tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `UPDATE store SET revision = revision + 1, suppression_revision = suppression_revision + 1, catalog = $2
			WHERE revision = $1 RETURNING revision`, catalog.Revision, body).Scan(&revision); err != nil {
			return err
		}
		for _, e := range audit {
			if err := note(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, domain.Fail(doing, domain.Conflict, fmt.Errorf("revision %d is not the newest", catalog.Revision))
	}
	return revision, err
}
