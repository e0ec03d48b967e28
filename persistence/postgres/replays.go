package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// Replays go beside the group commit, like whatever somebody does by hand. What comes next is looked for before the
// endpoint is locked, and looked at once more behind the lock, so that the traffic waits for the commit alone.
const (
	// newest says of a delivery d that no later one of its event to the endpoint is there. The difference keeps the
	// numbers' own index out of it: behind d there may be a million others.
	newest = `(SELECT l.n FROM deliveries l WHERE l.account = d.account AND l.announcement = d.announcement AND l.endpoint = d.endpoint AND l.n - d.n > 0 LIMIT 1) IS NULL
        AND (SELECT l.n FROM pending_deliveries l WHERE l.account = d.account AND l.announcement = d.announcement AND l.endpoint = d.endpoint AND l.n - d.n > 0 LIMIT 1) IS NULL`

	// An endpoint's lie by state and number, and replays of several states are put together from each. What is too old
	// is passed over within the index. The planner takes what is found for a handful, to be gathered and sorted, where a
	// replay of a million wants the first 200; CASE and inOrderOfIndex leave it one way to go.
	replayable = `SELECT d.n FROM deliveries d WHERE d.endpoint = e.n AND d.state = k.state AND NOT d.test AND d.n > $4 AND d.n <= $5 AND d.owed_at >= $6
        AND CASE WHEN d.announced_at >= $6 THEN d.announced_at < $7 END AND ` + newest + `
    ORDER BY d.n LIMIT $8`
	ofStates = `FROM endpoints e CROSS JOIN unnest($3::smallint[]) AS k (state) CROSS JOIN LATERAL `
	ofOne    = ` q WHERE e.account = $1 AND e.endpoint = $2`

	sqlReplayable  = `SELECT q.n ` + ofStates + `(` + replayable + `)` + ofOne + ` ORDER BY q.n LIMIT $8`
	sqlReplayCount = `SELECT q.n, q.first, q.last ` + ofStates + `(
    SELECT count(*) AS n, coalesce(min(f.n), 0) AS first, coalesce(max(f.n), 0) AS last FROM (` + replayable + `) f)` + ofOne

	// Their places in the lines of their leads: behind whom waits already, or behind each other.
	sqlOweAgain = `INSERT INTO pending_deliveries (n, endpoint, account, announcement, announced_at, lead, class, replay, revision, behind, attempts, owed_at, due_at,
    reason, commit_id)
SELECT nextval('delivery_seq'), endpoint, account, announcement, announced_at, lead, $2::smallint, true, 1, behind, 0, $3::timestamptz,
    CASE WHEN behind THEN release_at ELSE $3::timestamptz END, '', 0
FROM (
    SELECT d.endpoint, d.account, d.announcement, d.announced_at, d.lead, h.n IS NOT NULL OR row_number() OVER (PARTITION BY d.lead ORDER BY d.n) > 1 AS behind, h.release_at
    FROM deliveries d
    LEFT JOIN LATERAL (SELECT p.n, p.release_at FROM pending_deliveries p WHERE p.endpoint = d.endpoint AND p.lead = d.lead ORDER BY p.n LIMIT 1) h ON true
    WHERE d.n = ANY ($1::bigint[]) AND ` + newest + `
    ORDER BY d.n OFFSET 0) c`
)

// inOrderOfIndex has the rest of a transaction planned without gathering.
const inOrderOfIndex = `, set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true)`

// span is the arguments of replayable.
func span(key domain.EndpointKey, f domain.ReplayFilter, after, upto int64, limit int) []any {
	states := make([]int16, 0, len(f.States))
	for _, s := range f.States {
		states = append(states, stateNumber(s))
	}
	since, until := timestamp(f.Since), timestamp(f.Until)
	if f.Since.IsZero() {
		since = pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
	}
	if f.Until.IsZero() {
		until = pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	}
	return []any{string(key.Account), string(key.Endpoint), states, after, upto, since, until, limit}
}

// tally is how many deliveries a replay finds, and the first and the last of them.
type tally struct{ n, first, last int64 }

// CountReplay counts what a replay would owe: see domain.ReplayStore.
func (s *Store) CountReplay(ctx context.Context, key domain.EndpointKey, f domain.ReplayFilter) (int, error) {
	got, err := s.countReplay(ctx, "count what is to be replayed", key, f)
	return int(got.n), err
}

// countReplay walks all that the filter finds, up to the limit. What lies behind the last one then need not be looked
// at again.
func (s *Store) countReplay(ctx context.Context, doing string, key domain.EndpointKey, f domain.ReplayFilter) (tally, error) {
	if err := f.Check(doing); err != nil {
		return tally{}, err
	}
	if err := check.Texts(doing, check.Given("account", string(key.Account)), check.Given("endpoint", string(key.Endpoint))); err != nil {
		return tally{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, countPatience*3/2)
	defer cancel()
	var got tally
	err := pgx.BeginFunc(ctx, s.readers, func(tx pgx.Tx) (err error) {
		if _, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', $1, true)`+inOrderOfIndex, fmt.Sprint(countPatience.Milliseconds())); err != nil {
			return err
		}
		got, err = countIn(ctx, tx, span(key, f, 0, math.MaxInt64, s.backlogLimit), int64(s.backlogLimit))
		return err
	})
	return got, fail(doing, err)
}

// countPatience is how long a count may take: half a second for as many as are counted, but somebody waits for it, and
// on a server that is busy it is worth waiting for.
const countPatience = 30 * time.Second

func countIn(ctx context.Context, c reader, args []any, limit int64) (got tally, err error) {
	rows, err := c.Query(ctx, sqlReplayCount, args...)
	if err != nil {
		return got, err
	}
	var of tally
	full := false
	_, err = pgx.ForEachRow(rows, []any{&of.n, &of.first, &of.last}, func() error {
		if of.n == 0 {
			return nil
		}
		if got.n == 0 || of.first < got.first {
			got.first = of.first
		}
		got.n, got.last, full = got.n+of.n, max(got.last, of.last), full || of.n == limit
		return nil
	})
	if err == nil && full { // there may be others behind the last one that was counted
		err = c.QueryRow(ctx, `SELECT coalesce(max(n), 0) FROM deliveries`).Scan(&got.last)
	}
	got.n = min(got.n, limit)
	return got, err
}

// StartReplay begins one: see domain.ReplayStore.
func (s *Store) StartReplay(ctx context.Context, r domain.Replay, audit domain.AuditEntry) (made domain.Replay, err error) {
	const doing = "start replay"
	if err := check.Texts(doing, check.Optional("by", r.By)); err != nil {
		return made, err
	}
	got, err := s.countReplay(ctx, doing, r.Key(), r.Filter)
	if err != nil {
		return made, err
	}
	state, ended := domain.ReplayRunning, pgtype.Timestamptz{}
	if got.n == 0 {
		state, ended = domain.ReplayDone, timestamp(r.MadeAt)
	}
	filter := span(r.Key(), r.Filter, 0, 0, 0)
	ctx, cancel := context.WithTimeout(ctx, s.opts.StatementTimeout*3/2)
	defer cancel()
	err = pgx.BeginFunc(ctx, s.readers, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `INSERT INTO replays (account, endpoint, states, since, until, state, expected, cursor, upto, made_at, ended_at, made_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING `+replayColumns,
			filter[0], filter[1], filter[2], timestamp(r.Filter.Since), timestamp(r.Filter.Until), replayStateNumber(state), got.n, max(got.first-1, 0), got.last,
			timestamp(r.MadeAt), ended, r.By)
		if err != nil {
			return err
		}
		if made, err = pgx.CollectExactlyOneRow(rows, scanReplay); err != nil {
			return err
		}
		return note(ctx, tx, audit)
	})
	if pg := new(pgconn.PgError); errors.As(err, &pg) && pg.ConstraintName == "replays_running" {
		err = domain.Fail(doing, domain.Conflict, errors.New("another replay of this endpoint is running"))
	}
	if err != nil {
		return domain.Replay{}, fail(doing, err)
	}
	return made, nil
}

// AdvanceReplay owes the next ones: see domain.ReplayStore.
func (s *Store) AdvanceReplay(ctx context.Context, r domain.Replay, limit int, at time.Time) (domain.Replay, error) {
	const doing = "advance replay"
	return s.steerReplay(ctx, doing, r.Account, r.N, func(ctx context.Context, tx pgx.Tx, is *domain.Replay) error {
		if is.State != domain.ReplayRunning || is.Cursor != r.Cursor {
			return nil
		}
		if _, err := tx.Exec(ctx, `SELECT true`+inOrderOfIndex); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, sqlReplayable, span(is.Key(), is.Filter, is.Cursor, is.Upto, limit)...)
		if err != nil {
			return fmt.Errorf("find what comes next: %w", err)
		}
		next, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return fmt.Errorf("find what comes next: %w", err)
		}
		if len(next) > 0 {
			owed, err := oweAgain(ctx, tx, is.Key(), next, at)
			if err != nil {
				return fmt.Errorf("owe what comes next: %w", err)
			}
			is.Done, is.Cursor = is.Done+owed, next[len(next)-1]
		}
		if len(next) < limit {
			is.Cursor, is.State, is.EndedAt = max(is.Upto, is.Cursor), domain.ReplayDone, micro(at)
		}
		return moveReplay(ctx, tx, *is)
	})
}

// oweAgain owes deliveries' events once more, but for those that went, or were owed again, since they were found. What
// it finds is held, so that retention does not take the announcements from under it.
func oweAgain(ctx context.Context, tx pgx.Tx, key domain.EndpointKey, numbers []int64, at time.Time) (int, error) {
	if _, err := tx.Exec(ctx, `SELECT 1 FROM endpoints WHERE account = $1 AND endpoint = $2 FOR NO KEY UPDATE`, string(key.Account), string(key.Endpoint)); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `SELECT 1 FROM deliveries WHERE n = ANY ($1::bigint[]) ORDER BY n FOR KEY SHARE`, numbers); err != nil {
		return 0, err
	}
	tag, err := tx.Exec(ctx, sqlOweAgain, numbers, int16(domain.ClassReplay), micro(at))
	return int(tag.RowsAffected()), err
}

func moveReplay(ctx context.Context, tx pgx.Tx, r domain.Replay) error {
	_, err := tx.Exec(ctx, `UPDATE replays SET state = $2, done = $3, cursor = $4, ended_at = $5 WHERE n = $1`,
		r.N, replayStateNumber(r.State), r.Done, r.Cursor, timestamp(r.EndedAt))
	return err
}

// CancelReplay ends one: see domain.ReplayStore.
func (s *Store) CancelReplay(ctx context.Context, account domain.AccountID, n int64, at time.Time, audit domain.AuditEntry) (domain.Replay, error) {
	const doing = "cancel replay"
	return s.steerReplay(ctx, doing, account, n, func(ctx context.Context, tx pgx.Tx, is *domain.Replay) error {
		if is.State != domain.ReplayRunning {
			return domain.Fail(doing, domain.Conflict, errEnded)
		}
		is.State, is.EndedAt = domain.ReplayCancelled, micro(at)
		if err := moveReplay(ctx, tx, *is); err != nil {
			return err
		}
		return note(ctx, tx, audit)
	})
}

// steerReplay changes a replay that is locked, the first of its locks.
func (s *Store) steerReplay(ctx context.Context, doing string, account domain.AccountID, n int64,
	change func(ctx context.Context, tx pgx.Tx, is *domain.Replay) error,
) (r domain.Replay, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.StatementTimeout*3/2)
	defer cancel()
	err = pgx.BeginFunc(ctx, s.readers, func(tx pgx.Tx) (err error) {
		if r, err = readReplay(ctx, tx, doing, account, n, ` FOR NO KEY UPDATE`); err != nil {
			return err
		}
		return change(ctx, tx, &r)
	})
	if err != nil {
		return domain.Replay{}, fail(doing, err)
	}
	return r, nil
}

// A replay's state in the table is its place in domain.ReplayStates.
func replayStateNumber(s domain.ReplayState) int16 {
	return int16(slices.Index(domain.ReplayStates(), s)) //nolint:gosec // there are three
}
