package embedded

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"zombiezen.com/go/sqlite"
)

// APIKeys lists all keys; see domain.APIKeyStore.
func (s *Store) APIKeys(ctx context.Context) (keys []domain.APIKey, err error) {
	err = s.read(ctx, "list API keys", func(c *sqlite.Conn) error {
		var bad error
		err := query(c, `SELECT spec FROM api_keys ORDER BY id`, func(s *sqlite.Stmt) {
			c := columns{stmt: s}
			var k domain.APIKey
			if err := json.Unmarshal(c.bytes(), &k); err != nil {
				bad = domain.Fail("read API key", domain.Internal, err)
			}
			keys = append(keys, k)
		})
		if err == nil {
			err = bad
		}
		return err
	})
	return keys, err
}

// CreateAPIKey keeps a new key; see domain.APIKeyStore.
func (s *Store) CreateAPIKey(ctx context.Context, k domain.APIKey, audit domain.AuditEntry) error {
	const opName = "create API key"
	if err := check.Texts(opName, check.Given("id", k.ID)); err != nil {
		return err
	}
	spec, err := json.Marshal(k)
	if err != nil {
		return domain.Fail(opName, domain.Invalid, err)
	}
	_, err = s.writer.Do(ctx, op{admin: func(t *tx) error {
		if err := query(t.conn, `INSERT INTO api_keys (id, spec) VALUES (?, ?) ON CONFLICT DO NOTHING`, nil, k.ID, spec); err != nil {
			return err
		}
		if t.conn.Changes() == 0 {
			return domain.Fail(opName, domain.Conflict, errors.New("there is a key of this id"))
		}
		return t.note(audit)
	}})
	return err
}

// RevokeAPIKey removes a key; see domain.APIKeyStore.
func (s *Store) RevokeAPIKey(ctx context.Context, id string, audit domain.AuditEntry) error {
	_, err := s.writer.Do(ctx, op{admin: func(t *tx) error {
		if err := query(t.conn, `DELETE FROM api_keys WHERE id = ?`, nil, id); err != nil {
			return err
		}
		if t.conn.Changes() == 0 {
			return domain.Fail("revoke API key", domain.NotFound, errors.New("there is no key of this id"))
		}
		return t.note(audit)
	}})
	return err
}
