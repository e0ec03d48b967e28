package postgres

import (
	"context"
	"errors"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
)

const (
	replayColumns = `n, account, endpoint, states, since, until, state, expected, done, cursor, upto, made_at, ended_at, made_by`

	sqlReplay  = `SELECT ` + replayColumns + ` FROM replays WHERE n = $2 AND account = $1`
	sqlReplays = `SELECT ` + replayColumns + ` FROM replays WHERE account = $1 AND n < $2 AND ($3 = '' OR endpoint = $3) ORDER BY n DESC LIMIT $4`
	// Those that run are a handful, so all are looked at.
	sqlReplaying = `SELECT r.n, r.account, r.endpoint, r.states, r.since, r.until, r.state, r.expected, r.done, r.cursor, r.upto, r.made_at, r.ended_at, r.made_by,
    (SELECT count(*) FROM (SELECT 1 FROM pending_deliveries p WHERE p.endpoint = e.n AND p.class = 3 LIMIT $4) s)
FROM (SELECT * FROM replays r WHERE r.state = 0 AND r.n > $2 ORDER BY r.n OFFSET 0) r
CROSS JOIN LATERAL (SELECT e.n FROM endpoints e WHERE e.account = r.account AND e.endpoint = r.endpoint AND e.partition = ANY ($1::smallint[]) LIMIT 1) e
ORDER BY r.n LIMIT $3`
)

func scanReplay(row pgx.CollectableRow) (domain.Replay, error) { return scanReplayWith(row) }

// scanReplayWith reads replayColumns, and more behind them.
func scanReplayWith(row pgx.Row, more ...any) (r domain.Replay, err error) {
	var states []int16
	var state int16
	var since, until, made, ended pgtype.Timestamptz
	to := []any{&r.N, &r.Account, &r.Endpoint, &states, &since, &until, &state, &r.Expected, &r.Done, &r.Cursor, &r.Upto, &made, &ended, &r.By}
	if err := row.Scan(append(to, more...)...); err != nil {
		return domain.Replay{}, err
	}
	for _, s := range states {
		r.Filter.States = append(r.Filter.States, domain.DeliveryStates()[s])
	}
	r.Filter.Since, r.Filter.Until, r.State = instant(since), instant(until), domain.ReplayStates()[state]
	r.MadeAt, r.EndedAt = instant(made), instant(ended)
	return r, nil
}

func readReplay(ctx context.Context, c reader, doing string, account domain.AccountID, n int64, lock string) (domain.Replay, error) {
	rows, err := c.Query(ctx, sqlReplay+lock, string(account), n)
	if err != nil {
		return domain.Replay{}, err
	}
	r, err := pgx.CollectOneRow(rows, scanReplay)
	if errors.Is(err, pgx.ErrNoRows) {
		err = domain.Fail(doing, domain.NotFound, errors.New("there is no replay of this number"))
	}
	return r, err
}

// FindReplay reads one: see domain.ReplayStore.
func (s *Store) FindReplay(ctx context.Context, account domain.AccountID, n int64) (domain.Replay, error) {
	const doing = "read replay"
	return read(ctx, s, doing, func(ctx context.Context, c reader) (domain.Replay, error) {
		return readReplay(ctx, c, doing, account, n, "")
	})
}

// Replays lists an account's: see domain.ReplayStore.
func (s *Store) Replays(ctx context.Context, account domain.AccountID, endpoint domain.EndpointID, before int64, limit int) ([]domain.Replay, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return read(ctx, s, "list replays", func(ctx context.Context, c reader) ([]domain.Replay, error) {
		rows, err := c.Query(ctx, sqlReplays, string(account), before, string(endpoint), max(limit, 0))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, scanReplay)
	})
}

// Replaying lists those that run: see domain.ReplayStore.
func (s *Store) Replaying(ctx context.Context, partitions []domain.Partition, after int64, limit int) ([]domain.Replaying, error) {
	return read(ctx, s, "list running replays", func(ctx context.Context, c reader) ([]domain.Replaying, error) {
		rows, err := c.Query(ctx, sqlReplaying, numbers(partitions), after, max(limit, 0), domain.ReplayRoom)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r domain.Replaying, err error) {
			r.Replay, err = scanReplayWith(row, &r.Waiting)
			return r, err
		})
	})
}
