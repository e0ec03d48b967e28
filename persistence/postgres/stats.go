package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// Figures are written beside the group commit: a batch of traffic does not wait for them.
const (
	sqlKeepStats = `INSERT INTO stats (account, endpoint, tier, span, at, writer, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::timestamptz[], $6::text[], $7::bytea[])
ON CONFLICT (account, endpoint, tier, span, at, writer) DO UPDATE SET body = excluded.body`
	sqlStats = `SELECT at, writer, body FROM stats
WHERE account = $1 AND endpoint = $2 AND tier = $3 AND span = $4 AND (at, writer) > ($5, $6) AND at < $7 ORDER BY at, writer LIMIT $8`
	sqlOldStats = `DELETE FROM stats WHERE ctid = ANY (ARRAY(SELECT ctid FROM stats WHERE span = %d AND at < $1 ORDER BY at LIMIT $2))`
)

// seconds is how a span stands in the table.
func seconds(s domain.StatsSpan) int32 { return int32(time.Duration(s) / time.Second) }

// KeepStats writes rows: see domain.StatsStore.
func (s *Store) KeepStats(ctx context.Context, rows []domain.StatsRow) error {
	const doing = "keep stats"
	n := len(rows)
	if n == 0 {
		return nil
	}
	accounts, endpoints, tiers, writers := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	spans, ats, bodies := make([]int32, n), make([]pgtype.Timestamptz, n), make([][]byte, n)
	for i := range rows {
		r := &rows[i]
		if err := check.Stats(doing, r); err != nil {
			return err
		}
		accounts[i], endpoints[i], tiers[i], writers[i] = string(r.Account), string(r.Endpoint), string(r.Tier), r.Writer
		spans[i], ats[i], bodies[i] = seconds(r.Span), timestamp(r.At), r.Body
	}
	_, err := read(ctx, s, doing, func(ctx context.Context, c reader) (int64, error) { // repeating it changes nothing, so it is tried like a reading
		tag, err := c.Exec(ctx, sqlKeepStats, accounts, endpoints, tiers, spans, ats, writers, bodies)
		return tag.RowsAffected(), err
	})
	return err
}

// Stats lists rows: see domain.StatsStore.
func (s *Store) Stats(ctx context.Context, r domain.StatsRange, after domain.StatsPlace, limit int) ([]domain.StatsRow, error) {
	since, until := microsecondAt(r.Since), microsecondAt(r.Until)
	if after.At.Before(since) {
		after = domain.StatsPlace{At: since}
	}
	return read(ctx, s, "read stats", func(ctx context.Context, c reader) ([]domain.StatsRow, error) {
		rows, err := c.Query(ctx, sqlStats, string(r.Account), string(r.Endpoint), string(r.Tier), seconds(r.Span),
			timestamp(after.At), after.Writer, timestamp(until), max(limit, 0))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (domain.StatsRow, error) {
			one := domain.StatsRow{StatsKey: domain.StatsKey{StatsOf: r.StatsOf, Span: r.Span}}
			var at pgtype.Timestamptz
			err := row.Scan(&at, &one.Writer, &one.Body)
			one.At = instant(at)
			return one, err
		})
	})
}

// microsecondAt is the first time at t or later that a column can hold: cut off, it would be before t.
func microsecondAt(t time.Time) time.Time {
	return t.Add(time.Microsecond - 1).Truncate(time.Microsecond)
}
