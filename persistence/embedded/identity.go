package embedded

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// The rows of settings.
const (
	settingEpoch    = "epoch"
	settingTokenKey = "token_key"
	settingRevision = "catalog_revision"
	settingPinged   = "pinged_at"
	// The revision of suppressions: see domain.SuppressionStore.
	settingSuppressions = "suppression_revision"
)

// identity reads the store's epoch and token key, and makes them in a new store.
func identity(c *sqlite.Conn) (epoch string, tokenKey []byte, err error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: the program ends before it would
	const keep = `INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING`
	if err := query(c, keep, nil, settingEpoch, []byte(newEpoch())); err != nil {
		return "", nil, fmt.Errorf("make epoch: %w", err)
	}
	if err := query(c, keep, nil, settingTokenKey, key); err != nil {
		return "", nil, fmt.Errorf("make token key: %w", err)
	}
	err = query(c, `SELECT key, value FROM settings WHERE key IN (?, ?)`, func(s *sqlite.Stmt) {
		row := columns{stmt: s}
		if row.text() == settingEpoch {
			epoch = string(row.bytes())
		} else {
			tokenKey = row.bytes()
		}
	}, settingEpoch, settingTokenKey)
	if err == nil && (len(epoch) != 8 || len(tokenKey) != 32) {
		err = domain.Fail("read settings", domain.Internal, fmt.Errorf("epoch of %d bytes, token key of %d", len(epoch), len(tokenKey)))
	}
	return epoch, tokenKey, err
}

func newEpoch() string {
	var b [4]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Epoch names this store's history; see domain.Store.
func (s *Store) Epoch() string { return s.epoch }

// TokenKey is the key that signs buyers' tokens; see domain.Store.
func (s *Store) TokenKey(context.Context) ([]byte, error) {
	if !s.enter() {
		return nil, domain.Fail("read token key", domain.Unavailable, errClosed)
	}
	defer s.reading.Done()
	return slices.Clone(s.tokenKey), nil
}

// Ping writes a row, because a store that only reads (a full disk) is not ready; see domain.Store.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.writer.Do(ctx, op{admin: func(t *tx) error {
		return putSetting(t.conn, settingPinged, []byte(t.clock.Now().UTC().Format("2006-01-02T15:04:05.000Z")))
	}})
	return err
}

// settingNumber reads a number; 0 when it was never put.
func settingNumber(c *sqlite.Conn, key string) (n int64, err error) {
	err = query(c, `SELECT CAST(value AS TEXT) FROM settings WHERE key = ?`, func(s *sqlite.Stmt) {
		n, _ = strconv.ParseInt(s.ColumnText(0), 10, 64)
	}, key)
	return n, err
}

func putSetting(c *sqlite.Conn, key string, value []byte) error {
	return query(c, `INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, nil, key, value)
}
