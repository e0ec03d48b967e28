package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
)

// sqlUndecided takes the first so many of each partition by its index, and of those the first so many:
// however much is pending, a page costs no more than its partitions times its limit.
const sqlUndecided = `SELECT q.seq, q.held, e.account, e.source, e.event_id, e.weak_id, e.type, e.effect, e.lead, e.campaign, e.contact, e.occurred_at, e.received_at
FROM (
    SELECT pe.* FROM unnest($1::smallint[]) AS u (p)
    CROSS JOIN LATERAL (
        SELECT seq, held, received_at FROM pending_events
        WHERE partition = u.p AND held = $2 AND seq > $3 ORDER BY seq LIMIT $4) pe
    ORDER BY pe.seq LIMIT $4) q
CROSS JOIN LATERAL (SELECT * FROM events e WHERE e.seq = q.seq AND e.received_at = q.received_at LIMIT 1) e
ORDER BY q.seq`

// Undecided lists pending events: see domain.Store.
func (s *Store) Undecided(ctx context.Context, partitions []domain.Partition, held bool, after int64, limit int) ([]domain.Pending, error) {
	parts := numbers(partitions)
	slices.Sort(parts)
	parts = slices.Compact(parts)
	return read(ctx, s, "list undecided events", func(ctx context.Context, c reader) ([]domain.Pending, error) {
		rows, err := c.Query(ctx, sqlUndecided, parts, held, after, max(limit, 0))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, scanPending)
	})
}

func scanPending(row pgx.CollectableRow) (domain.Pending, error) {
	var p domain.Pending
	var occurred, received pgtype.Timestamptz
	e := &p.Event
	err := row.Scan(&p.Seq, &p.Held, &e.Account, &e.Source, &e.ID, &e.WeakID, &e.Type, &e.Effect, &e.Lead, &e.Campaign, &e.Contact, &occurred, &received)
	e.OccurredAt, e.ReceivedAt = instant(occurred), instant(received)
	return p, err
}

// Backlog measures what is pending in the whole store. It reads all of it, which is little unless
// something is wrong: about 100 ms for a million.
func (s *Store) Backlog(ctx context.Context) (domain.Backlog, error) {
	return read(ctx, s, "measure the backlog", func(ctx context.Context, c reader) (b domain.Backlog, err error) {
		var oldest, oldestHeld pgtype.Timestamptz
		err = c.QueryRow(ctx, `SELECT count(*) FILTER (WHERE NOT held), min(received_at) FILTER (WHERE NOT held),
			count(*) FILTER (WHERE held), min(received_at) FILTER (WHERE held) FROM pending_events`).
			Scan(&b.Undecided, &oldest, &b.Held, &oldestHeld)
		b.OldestUndecided, b.OldestHeld = instant(oldest), instant(oldestHeld)
		return b, err
	})
}
