package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// Deliveries go one by one, some time after they have ended, and announcements and receipts by the day. What of a day
// is still needed moves to its default partition when the day is dropped:
//
//	announcement   of a delivery that is there: its event and its payload
//	receipt        of a delivery that is there
//
// An endpoint may be away for weeks, and then that may be most of the day. Moving it would hold up everybody, so the
// day stays, what is not needed is deleted from it, and the next call looks again.

// keptDay is a day table with what says which of its rows are needed. The deliveries that are there and were
// announced before a time ($1) are few: those that wait, and those that ended long after.
type keptDay struct {
	dayTable
	// needed selects rows t of a table from them.
	needed string
	// gone says of a row t that nothing needs it.
	gone string
}

var (
	keptAnnouncements = keptDay{announcementDays, `JOIN (
			SELECT account, announcement FROM pending_deliveries WHERE announced_at < $1
			UNION SELECT account, announcement FROM deliveries WHERE announced_at < $1
		) d ON t.account = d.account AND t.seq = d.announcement`,
		`NOT EXISTS (SELECT 1 FROM pending_deliveries d WHERE d.account = t.account AND d.announcement = t.seq)
		AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.account = t.account AND d.announcement = t.seq)`}
	// A receipt is of the same clock as other receipts of its delivery, but the announcement may be of one ahead.
	keptReceipts = keptDay{receiptDays, `JOIN (
			SELECT n FROM pending_deliveries WHERE announced_at < $1::timestamptz + interval '1 day'
			UNION ALL SELECT n FROM deliveries WHERE announced_at < $1::timestamptz + interval '1 day'
		) d ON t.delivery = d.n`,
		`NOT EXISTS (SELECT 1 FROM pending_deliveries d WHERE d.n = t.delivery) AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.n = t.delivery)`}
)

// expireDeliveries removes deliveries that have ended, and then the days behind them. What a replay holds is left for
// the next call.
func (m *maintenance) expireDeliveries(ctx context.Context) error {
	cutoff := m.now.Add(-m.keep.Announced)
	if err := m.expire(ctx, "deliveries", `DELETE FROM deliveries WHERE ctid = ANY (ARRAY(
		SELECT d.ctid FROM deliveries d WHERE d.announced_at < $1 AND d.ended_at < $1 ORDER BY d.announced_at LIMIT $2 FOR UPDATE SKIP LOCKED))`, cutoff); err != nil {
		return err
	}
	if m.report.Removed["deliveries"] >= int64(m.keep.BatchLimit) {
		return nil // there are others, whose rows would be moved only to be deleted
	}
	for _, table := range []keptDay{keptReceipts, keptAnnouncements} {
		names, err := m.past(ctx, table.dayTable, cutoff)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := m.dropKept(ctx, table, name, cutoff); err != nil {
				return err
			}
		}
		if err := m.expire(ctx, table.name, table.deleteGone(table.net(), fmt.Sprintf(`t.%s < $1`, table.column)), cutoff); err != nil {
			return err
		}
		if err := m.measureNet(ctx, table.dayTable); err != nil {
			return err
		}
	}
	return nil
}

// expireReplays removes replays that have ended, when what they owed goes too.
func (m *maintenance) expireReplays(ctx context.Context) error {
	return m.expire(ctx, "replays", `DELETE FROM replays WHERE ctid = ANY (ARRAY(SELECT ctid FROM replays WHERE ended_at < $1 ORDER BY n LIMIT $2))`, m.now.Add(-m.keep.Announced))
}

// expireStats removes figures, for which what was sent is no measure: how long they are kept is what may be asked for.
func (m *maintenance) expireStats(ctx context.Context) error {
	if err := m.expire(ctx, "stats", fmt.Sprintf(sqlOldStats, seconds(domain.StatsMinute)), m.now.Add(-domain.StatsMinutesKept)); err != nil {
		return err
	}
	return m.expire(ctx, "stats", fmt.Sprintf(sqlOldStats, seconds(domain.StatsHour)), m.now.Add(-domain.StatsHoursKept))
}

func (d keptDay) deleteGone(table, where string) string {
	return fmt.Sprintf(`DELETE FROM %[1]s WHERE ctid = ANY (ARRAY(SELECT t.ctid FROM %[1]s t WHERE %[2]s AND %[3]s LIMIT $2))`, table, where, d.gone)
}

// dropKept drops a day, or as much of it as is not needed.
func (m *maintenance) dropKept(ctx context.Context, d keptDay, name string, cutoff time.Time) error {
	at, _ := d.dayFrom(name)
	end := at.Add(day)
	var needed int
	if err := m.locked(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, fmt.Sprintf(`SELECT count(*) FROM (SELECT 1 FROM %s t %s LIMIT $2) s`, name, d.needed), end, m.keep.BatchLimit+1).Scan(&needed)
	}); err != nil {
		return fmt.Errorf("look what of %s is needed: %w", name, err)
	}
	if needed > m.keep.BatchLimit {
		m.s.opts.Log.Warn("a day stays: too much of it is still owed to endpoints", "table", name)
		return m.expire(ctx, d.name, d.deleteGone(name, fmt.Sprintf(`t.%s < $1`, d.column)), cutoff)
	}
	return m.drop(ctx, d.dayTable, name, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, fmt.Sprintf(`INSERT INTO %s SELECT t.* FROM %s t %s`, d.name, name, d.needed), end)
		return err
	})
}
