package postgres

import (
	"context"
	"errors"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
)

// everyDelivery is both tables as one; a condition on it goes to the index of each.
const everyDelivery = `(
    SELECT n, endpoint, account, announcement, announced_at, lead, class, replay, 0::smallint AS state, revision, behind, attempts, owed_at, due_at,
        first_at, failed_at, release_at, NULL::timestamptz AS ended_at, reason FROM pending_deliveries
    UNION ALL
    SELECT n, endpoint, account, announcement, announced_at, lead, class, replay, state, revision, false, attempts, owed_at, NULL,
        first_at, failed_at, release_at, ended_at, reason FROM deliveries)`

const (
	deliveryColumns = `d.n, d.account, e.endpoint, d.announcement, a.id, a.type, d.lead, d.class, d.replay, d.state, d.revision, d.behind, d.attempts,
    d.owed_at, d.due_at, d.first_at, d.failed_at, d.release_at, d.ended_at, d.reason`

	// withNames adds the endpoint's name to a delivery d, and its announcement.
	withNames = `
CROSS JOIN LATERAL (SELECT e.endpoint FROM endpoints e WHERE e.n = d.endpoint LIMIT 1) e
CROSS JOIN LATERAL (SELECT * FROM announcements a WHERE a.account = d.account AND a.seq = d.announcement AND a.at = d.announced_at LIMIT 1) a`

	sqlDelivery = `SELECT ` + deliveryColumns + `, a.payload FROM ` + everyDelivery + ` d` + withNames + ` WHERE d.n = $2 AND d.account = $1`

	sqlDeliveriesOfAnnouncement = `SELECT ` + deliveryColumns + ` FROM ` + everyDelivery + ` d` + withNames + `
WHERE d.account = $1 AND d.announcement = $2 ORDER BY d.n`
)

// scanDelivery reads deliveryColumns, and a payload behind them if there is one.
func scanDelivery(row pgx.CollectableRow) (d domain.Delivery, err error) {
	var state int16
	var at deliveryTimes
	to := []any{&d.N, &d.Account, &d.Endpoint, &d.Announcement, &d.Event, &d.Type, &d.Lead, &d.Class, &d.Replay, &state, &d.Revision, &d.Behind, &d.Attempts,
		&at.owed, &at.due, &at.first, &at.failed, &at.release, &at.ended, &d.Reason}
	if len(row.FieldDescriptions()) > len(to) {
		to = append(to, &d.Payload)
	}
	if err := row.Scan(to...); err != nil {
		return d, err
	}
	at.into(&d)
	d.State = domain.DeliveryStates()[state]
	return d, nil
}

// Delivery reads one with its payload: see domain.DeliveryStore.
func (s *Store) Delivery(ctx context.Context, account domain.AccountID, n int64) (domain.Delivery, error) {
	const doing = "read delivery"
	return read(ctx, s, doing, func(ctx context.Context, c reader) (domain.Delivery, error) {
		return readDelivery(ctx, c, doing, account, n)
	})
}

func readDelivery(ctx context.Context, c reader, doing string, account domain.AccountID, n int64) (domain.Delivery, error) {
	rows, err := c.Query(ctx, sqlDelivery, string(account), n)
	if err != nil {
		return domain.Delivery{}, err
	}
	d, err := pgx.CollectOneRow(rows, scanDelivery)
	if errors.Is(err, pgx.ErrNoRows) {
		err = noDelivery(doing)
	}
	return d, err
}

func noDelivery(doing string) error {
	return domain.Fail(doing, domain.NotFound, errors.New("there is no delivery of this number"))
}

const (
	// An endpoint's lie by state and number: a list of several states, or endpoints, is put together from the
	// beginning of each. What a time excludes is passed over within the index.
	sqlDeliveries = `SELECT ` + deliveryColumns + `
FROM (
    SELECT q.n FROM (SELECT e.n FROM endpoints e WHERE e.account = $1 AND $2 = '' UNION ALL SELECT e.n FROM endpoints e WHERE e.account = $1 AND e.endpoint = $2) e
    CROSS JOIN LATERAL (
        SELECT p.n FROM (SELECT p.n FROM pending_deliveries p
            WHERE 0 = ANY ($3::smallint[]) AND p.endpoint = e.n AND p.n < $4 AND p.owed_at >= $5 AND p.owed_at < $6 ORDER BY p.n DESC LIMIT $7) p
        UNION ALL
        SELECT p.n FROM unnest($3::smallint[]) AS k (state) CROSS JOIN LATERAL (SELECT p.n FROM deliveries p
            WHERE p.endpoint = e.n AND p.state = k.state AND p.n < $4 AND p.owed_at >= $5 AND p.owed_at < $6 ORDER BY p.n DESC LIMIT $7) p) q
    ORDER BY q.n DESC LIMIT $7) q
CROSS JOIN LATERAL (SELECT * FROM ` + everyDelivery + ` d WHERE d.n = q.n LIMIT 1) d` + withNames + `
ORDER BY d.n DESC`

	// A lead's, or an event's, are a handful. A replay may have any number, so all are looked at.
	sqlDeliveriesByLead  = deliveriesBy + `a.lead = $8` + deliveriesByEnd
	sqlDeliveriesByEvent = deliveriesBy + `a.id = $8` + deliveriesByEnd + ` AND ($9 = '' OR a.lead = $9)`
	newestFirst          = ` ORDER BY d.n DESC LIMIT $7`
	deliveriesBy         = `SELECT ` + deliveryColumns + ` FROM announcements a
CROSS JOIN LATERAL (SELECT * FROM ` + everyDelivery + ` d WHERE d.account = a.account AND d.announcement = a.seq OFFSET 0) d
CROSS JOIN LATERAL (SELECT e.endpoint FROM endpoints e WHERE e.n = d.endpoint LIMIT 1) e
WHERE a.account = $1 AND `
	deliveriesByEnd = ` AND ($2 = '' OR e.endpoint = $2) AND d.state = ANY ($3::smallint[]) AND d.n < $4 AND d.owed_at >= $5 AND d.owed_at < $6`
)

// Deliveries lists an account's, newest first: see domain.DeliveryStore.
func (s *Store) Deliveries(ctx context.Context, account domain.AccountID, f domain.DeliveryFilter, before int64, limit int) ([]domain.Delivery, error) {
	sql, args := listOfDeliveries(account, f, before, limit)
	return read(ctx, s, "list deliveries", func(ctx context.Context, c reader) ([]domain.Delivery, error) {
		rows, err := c.Query(ctx, sql, args...)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, scanDelivery)
	})
}

func listOfDeliveries(account domain.AccountID, f domain.DeliveryFilter, before int64, limit int) (sql string, args []any) {
	var states []int16
	for _, s := range domain.DeliveryStates() {
		if f.State == "" || f.State == s {
			states = append(states, stateNumber(s))
		}
	}
	if before == 0 {
		before = math.MaxInt64
	}
	since, until := timestamp(f.Since), timestamp(f.Until)
	if f.Since.IsZero() {
		since = pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
	}
	if f.Until.IsZero() {
		until = pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	}
	args = []any{string(account), string(f.Endpoint), states, before, since, until, max(limit, 0)}
	switch {
	case f.Event != "":
		return sqlDeliveriesByEvent + newestFirst, append(args, string(f.Event), string(f.Lead))
	case f.Lead != "":
		return sqlDeliveriesByLead + newestFirst, append(args, string(f.Lead))
	}
	return sqlDeliveries, args
}

const (
	sqlDeliveryExists = `SELECT EXISTS (SELECT 1 FROM pending_deliveries WHERE n = $2 AND account = $1) OR EXISTS (SELECT 1 FROM deliveries WHERE n = $2 AND account = $1)`
	sqlReceipts       = `SELECT number, spec, body FROM receipts WHERE delivery = $1 ORDER BY number LIMIT $2`
)

// Receipts lists a delivery's: see domain.DeliveryStore.
func (s *Store) Receipts(ctx context.Context, account domain.AccountID, n int64, limit int) ([]domain.Receipt, error) {
	const doing = "list receipts"
	return read(ctx, s, doing, func(ctx context.Context, c reader) ([]domain.Receipt, error) {
		var there bool
		if err := c.QueryRow(ctx, sqlDeliveryExists, string(account), n).Scan(&there); err != nil {
			return nil, err
		}
		if !there {
			return nil, noDelivery(doing)
		}
		rows, err := c.Query(ctx, sqlReceipts, n, max(limit, 0))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r domain.Receipt, err error) {
			var number int
			var spec, body []byte
			if err := row.Scan(&number, &spec, &body); err != nil {
				return r, err
			}
			err = unpack(doing, spec, &r)
			r.Delivery, r.Number = n, number
			if len(body) > 0 { // what was empty or missing is read as missing
				r.Body = body
			}
			return r, err
		})
	})
}
