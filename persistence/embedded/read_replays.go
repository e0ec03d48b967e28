package embedded

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

const (
	sqlReplay           = `SELECT ` + replayColumns + ` FROM replays WHERE n = ?`
	sqlReplaysOfAccount = `SELECT ` + replayColumns + ` FROM replays INDEXED BY replays_of_account WHERE account = ?1 AND n < ?2 AND (?3 = '' OR endpoint = ?3)
		ORDER BY n DESC LIMIT ?4`
	// Those that run are a handful, so all are looked at, in any order.
	sqlReplaying = `SELECT e.p, (SELECT count(*) FROM (SELECT 1 FROM deliveries d INDEXED BY deliveries_due WHERE d.endpoint = e.n AND d.class = 3 AND d.state = 0 LIMIT ?1)),
		r.* FROM (SELECT ` + replayColumns + ` FROM replays INDEXED BY replays_running WHERE state = 0) r
		CROSS JOIN endpoints e WHERE r.n > ?2 AND e.account = r.account AND e.endpoint = r.endpoint`
)

func readReplay(c *sqlite.Conn, op string, account domain.AccountID, n int64) (r domain.Replay, err error) {
	err = query(c, sqlReplay, func(s *sqlite.Stmt) { r = scanReplay(&columns{stmt: s}) }, n)
	if err == nil && (r.N == 0 || r.Account != account) {
		r, err = domain.Replay{}, domain.Fail(op, domain.NotFound, errors.New("there is no replay of this number"))
	}
	return r, err
}

// FindReplay reads one; see domain.ReplayStore.
func (s *Store) FindReplay(ctx context.Context, account domain.AccountID, n int64) (r domain.Replay, err error) {
	const op = "read replay"
	err = s.read(ctx, op, func(c *sqlite.Conn) (err error) {
		r, err = readReplay(c, op, account, n)
		return err
	})
	return r, err
}

// Replays lists an account's; see domain.ReplayStore.
func (s *Store) Replays(ctx context.Context, account domain.AccountID, endpoint domain.EndpointID, before int64, limit int) (all []domain.Replay, err error) {
	if before == 0 {
		before = math.MaxInt64
	}
	err = s.read(ctx, "list replays", func(c *sqlite.Conn) error {
		return query(c, sqlReplaysOfAccount, func(s *sqlite.Stmt) { all = append(all, scanReplay(&columns{stmt: s})) },
			string(account), before, string(endpoint), int64(max(limit, 0)))
	})
	return all, err
}

// Replaying lists those that run; see domain.ReplayStore.
func (s *Store) Replaying(ctx context.Context, partitions []domain.Partition, after int64, limit int) (all []domain.Replaying, err error) {
	var wanted [domain.Partitions]bool
	for _, p := range partitions {
		wanted[p] = true
	}
	err = s.read(ctx, "list running replays", func(c *sqlite.Conn) error {
		return query(c, sqlReplaying, func(s *sqlite.Stmt) {
			c := columns{stmt: s}
			if partition, waiting := c.int(), int(c.int()); wanted[partition] {
				all = append(all, domain.Replaying{Replay: scanReplay(&c), Waiting: waiting})
			}
		}, int64(domain.ReplayRoom), after)
	})
	slices.SortFunc(all, func(a, b domain.Replaying) int { return cmp.Compare(a.N, b.N) })
	return all[:min(len(all), max(limit, 0))], err
}
