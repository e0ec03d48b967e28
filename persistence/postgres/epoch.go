package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Epoch names this store's history: see domain.Store. It is made of what the store drew at creation and
// of what changes when its history forks: the cluster (a dump restored elsewhere), the table (restored
// beside itself) and the server's timeline (a promoted standby, a recovery to a point in time; either may
// lack the last commits).
func (s *Store) Epoch() string { return *s.epoch.Load() }

func readEpoch(ctx context.Context, conn *pgx.Conn) (string, error) {
	var history []byte
	var table int64
	if err := conn.QueryRow(ctx, `SELECT history, 'store'::regclass::oid::bigint FROM store`).Scan(&history, &table); err != nil {
		return "", fmt.Errorf("read the store's identity: %w", err)
	}
	server, err := serverHistory(ctx, conn)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%x/%d/%s", history, table, server))
	return hex.EncodeToString(sum[:4]), nil
}

// serverHistory is the cluster's identity and timeline, or nothing where a hosting provider does not
// let its customers see them; then a promotion is not told apart.
func serverHistory(ctx context.Context, conn *pgx.Conn) (string, error) {
	var id string
	err := conn.QueryRow(ctx, `SELECT system_identifier::text || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) FROM pg_control_system()`).Scan(&id)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42501" || pg.Code == "0A000") {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the server's identity: %w", err)
	}
	return id, nil
}
