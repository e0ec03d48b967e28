package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// expireVisits removes visitors and acquaintances that have not changed for long, by day and then by the instant,
// as expireLeads does. Whatever a commit holds is left for the next call.
func (m *maintenance) expireVisits(ctx context.Context) error {
	if err := m.expire(ctx, "visits", `DELETE FROM visits WHERE ctid = ANY (ARRAY(
		SELECT v.ctid FROM visits v WHERE v.last_on <= ($1::timestamptz AT TIME ZONE 'UTC')::date AND v.last_at < $1
		ORDER BY v.last_on LIMIT $2 FOR UPDATE SKIP LOCKED))`, m.now.Add(-m.keep.Visits)); err != nil {
		return err
	}
	return m.expire(ctx, "acquaintances", `DELETE FROM acquaintances WHERE ctid = ANY (ARRAY(
		SELECT a.ctid FROM acquaintances a WHERE a.last_on <= ($1::timestamptz AT TIME ZONE 'UTC')::date AND a.last_at < $1
		ORDER BY a.last_on LIMIT $2 FOR UPDATE SKIP LOCKED))`, m.now.Add(-m.keep.Leads))
}

// toldFor is how long a removed link says which key to drop. Nodes read on every second or so, and one that was
// away starts over; then the key itself is forgotten, and its bytes with it.
const toldFor = day

func (m *maintenance) expireLinks(ctx context.Context) error {
	if err := m.expire(ctx, "links", `DELETE FROM links WHERE ctid = ANY (ARRAY(
		SELECT l.ctid FROM links l WHERE l.at < $1 ORDER BY l.at LIMIT $2 FOR UPDATE SKIP LOCKED))`, m.now.Add(-m.keep.Visits)); err != nil {
		return err
	}
	return m.forgetKeys(ctx, m.now.Add(-toldFor))
}

func (m *maintenance) forgetKeys(ctx context.Context, cutoff time.Time) error {
	return m.locked(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM links WHERE ctid = ANY (ARRAY(
			SELECT l.ctid FROM links l WHERE l.removed AND l.at < $1 ORDER BY l.at LIMIT $2 FOR UPDATE SKIP LOCKED))`, cutoff, m.keep.BatchLimit)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		m.report.Removed["links"] += tag.RowsAffected()
		m.report.More = m.report.More || tag.RowsAffected() >= int64(m.keep.BatchLimit)
		return rewriteLater(ctx, tx, "links")
	})
}
