package embedded

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A replay looks for its deliveries beside the writer, which gets no more than the numbers that were found: it looks
// at each once more, since they are of a moment ago.
const (
	// An endpoint's lie by state and number, and replays of several states are put together from each. What is too old
	// is passed over within the index; the event's time, and whether a later delivery of it counts, are looked up.
	replayable = ` FROM deliveries d INDEXED BY deliveries_by_endpoint CROSS JOIN announcements a
		WHERE d.endpoint = ? AND d.state = ? AND d.n > ? AND d.n <= ? AND d.owed_at >= ?5 AND a.seq = d.announcement AND a.at >= ?5 AND a.at < ?
		AND a.type <> '` + string(domain.TestEvent) + `'
		AND NOT EXISTS (SELECT 1 FROM deliveries l INDEXED BY deliveries_by_announcement WHERE l.announcement = d.announcement AND l.endpoint = d.endpoint AND l.n > d.n)
		ORDER BY d.n LIMIT ?`
	sqlReplayable  = `SELECT d.n` + replayable
	sqlReplayCount = `SELECT count(*), coalesce(min(n), 0), coalesce(max(n), 0) FROM (SELECT d.n AS n` + replayable + `)`
	sqlLater       = `SELECT 1 FROM deliveries INDEXED BY deliveries_by_announcement WHERE announcement = ? AND endpoint = ? AND n > ? LIMIT 1`
)

// span is a replay's filter with the part of the numbers that is looked at.
type span struct {
	domain.ReplayFilter
	after, upto int64
	limit       int64
}

// each asks sql for every state of the filter.
func (p span) each(c *sqlite.Conn, sql string, endpoint int64, row func(*sqlite.Stmt)) error {
	since, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !p.Since.IsZero() {
		since = nanos(p.Since)
	}
	if !p.Until.IsZero() {
		until = nanos(p.Until)
	}
	for _, state := range p.States {
		if err := query(c, sql, row, endpoint, stateNumber(state), p.after, p.upto, since, until, p.limit); err != nil {
			return err
		}
	}
	return nil
}

// tally is how many deliveries a replay finds, and the first and the last of them.
type tally struct {
	n           int64
	first, last int64
}

// CountReplay counts what a replay would owe; see domain.ReplayStore.
func (s *Store) CountReplay(ctx context.Context, key domain.EndpointKey, f domain.ReplayFilter) (int, error) {
	got, err := s.countReplay(ctx, "count what is to be replayed", key, f)
	return int(got.n), err
}

// countReplay walks all that the filter finds, up to the limit. What lies behind the last one then need not be looked
// at again.
func (s *Store) countReplay(ctx context.Context, op string, key domain.EndpointKey, f domain.ReplayFilter) (got tally, err error) {
	if err := f.Check(op); err != nil {
		return got, err
	}
	err = s.read(ctx, op, func(c *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(c)(&err)
		endpoint, _, err := readEndpointState(c, key)
		if err != nil || endpoint == 0 {
			return err
		}
		full := false
		all := span{ReplayFilter: f, upto: math.MaxInt64, limit: s.queueLimit}
		err = all.each(c, sqlReplayCount, endpoint, func(s *sqlite.Stmt) {
			c := columns{stmt: s}
			n, first, last := c.int(), c.int(), c.int()
			if n == 0 {
				return
			}
			if got.n == 0 || first < got.first {
				got.first = first
			}
			got.n, got.last, full = got.n+n, max(got.last, last), full || n == all.limit
		})
		if err == nil && full { // there may be others behind the last one that was counted
			err = query(c, `SELECT coalesce(max(n), 0) FROM deliveries`, func(s *sqlite.Stmt) { got.last = s.ColumnInt64(0) })
		}
		got.n = min(got.n, s.queueLimit)
		return err
	})
	return got, err
}

const replayColumns = `n, account, endpoint, states, since, until, state, expected, done, cursor, upto, made_at, ended_at, made_by`

// A replay's state in the file is its place in domain.ReplayStates. Running is 0: the index says so.
func replayStateNumber(s domain.ReplayState) int64 {
	return int64(slices.Index(domain.ReplayStates(), s))
}

func scanReplay(c *columns) domain.Replay {
	r := domain.Replay{N: c.int(), Account: domain.AccountID(c.text()), Endpoint: domain.EndpointID(c.text())}
	for _, state := range strings.Split(c.text(), ",") {
		r.Filter.States = append(r.Filter.States, domain.DeliveryState(state))
	}
	r.Filter.Since, r.Filter.Until, r.State = c.time(), c.time(), domain.ReplayStates()[c.int()]
	r.Expected, r.Done, r.Cursor, r.Upto = int(c.int()), int(c.int()), c.int(), c.int()
	r.MadeAt, r.EndedAt, r.By = c.time(), c.time(), c.text()
	return r
}

func statesText(states []domain.DeliveryState) string {
	var all []string
	for _, s := range states {
		all = append(all, string(s))
	}
	return strings.Join(all, ",")
}

// StartReplay begins one; see domain.ReplayStore.
func (s *Store) StartReplay(ctx context.Context, r domain.Replay, audit domain.AuditEntry) (domain.Replay, error) {
	const opName = "start replay"
	if err := check.Texts(opName, check.Given("account", string(r.Account)), check.Given("endpoint", string(r.Endpoint)), check.Optional("by", r.By)); err != nil {
		return domain.Replay{}, err
	}
	got, err := s.countReplay(ctx, opName, r.Key(), r.Filter)
	if err != nil {
		return domain.Replay{}, err
	}
	r.State, r.Expected, r.Done, r.EndedAt = domain.ReplayRunning, int(got.n), 0, time.Time{}
	r.Cursor, r.Upto, r.MadeAt = max(got.first-1, 0), got.last, fromNanos(nanos(r.MadeAt))
	if got.n == 0 {
		r.State, r.EndedAt = domain.ReplayDone, r.MadeAt
	}
	var made domain.Replay
	_, err = s.writer.Do(ctx, op{admin: func(t *tx) error {
		if err := t.noneRuns(opName, r.Key()); err != nil {
			return err
		}
		err := query(t.conn, `INSERT INTO replays (account, endpoint, states, since, until, state, expected, done, cursor, upto, made_at, ended_at, made_by)
			VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)`, nil, string(r.Account), string(r.Endpoint), statesText(r.Filter.States), nanos(r.Filter.Since),
			nanos(r.Filter.Until), replayStateNumber(r.State), int64(r.Expected), r.Cursor, r.Upto, nanos(r.MadeAt), nanos(r.EndedAt), r.By)
		if err != nil {
			return fmt.Errorf("insert replay: %w", err)
		}
		if made, err = readReplay(t.conn, opName, r.Account, t.conn.LastInsertRowID()); err != nil {
			return fmt.Errorf("read what was begun: %w", err)
		}
		return t.note(audit)
	}})
	if err != nil { // made may still be written to if ctx ended first
		return domain.Replay{}, err
	}
	return made, nil
}

const sqlRunning = `SELECT n FROM replays INDEXED BY replays_running WHERE account = ? AND endpoint = ? AND state = 0`

// noneRuns is the Conflict of a second replay.
func (t *tx) noneRuns(op string, key domain.EndpointKey) error {
	var running int64
	if err := query(t.conn, sqlRunning, func(s *sqlite.Stmt) { running = s.ColumnInt64(0) }, string(key.Account), string(key.Endpoint)); err != nil {
		return err
	}
	if running != 0 {
		return domain.Fail(op, domain.Conflict, fmt.Errorf("replay %d of this endpoint is running", running))
	}
	return nil
}

// AdvanceReplay owes the next ones; see domain.ReplayStore.
func (s *Store) AdvanceReplay(ctx context.Context, r domain.Replay, limit int, at time.Time) (domain.Replay, error) {
	const opName = "advance replay"
	next, err := s.nextOfReplay(ctx, opName, r, limit)
	if err != nil {
		return domain.Replay{}, err
	}
	var is domain.Replay
	_, err = s.writer.Do(ctx, op{admin: func(t *tx) (err error) {
		if is, err = readReplay(t.conn, opName, r.Account, r.N); err != nil || is.State != domain.ReplayRunning || is.Cursor != r.Cursor {
			return err
		}
		for _, n := range next {
			owed, err := t.oweAgain(n, at)
			if err != nil {
				return err
			}
			if is.Cursor = n; owed {
				is.Done++
			}
		}
		if len(next) < limit {
			is.Cursor, is.State, is.EndedAt = max(is.Upto, is.Cursor), domain.ReplayDone, fromNanos(nanos(at))
		}
		return t.moveReplay(is)
	}})
	if err != nil { // is may still be written to if ctx ended first
		return domain.Replay{}, err
	}
	return is, nil
}

// nextOfReplay numbers the deliveries that come next, at most limit.
func (s *Store) nextOfReplay(ctx context.Context, op string, r domain.Replay, limit int) (next []int64, err error) {
	err = s.read(ctx, op, func(c *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(c)(&err)
		endpoint, _, err := readEndpointState(c, r.Key())
		if err != nil || endpoint == 0 {
			return err
		}
		p := span{r.Filter, r.Cursor, r.Upto, int64(limit)}
		return p.each(c, sqlReplayable, endpoint, func(s *sqlite.Stmt) { next = append(next, s.ColumnInt64(0)) })
	})
	slices.Sort(next)
	return next[:min(len(next), limit)], err
}

// oweAgain owes a delivery's event once more, unless it went, or was owed again, since it was found.
func (t *tx) oweAgain(n int64, at time.Time) (owed bool, err error) {
	row, err := t.delivery(n)
	if err != nil || row.n == 0 || row.state == statePending {
		return false, err
	}
	later := false
	if err := query(t.conn, sqlLater, func(*sqlite.Stmt) { later = true }, row.announcement, row.endpoint, n); err != nil || later {
		return false, err
	}
	_, err = t.oweOnceMore(row, at)
	return true, err
}

func (t *tx) moveReplay(r domain.Replay) error {
	err := query(t.conn, `UPDATE replays SET state = ?, done = ?, cursor = ?, ended_at = ? WHERE n = ?`, nil,
		replayStateNumber(r.State), int64(r.Done), r.Cursor, nanos(r.EndedAt), r.N)
	if err != nil {
		return fmt.Errorf("move replay: %w", err)
	}
	return nil
}

// CancelReplay ends one; see domain.ReplayStore.
func (s *Store) CancelReplay(ctx context.Context, account domain.AccountID, n int64, at time.Time, audit domain.AuditEntry) (domain.Replay, error) {
	const opName = "cancel replay"
	var is domain.Replay
	_, err := s.writer.Do(ctx, op{admin: func(t *tx) (err error) {
		if is, err = readReplay(t.conn, opName, account, n); err != nil {
			return err
		}
		if is.State != domain.ReplayRunning {
			return domain.Fail(opName, domain.Conflict, errEnded)
		}
		is.State, is.EndedAt = domain.ReplayCancelled, fromNanos(nanos(at))
		if err := t.moveReplay(is); err != nil {
			return err
		}
		return t.note(audit)
	}})
	if err != nil {
		return domain.Replay{}, err
	}
	return is, nil
}
