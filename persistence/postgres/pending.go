package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
)

// Pending events are read along their key, in order and no further than the answer needs. One of many nodes
// steps over what the others' partitions have pending; asking each of its own partitions for a page's worth
// would be up to 256 pages of it.
const (
	// A visitor that entered brings its event along (see Judge); the others' are among the events.
	sqlUndecided = `SELECT q.seq, q.held, q.event, coalesce(e.account, ''), coalesce(e.source, ''), coalesce(e.event_id, ''), coalesce(e.weak_id, false),
    coalesce(e.type, ''), coalesce(e.effect, ''), coalesce(e.lead, ''), coalesce(e.campaign, ''), e.contact, e.occurred_at, e.received_at
FROM (
    SELECT seq, held, received_at, event FROM pending_events
    WHERE held = $2 AND seq > $3 AND partition = ANY ($1::smallint[]) ORDER BY seq LIMIT $4) q
LEFT JOIN LATERAL (SELECT * FROM events e WHERE e.seq = q.seq AND e.received_at = q.received_at AND q.event IS NULL LIMIT 1) e ON true
WHERE q.event IS NOT NULL OR e.seq IS NOT NULL
ORDER BY q.seq`

	// The oldest is the one with the lowest number: the earliest time would be a walk over all of them.
	sqlBacklog = `SELECT
    (SELECT count(*) FROM (SELECT 1 FROM pending_events WHERE held = false LIMIT $1) s),
    (SELECT received_at FROM pending_events WHERE held = false ORDER BY seq LIMIT 1),
    (SELECT count(*) FROM (SELECT 1 FROM pending_events WHERE held = true LIMIT $1) s),
    (SELECT received_at FROM pending_events WHERE held = true ORDER BY seq LIMIT 1)`
)

// Undecided lists pending events: see domain.Store.
func (s *Store) Undecided(ctx context.Context, partitions []domain.Partition, held bool, after int64, limit int) ([]domain.Pending, error) {
	parts := numbers(partitions)
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
	var brought []byte
	e := &p.Event
	err := row.Scan(&p.Seq, &p.Held, &brought, &e.Account, &e.Source, &e.ID, &e.WeakID, &e.Type, &e.Effect, &e.Lead, &e.Campaign, &e.Contact, &occurred, &received)
	if err == nil && brought != nil {
		return p, unpack("list undecided events", brought, e)
	}
	e.OccurredAt, e.ReceivedAt = instant(occurred), instant(received)
	return p, err
}

// Backlog measures what is pending in the whole store: see domain.Store.
func (s *Store) Backlog(ctx context.Context) (domain.Backlog, error) {
	return read(ctx, s, "measure the backlog", func(ctx context.Context, c reader) (b domain.Backlog, err error) {
		var oldest, oldestHeld pgtype.Timestamptz
		err = c.QueryRow(ctx, sqlBacklog, s.backlogLimit).Scan(&b.Undecided, &oldest, &b.Held, &oldestHeld)
		b.OldestUndecided, b.OldestHeld = instant(oldest), instant(oldestHeld)
		return b, err
	})
}
