package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/leadwire/leadwire/actors/domain"
)

// lockPatience is how long maintenance waits for a table: writers queue up behind whoever waits for an
// exclusive lock. When it is over, the next call tries again.
const lockPatience = "500ms"

// Maintain prepares partitions and removes what is past its retention: see domain.Store. A day goes when
// all of it is past; its rows are not counted in Removed, since counting would read the whole day once more.
func (s *Store) Maintain(ctx context.Context, now time.Time, keep domain.Retention) (domain.Maintained, error) {
	m := &maintenance{s: s, now: now, keep: keep.WithDefaults(), report: domain.Maintained{Removed: map[string]int64{}}}
	for _, step := range []func(context.Context) error{
		m.prepare, m.dropEvents, m.dropFeeds, m.dropSeen, m.expireDeliveries, m.expireReplays, m.expireStats, m.emptyNets, m.expireKeys, m.expireLeads,
		m.expireVisits, m.expireLinks, m.rewrite,
	} {
		if err := step(ctx); err != nil {
			return m.report, fail("maintain", err)
		}
	}
	return m.report, nil
}

type maintenance struct {
	s      *Store
	now    time.Time
	keep   domain.Retention
	report domain.Maintained
}

// locked runs f in a transaction under the schema lock. Waiting in vain for a table is no error: it
// leaves the work to the next call.
func (m *maintenance) locked(ctx context.Context, f func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, m.s.readers, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', '60s', true), set_config('enable_seqscan', 'on', true)`, lockPatience); err != nil {
			return fmt.Errorf("set up maintenance: %w", err)
		}
		if err := lockSchema(ctx, tx); err != nil {
			return err
		}
		return f(tx)
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "55P03" {
		m.report.More = true
		return nil
	}
	return err
}

func (m *maintenance) prepare(ctx context.Context) error {
	return m.locked(ctx, func(tx pgx.Tx) (err error) {
		m.report.Created, err = prepareDays(ctx, tx, m.now, m.keep.BatchLimit, m.s.opts.Log)
		return err
	})
}

// past lists the partitions of a table that end before the cutoff.
func (m *maintenance) past(ctx context.Context, d dayTable, cutoff time.Time) ([]string, error) {
	all, err := d.partitions(ctx, m.s.readers)
	if err != nil {
		return nil, err
	}
	var past []string
	for _, name := range all {
		if at, ok := d.dayFrom(name); ok && !at.Add(day).After(cutoff) {
			past = append(past, name)
		}
	}
	return past, nil
}

// drop removes one partition. The lock on its table lasts for the unlinking of files: milliseconds.
func (m *maintenance) drop(ctx context.Context, d dayTable, name string, before func(pgx.Tx) error) error {
	done := false
	err := m.locked(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, fmt.Sprintf(`ALTER TABLE %s DETACH PARTITION %s`, d.name, name)); err != nil {
			return fmt.Errorf("detach %s: %w", name, err)
		}
		if before != nil {
			if err := before(tx); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `DROP TABLE `+name); err != nil {
			return fmt.Errorf("drop %s: %w", name, err)
		}
		done = true
		return nil
	})
	if err == nil && done {
		m.report.Dropped = append(m.report.Dropped, name)
	}
	return err
}

// dropEvents drops days of events. What still waits for its decision moves to the default partition
// and stays until it is decided.
func (m *maintenance) dropEvents(ctx context.Context) error {
	table := eventDays
	names, err := m.past(ctx, table, m.now.Add(-m.keep.Events))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := m.drop(ctx, table, name, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, fmt.Sprintf(`INSERT INTO events SELECT e.* FROM pending_events pe JOIN %s e ON e.seq = pe.seq AND e.received_at = pe.received_at`, name))
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// dropFeeds drops days of feed events, after it has raised the floors of the feeds they were in: a
// reader is told to refetch a moment early, never given a gap.
func (m *maintenance) dropFeeds(ctx context.Context) error {
	table := feedDays
	names, err := m.past(ctx, table, m.now.Add(-m.keep.Feed))
	if err != nil {
		return err
	}
	for _, name := range names {
		more, err := m.raiseFloors(ctx, name)
		if err != nil {
			return err
		}
		if more { // so many feeds that their locks are taken in portions
			m.report.More = true
			return nil
		}
		if err := m.drop(ctx, table, name, nil); err != nil {
			return err
		}
	}
	return nil
}

func (m *maintenance) raiseFloors(ctx context.Context, partition string) (more bool, err error) {
	err = m.locked(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, fmt.Sprintf(`WITH gone AS MATERIALIZED (
				SELECT account, buyer, max(seq) AS seq FROM %s GROUP BY account, buyer
			), due AS MATERIALIZED (
				SELECT f.account, f.buyer, g.seq FROM gone g JOIN feeds f ON f.account = g.account AND f.buyer = g.buyer
				WHERE f.floor < g.seq ORDER BY f.account, f.buyer LIMIT $1 FOR NO KEY UPDATE OF f
			)
			UPDATE feeds f SET floor = greatest(f.floor, due.seq) FROM due WHERE f.account = due.account AND f.buyer = due.buyer`, partition), m.keep.BatchLimit)
		more = err == nil && tag.RowsAffected() >= int64(m.keep.BatchLimit)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("raise floors for %s: %w", partition, err)
	}
	return more || m.report.More, nil
}

func (m *maintenance) dropSeen(ctx context.Context) error {
	names, err := m.past(ctx, seenDays, m.now.Add(-m.keep.Feed))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := m.drop(ctx, seenDays, name, nil); err != nil {
			return err
		}
	}
	return nil
}

// emptyNets removes what is past its retention from the default partitions, and reports what is left.
func (m *maintenance) emptyNets(ctx context.Context) error {
	for _, step := range []struct {
		table  dayTable
		cutoff time.Time
		sql    string
	}{
		{eventDays, m.now.Add(-m.keep.Events), `DELETE FROM events_default WHERE ctid = ANY (ARRAY(
			SELECT e.ctid FROM events_default e WHERE e.received_at < $1
			AND NOT EXISTS (SELECT 1 FROM pending_events pe WHERE pe.seq = e.seq) LIMIT $2))`},
		{feedDays, m.now.Add(-m.keep.Feed), `WITH gone AS MATERIALIZED (
				SELECT account, buyer, seq, decided_at FROM feed_events_default WHERE decided_at < $1 ORDER BY account, buyer, seq LIMIT $2
			), due AS MATERIALIZED (
				SELECT f.account, f.buyer, (SELECT max(seq) FROM gone g WHERE g.account = f.account AND g.buyer = f.buyer) AS seq
				FROM feeds f WHERE (f.account, f.buyer) IN (SELECT account, buyer FROM gone) ORDER BY f.account, f.buyer FOR NO KEY UPDATE OF f
			), raised AS (
				UPDATE feeds f SET floor = greatest(f.floor, due.seq) FROM due WHERE f.account = due.account AND f.buyer = due.buyer
			)
			DELETE FROM feed_events_default e USING gone g
			WHERE e.account = g.account AND e.buyer = g.buyer AND e.seq = g.seq AND e.decided_at = g.decided_at`},
		{seenDays, m.now.Add(-m.keep.Feed), `DELETE FROM seen_default WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM seen_default WHERE decided_at < $1 LIMIT $2))`},
	} {
		if err := m.expire(ctx, step.table.name, step.sql, step.cutoff); err != nil {
			return err
		}
		if err := m.measureNet(ctx, step.table); err != nil {
			return err
		}
	}
	return nil
}

func (m *maintenance) measureNet(ctx context.Context, d dayTable) error {
	var rows float64
	if err := m.s.readers.QueryRow(ctx, fmt.Sprintf(`SELECT count(*) FROM (SELECT 1 FROM %s LIMIT 100000) s`, d.net())).Scan(&rows); err != nil {
		return fmt.Errorf("count %s: %w", d.net(), err)
	}
	m.s.metrics.netRows.WithLabelValues(d.name).Set(rows)
	return nil
}

func (m *maintenance) expireKeys(ctx context.Context) error {
	return m.expire(ctx, "event_keys", `DELETE FROM event_keys WHERE ctid = ANY (ARRAY(
		SELECT k.ctid FROM event_keys k WHERE k.received_at < $1 ORDER BY k.received_at LIMIT $2))`, m.now.Add(-m.keep.Keys))
}

// expireLeads looks by day and then by the instant; see the index. Leads that a commit holds are left
// for the next call. What a lead has been waiting with goes with it.
func (m *maintenance) expireLeads(ctx context.Context) error {
	return m.expire(ctx, "leads", `WITH gone AS (
			DELETE FROM leads WHERE ctid = ANY (ARRAY(
				SELECT l.ctid FROM leads l WHERE l.updated_on <= ($1::timestamptz AT TIME ZONE 'UTC')::date AND l.updated_at < $1
				ORDER BY l.updated_on LIMIT $2 FOR UPDATE SKIP LOCKED))
			RETURNING held_seq
		), freed AS (
			DELETE FROM pending_events pe USING gone WHERE gone.held_seq > 0 AND pe.held AND pe.seq = gone.held_seq
		)
		SELECT 1 FROM gone`, m.now.Add(-m.keep.Leads))
}

// expire runs a delete bounded by what the table has left of the call's limit; whoever reaches the bound has more.
func (m *maintenance) expire(ctx context.Context, table, sql string, cutoff time.Time) error {
	return m.locked(ctx, func(tx pgx.Tx) error {
		left := int64(m.keep.BatchLimit) - m.report.Removed[table]
		tag, err := tx.Exec(ctx, sql, cutoff, left)
		if err != nil {
			return fmt.Errorf("expire %s: %w", table, err)
		}
		m.report.Removed[table] += tag.RowsAffected()
		m.report.More = m.report.More || tag.RowsAffected() >= left
		return nil
	})
}
