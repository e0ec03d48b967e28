package embedded

import (
	"context"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"zombiezen.com/go/sqlite"
)

const (
	sqlKeepStats = `INSERT INTO stats (account, endpoint, tier, span, at, writer, body) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (account, endpoint, tier, span, at, writer) DO UPDATE SET body = excluded.body`
	sqlStats = `SELECT at, writer, body FROM stats
		WHERE account = ?1 AND endpoint = ?2 AND tier = ?3 AND span = ?4 AND (at, writer) > (?5, ?6) AND at < ?7 ORDER BY at, writer LIMIT ?8`
	sqlOldStats = `DELETE FROM stats WHERE rowid IN (SELECT rowid FROM stats INDEXED BY stats_by_age WHERE span = ? AND at < ? LIMIT ?)`
)

// seconds is how a span stands in the file.
func seconds(s domain.StatsSpan) int64 { return int64(time.Duration(s) / time.Second) }

// KeepStats writes rows in a commit of the traffic's; see domain.StatsStore.
func (s *Store) KeepStats(ctx context.Context, rows []domain.StatsRow) error {
	for i := range rows {
		if err := check.Stats("keep stats", &rows[i]); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := s.writer.Do(ctx, op{admin: func(t *tx) error {
		for _, r := range rows {
			if err := query(t.conn, sqlKeepStats, nil, string(r.Account), string(r.Endpoint), string(r.Tier), seconds(r.Span), nanos(r.At), r.Writer, r.Body); err != nil {
				return err
			}
		}
		return nil
	}})
	return err
}

// Stats lists rows; see domain.StatsStore.
func (s *Store) Stats(ctx context.Context, r domain.StatsRange, after domain.StatsPlace, limit int) (rows []domain.StatsRow, err error) {
	if after.At.Before(r.Since) {
		after = domain.StatsPlace{At: r.Since}
	}
	err = s.read(ctx, "read stats", func(c *sqlite.Conn) error {
		return query(c, sqlStats, func(s *sqlite.Stmt) {
			c := columns{stmt: s}
			rows = append(rows, domain.StatsRow{StatsKey: domain.StatsKey{StatsOf: r.StatsOf, Span: r.Span, At: c.time(), Writer: c.text()}, Body: c.bytes()})
		}, string(r.Account), string(r.Endpoint), string(r.Tier), seconds(r.Span), nanos(after.At), after.Writer, nanos(r.Until), int64(max(limit, 0)))
	})
	return rows, err
}

// oldStats removes slots of a span that began before a time.
func oldStats(span domain.StatsSpan, before time.Time) removal {
	return func(t *tx, n int, _ int64) (progress, error) {
		err := query(t.conn, sqlOldStats, nil, seconds(span), before.UnixNano(), int64(n))
		removed := t.conn.Changes()
		return progress{rows: map[string]int64{"stats": int64(removed)}, more: removed == n}, err
	}
}
