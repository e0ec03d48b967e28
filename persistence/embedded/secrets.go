package embedded

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"zombiezen.com/go/sqlite"
)

const (
	sqlSecrets    = `SELECT account, endpoint, spec FROM secrets WHERE account = ? AND endpoint = ?`
	sqlAllSecrets = `SELECT account, endpoint, spec FROM secrets ORDER BY account, endpoint`
)

// Secrets lists an endpoint's, newest first; see domain.DeliveryStore.
func (s *Store) Secrets(ctx context.Context, key domain.EndpointKey) (found []domain.Secret, err error) {
	err = s.read(ctx, "read secrets", func(c *sqlite.Conn) (err error) {
		found, err = readSecrets(c, sqlSecrets, string(key.Account), string(key.Endpoint))
		return err
	})
	return found, err
}

// AllSecrets lists those of all endpoints; see domain.DeliveryStore.
func (s *Store) AllSecrets(ctx context.Context) (found []domain.Secret, err error) {
	err = s.read(ctx, "read all secrets", func(c *sqlite.Conn) (err error) {
		found, err = readSecrets(c, sqlAllSecrets)
		return err
	})
	return found, err
}

func readSecrets(c *sqlite.Conn, sql string, args ...any) (found []domain.Secret, err error) {
	var bad error
	err = query(c, sql, func(s *sqlite.Stmt) {
		c := columns{stmt: s}
		key := domain.EndpointKey{Account: domain.AccountID(c.text()), Endpoint: domain.EndpointID(c.text())}
		var some []domain.Secret
		if err := json.Unmarshal(c.bytes(), &some); err != nil {
			bad = domain.Fail("read secrets", domain.Internal, err)
		}
		for i := range some {
			some[i].Endpoint = key
		}
		found = append(found, some...)
	}, args...)
	if err == nil {
		err = bad
	}
	return found, err
}

// PutSecrets replaces an endpoint's if nobody was first; see domain.DeliveryStore.
func (s *Store) PutSecrets(ctx context.Context, key domain.EndpointKey, expect []string, secrets []domain.Secret, audit domain.AuditEntry) error {
	const opName = "put secrets"
	if err := check.Secrets(opName, key, secrets); err != nil {
		return err
	}
	secrets = slices.Clone(secrets)
	slices.SortStableFunc(secrets, func(a, b domain.Secret) int { return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	spec, err := json.Marshal(secrets)
	if err != nil {
		return domain.Fail(opName, domain.Invalid, err)
	}
	expect = slices.Sorted(slices.Values(expect))
	account, endpoint := string(key.Account), string(key.Endpoint)
	_, err = s.writer.Do(ctx, op{admin: func(t *tx) error {
		old, err := readSecrets(t.conn, sqlSecrets, account, endpoint)
		if err != nil {
			return err
		}
		if !slices.Equal(expect, domain.SecretIDs(old)) {
			return domain.Fail(opName, domain.Conflict, errors.New("the endpoint has other secrets by now"))
		}
		const put = `INSERT INTO secrets (account, endpoint, spec) VALUES (?, ?, ?) ON CONFLICT (account, endpoint) DO UPDATE SET spec = excluded.spec`
		if err := query(t.conn, put, nil, account, endpoint, spec); err != nil {
			return err
		}
		return t.note(audit)
	}})
	return err
}
