package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
)

// A queue may be a million long, and its endpoint dead. Whatever is asked of it is the beginning of a range of an
// index, a class at a time.
const (
	classes = `unnest('{0,1,2,3}'::smallint[]) AS k (class)`

	// sqlDueDeliveries answers the endpoint's state with each delivery, and once without if there is none: all of one moment.
	sqlDueDeliveries = `SELECT e.revision, e.disabled_at, e.reason, e.failing_since, e.succeeded_at, e.told, nx.due_at, ` + waitingColumns + `, d.payload
FROM endpoints e
CROSS JOIN LATERAL (SELECT min(f.due_at) AS due_at FROM ` + classes + ` CROSS JOIN LATERAL (
    SELECT p.due_at FROM pending_deliveries p WHERE p.endpoint = e.n AND p.class = k.class AND p.due_at > $3 ORDER BY p.due_at LIMIT 1) f) nx
LEFT JOIN LATERAL (
    SELECT p.*, a.id, a.type, a.payload
    FROM ` + classes + `
    CROSS JOIN LATERAL (SELECT * FROM pending_deliveries p WHERE p.endpoint = e.n AND p.class = k.class AND p.due_at <= $3 AND p.n <> ALL ($5::bigint[])
        ORDER BY p.due_at, p.n LIMIT $4) p
    CROSS JOIN LATERAL (SELECT * FROM announcements a WHERE a.account = p.account AND a.seq = p.announcement AND a.at = p.announced_at LIMIT 1) a
) d ON true
WHERE e.account = $1 AND e.endpoint = $2 AND e.revision > 0
ORDER BY d.class, d.due_at, d.n`

	waitingColumns = `coalesce(d.n, 0), coalesce(d.announcement, 0), coalesce(d.id, ''), coalesce(d.type, ''), coalesce(d.lead, ''), coalesce(d.class, 0),
    coalesce(d.replay, false), coalesce(d.revision, 0), coalesce(d.behind, false), coalesce(d.attempts, 0), d.owed_at, d.due_at, d.first_at, d.failed_at, d.release_at,
    coalesce(d.reason, '')`
)

// Due reads the head of an endpoint's queue: see domain.DeliveryStore.
func (s *Store) Due(ctx context.Context, key domain.EndpointKey, now time.Time, limit int, except ...int64) (domain.Due, error) {
	limit = max(limit, 0)
	if except == nil {
		except = []int64{} // NULL would exclude everything
	}
	return read(ctx, s, "read what is due", func(ctx context.Context, c reader) (domain.Due, error) {
		due := domain.Due{State: domain.EndpointState{Key: key}}
		rows, err := c.Query(ctx, sqlDueDeliveries, string(key.Account), string(key.Endpoint), now, limit+1, except)
		if err != nil {
			return due, err
		}
		defer rows.Close()
		var of [domain.Classes]int
		for rows.Next() {
			d := domain.Delivery{Account: key.Account, Endpoint: key.Endpoint, State: domain.DeliveryPending}
			if err := scanDue(rows, &due, &d); err != nil {
				return due, err
			}
			if d.N == 0 {
				continue
			}
			if of[d.Class]++; of[d.Class] > limit {
				due.More = true
				continue
			}
			due.Deliveries = append(due.Deliveries, d)
		}
		return due, rows.Err()
	})
}

func scanDue(row pgx.Row, due *domain.Due, d *domain.Delivery) error {
	var next pgtype.Timestamptz
	var state stateTimes
	var at deliveryTimes
	err := row.Scan(&due.State.Revision, &state.disabled, &due.State.Reason, &state.failing, &state.succeeded, &due.State.Told, &next,
		&d.N, &d.Announcement, &d.Event, &d.Type, &d.Lead, &d.Class, &d.Replay, &d.Revision, &d.Behind, &d.Attempts,
		&at.owed, &at.due, &at.first, &at.failed, &at.release, &d.Reason, &d.Payload)
	state.into(&due.State)
	at.into(d)
	due.NextAt = instant(next)
	return err
}

// stateTimes are the times of an endpoint's state, and deliveryTimes a delivery's, each of which may be missing.
type (
	stateTimes    struct{ disabled, failing, succeeded pgtype.Timestamptz }
	deliveryTimes struct{ owed, due, first, failed, release, ended pgtype.Timestamptz }
)

func (t *stateTimes) into(s *domain.EndpointState) {
	s.DisabledAt, s.FailingSince, s.SucceededAt = instant(t.disabled), instant(t.failing), instant(t.succeeded)
}

func (t *deliveryTimes) into(d *domain.Delivery) {
	d.OwedAt, d.DueAt, d.FirstAt, d.FailedAt = instant(t.owed), instant(t.due), instant(t.first), instant(t.failed)
	d.ReleaseAt, d.EndedAt = instant(t.release), instant(t.ended)
}

// sqlOwing walks the endpoints, of which there are some thousands at most.
const sqlOwing = `SELECT e.n, e.account, e.endpoint, nx.due_at FROM (
    SELECT e.* FROM endpoints e CROSS JOIN LATERAL (SELECT 1 FROM pending_deliveries p WHERE p.endpoint = e.n LIMIT 1) p
    WHERE e.n > $2 AND e.partition = ANY ($1::smallint[]) ORDER BY e.n LIMIT $3) e
CROSS JOIN LATERAL (SELECT min(f.due_at) AS due_at FROM ` + classes + ` CROSS JOIN LATERAL (
    SELECT p.due_at FROM pending_deliveries p WHERE p.endpoint = e.n AND p.class = k.class ORDER BY p.due_at LIMIT 1) f) nx
ORDER BY e.n`

// Owing lists endpoints with pending deliveries: see domain.DeliveryStore.
func (s *Store) Owing(ctx context.Context, partitions []domain.Partition, after int64, limit int) ([]domain.Owing, error) {
	parts := numbers(partitions)
	return read(ctx, s, "list owing endpoints", func(ctx context.Context, c reader) ([]domain.Owing, error) {
		rows, err := c.Query(ctx, sqlOwing, parts, after, max(limit, 0))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (o domain.Owing, err error) {
			var due pgtype.Timestamptz
			err = row.Scan(&o.N, &o.Key.Account, &o.Key.Endpoint, &due)
			o.DueAt = instant(due)
			return o, err
		})
	})
}

const sqlQueue = `SELECT (SELECT count(*) FROM (SELECT 1 FROM pending_deliveries p WHERE p.endpoint = e.n LIMIT $3) s),
    (SELECT p.owed_at FROM pending_deliveries p WHERE p.endpoint = e.n ORDER BY p.n LIMIT 1),
    (SELECT min(f.due_at) FROM ` + classes + ` CROSS JOIN LATERAL (
        SELECT p.due_at FROM pending_deliveries p WHERE p.endpoint = e.n AND p.class = k.class ORDER BY p.due_at LIMIT 1) f)
FROM endpoints e WHERE e.account = $1 AND e.endpoint = $2`

// Queue describes an endpoint's queue: see domain.DeliveryStore.
func (s *Store) Queue(ctx context.Context, key domain.EndpointKey) (domain.QueueFigures, error) {
	return read(ctx, s, "measure queue", func(ctx context.Context, c reader) (q domain.QueueFigures, err error) {
		var oldest, next pgtype.Timestamptz
		err = c.QueryRow(ctx, sqlQueue, string(key.Account), string(key.Endpoint), s.backlogLimit).Scan(&q.Pending, &oldest, &next)
		if errors.Is(err, pgx.ErrNoRows) {
			return q, nil
		}
		q.Oldest, q.NextAt = instant(oldest), instant(next)
		return q, err
	})
}

const sqlEndpointState = `SELECT revision, disabled_at, reason, failing_since, succeeded_at, told FROM endpoints
WHERE account = $1 AND endpoint = $2 AND revision > 0`

// EndpointState reads one: see domain.DeliveryStore.
func (s *Store) EndpointState(ctx context.Context, key domain.EndpointKey) (domain.EndpointState, error) {
	return read(ctx, s, "read endpoint", func(ctx context.Context, c reader) (domain.EndpointState, error) {
		state := domain.EndpointState{Key: key}
		var at stateTimes
		err := c.QueryRow(ctx, sqlEndpointState, string(key.Account), string(key.Endpoint)).Scan(&state.Revision, &at.disabled, &state.Reason, &at.failing, &at.succeeded, &state.Told)
		if errors.Is(err, pgx.ErrNoRows) {
			return state, nil
		}
		at.into(&state)
		return state, err
	})
}
