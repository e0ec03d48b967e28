package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

const (
	sqlSecrets    = `SELECT account, endpoint, body FROM secrets WHERE account = $1 AND endpoint = $2`
	sqlAllSecrets = `SELECT account, endpoint, body FROM secrets ORDER BY account, endpoint`
)

// Secrets lists an endpoint's, newest first: see domain.DeliveryStore.
func (s *Store) Secrets(ctx context.Context, key domain.EndpointKey) ([]domain.Secret, error) {
	return read(ctx, s, "read secrets", func(ctx context.Context, c reader) ([]domain.Secret, error) {
		return readSecrets(ctx, c, sqlSecrets, string(key.Account), string(key.Endpoint))
	})
}

// AllSecrets lists those of all endpoints: see domain.DeliveryStore.
func (s *Store) AllSecrets(ctx context.Context) ([]domain.Secret, error) {
	return read(ctx, s, "read all secrets", func(ctx context.Context, c reader) ([]domain.Secret, error) {
		return readSecrets(ctx, c, sqlAllSecrets)
	})
}

func readSecrets(ctx context.Context, c reader, sql string, args ...any) (all []domain.Secret, err error) {
	rows, err := c.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	var key domain.EndpointKey
	var body []byte
	_, err = pgx.ForEachRow(rows, []any{&key.Account, &key.Endpoint, &body}, func() error {
		var some []domain.Secret
		if err := unpack("read secrets", body, &some); err != nil {
			return err
		}
		for _, one := range some {
			one.Endpoint = key
			all = append(all, one)
		}
		return nil
	})
	return all, err
}

// PutSecrets replaces an endpoint's if nobody was first: see domain.DeliveryStore.
func (s *Store) PutSecrets(ctx context.Context, key domain.EndpointKey, expect []string, secrets []domain.Secret, audit domain.AuditEntry) error {
	const doing = "put secrets"
	if err := check.Secrets(doing, key, secrets); err != nil {
		return err
	}
	secrets, expect = slices.Clone(secrets), slices.Sorted(slices.Values(expect))
	slices.SortStableFunc(secrets, func(a, b domain.Secret) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	body, err := pack(doing, secrets)
	if err != nil {
		return err
	}
	account, endpoint := string(key.Account), string(key.Endpoint)
	return fail(doing, pgx.BeginFunc(ctx, s.readers, func(tx pgx.Tx) error {
		// The row has to be there to be locked.
		if _, err := tx.Exec(ctx, `INSERT INTO secrets (account, endpoint, body) VALUES ($1, $2, '[]') ON CONFLICT DO NOTHING`, account, endpoint); err != nil {
			return err
		}
		old, err := readSecrets(ctx, tx, sqlSecrets+` FOR NO KEY UPDATE`, account, endpoint)
		if err != nil {
			return err
		}
		if !slices.Equal(expect, domain.SecretIDs(old)) {
			return domain.Fail(doing, domain.Conflict, errors.New("the endpoint has other secrets by now"))
		}
		if _, err := tx.Exec(ctx, `UPDATE secrets SET body = $3 WHERE account = $1 AND endpoint = $2`, account, endpoint, body); err != nil {
			return err
		}
		return note(ctx, tx, audit)
	}))
}
