package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// dayTable is a table that grows with traffic, partitioned by UTC day of its column. A partition is
// named after its table and day, events_20261122; what no day takes lies in events_default.
type dayTable struct {
	name, column string
	secret       []string // columns of which the planner keeps no samples: see 0002_visits.sql
}

var (
	eventDays        = dayTable{"events", "received_at", []string{"contact", "body", "lead"}}
	feedDays         = dayTable{"feed_events", "decided_at", []string{"contact"}}
	seenDays         = dayTable{"seen", "decided_at", nil}
	announcementDays = dayTable{"announcements", "at", []string{"payload"}}
	receiptDays      = dayTable{"receipts", "at", []string{"spec", "body"}}

	dayTables = []dayTable{eventDays, feedDays, seenDays, announcementDays, receiptDays}
)

// Days prepared: yesterday (a node whose clock is behind, a decision across midnight) to a week ahead,
// so that maintenance may fail for days before the default partitions get a row.
const (
	daysBehind = 1
	daysAhead  = 7
)

// moveLimit is the most rows moved out of a default partition to make room for their day: moving them
// holds a lock, about 50 ms for so many. A day with more stays in the default partition, where it is
// read and retained like any other.
const moveLimit = 5000

const day = 24 * time.Hour

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(day) }

func (d dayTable) partition(of time.Time) string { return d.name + "_" + of.Format("20060102") }

func (d dayTable) net() string { return d.name + "_default" }

// dayFrom reads the day back from a partition's name.
func (d dayTable) dayFrom(partition string) (time.Time, bool) {
	at, err := time.Parse("20060102", strings.TrimPrefix(partition, d.name+"_"))
	return at, err == nil
}

// partitions lists the day partitions that exist, oldest first.
func (d dayTable) partitions(ctx context.Context, c reader) ([]string, error) {
	rows, err := c.Query(ctx, `SELECT p.relname::text FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
		WHERE i.inhparent = $1::text::regclass AND p.relname <> $2 ORDER BY p.relname`, d.name, d.net())
	if err != nil {
		return nil, fmt.Errorf("list partitions of %s: %w", d.name, err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// prepareDays makes the missing partitions around now. The caller holds the schema lock.
func prepareDays(ctx context.Context, tx pgx.Tx, now time.Time, limit int, log *slog.Logger) (created []string, err error) {
	for _, table := range dayTables {
		have, err := table.partitions(ctx, tx)
		if err != nil {
			return nil, err
		}
		exists := make(map[string]bool, len(have))
		for _, name := range have {
			exists[name] = true
		}
		for n := -daysBehind; n <= daysAhead; n++ {
			at := dayOf(now).AddDate(0, 0, n)
			if exists[table.partition(at)] {
				continue
			}
			done, err := table.create(ctx, tx, at, limit)
			if err != nil {
				return nil, err
			}
			if done {
				created = append(created, table.partition(at))
			} else {
				log.Warn("a day stays in the default partition: too many rows to move", "table", table.name, "day", at.Format(time.DateOnly))
			}
		}
	}
	return created, nil
}

// create makes the partition of a day, and moves the day's rows out of the default partition into it.
// It is built aside and then attached: that locks the default partition, which has no traffic, and not
// the table.
func (d dayTable) create(ctx context.Context, tx pgx.Tx, at time.Time, limit int) (bool, error) {
	name, from, to := d.partition(at), bound(at), bound(at.AddDate(0, 0, 1))
	inDay := fmt.Sprintf("%s >= %s AND %s < %s", d.column, from, d.column, to)
	var strays int
	if err := tx.QueryRow(ctx, fmt.Sprintf(`SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s LIMIT %d) s`, d.net(), inDay, limit+1)).Scan(&strays); err != nil {
		return false, fmt.Errorf("look into %s: %w", d.net(), err)
	}
	if strays > limit {
		return false, nil
	}
	statements := d.build(name)
	if strays > 0 {
		statements = append(statements,
			fmt.Sprintf(`LOCK TABLE %s IN ACCESS EXCLUSIVE MODE`, d.net()),
			fmt.Sprintf(`WITH moved AS (DELETE FROM %s WHERE %s RETURNING *) INSERT INTO %s SELECT * FROM moved`, d.net(), inDay, name))
	}
	statements = append(statements, fmt.Sprintf(`ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)`, d.name, name, from, to))
	if err := together(ctx, tx, statements); err != nil {
		return false, fmt.Errorf("make partition %s: %w", name, err)
	}
	return true, nil
}

// together sends statements without arguments in one round trip: a new store makes some forty tables.
func together(ctx context.Context, tx pgx.Tx, statements []string) error {
	_, err := tx.Exec(ctx, strings.Join(statements, ";\n"), pgx.QueryExecModeSimpleProtocol)
	return err
}

// build makes a table of the same shape.
func (d dayTable) build(name string) []string {
	statements := []string{fmt.Sprintf(`CREATE TABLE %s (LIKE %s INCLUDING ALL)`, name, d.name)}
	if len(d.secret) > 0 { // LIKE does not take it along
		quiet := make([]string, len(d.secret))
		for i, column := range d.secret {
			quiet[i] = fmt.Sprintf(`ALTER %s SET STATISTICS 0`, column)
		}
		statements = append(statements, fmt.Sprintf(`ALTER TABLE %s %s`, name, strings.Join(quiet, ", ")))
	}
	return statements
}

// bound is a literal: a partition's bounds cannot be parameters.
func bound(at time.Time) string { return "'" + at.Format("2006-01-02 15:04:05Z07:00") + "'" }
