package embedded

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// What an endpoint asks of its queue is the beginning of a range, a class at a time, however long the queue is.
const (
	sqlDue = `SELECT n FROM deliveries INDEXED BY deliveries_due WHERE endpoint = ? AND class = ? AND due_at <= ? AND state = 0 ORDER BY due_at, n LIMIT ?`
	// With nothing before it, the first of the class.
	sqlNextDue = `SELECT due_at FROM deliveries INDEXED BY deliveries_due WHERE endpoint = ? AND class = ? AND due_at > ? AND state = 0 ORDER BY due_at LIMIT 1`
)

// Due reads the head of an endpoint's queue; see domain.DeliveryStore.
func (s *Store) Due(ctx context.Context, key domain.EndpointKey, now time.Time, limit int, except ...int64) (due domain.Due, err error) {
	passed := make(map[int64]bool, len(except))
	for _, n := range except {
		passed[n] = true
	}
	err = s.read(ctx, "read what is due", func(c *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(c)(&err) // all of one moment
		n, state, err := readEndpointState(c, key)
		due.State = state
		if err != nil || n == 0 {
			return err
		}
		for class := range int64(domain.Classes) {
			var found []int64
			err := query(c, sqlDue, func(s *sqlite.Stmt) {
				if n := s.ColumnInt64(0); !passed[n] {
					found = append(found, n)
				}
			}, n, class, nanos(now), int64(limit+len(passed))+1)
			if err != nil {
				return err
			}
			if len(found) > limit {
				due.More, found = true, found[:limit]
			}
			if due.Deliveries, err = appendDeliveries(c, due.Deliveries, found, sqlDeliveryWhole); err != nil {
				return err
			}
		}
		next, err := nextDue(c, n, nanos(now))
		due.NextAt = fromDue(next)
		return err
	})
	return due, err
}

// nextDue is the earliest time after from at which a delivery is due; never when there is none.
func nextDue(c *sqlite.Conn, endpoint, from int64) (next int64, err error) {
	next = never
	for class := range int64(domain.Classes) {
		err := query(c, sqlNextDue, func(s *sqlite.Stmt) { next = min(next, s.ColumnInt64(0)) }, endpoint, class, from)
		if err != nil {
			return 0, err
		}
	}
	return next, nil
}

// sqlOwing reads endpoints with the earliest time of each class; -1: the class has none.
const sqlOwing = `SELECT n, account, endpoint, p, ` + firstDue + `0` + endFirst + `, ` + firstDue + `1` + endFirst + `, ` + firstDue + `2` + endFirst +
	`, ` + firstDue + `3` + endFirst + ` FROM endpoints e WHERE n > ? ORDER BY n LIMIT ?`

const (
	firstDue = `coalesce((SELECT d.due_at FROM deliveries d INDEXED BY deliveries_due WHERE d.endpoint = e.n AND d.class = `
	endFirst = ` AND d.state = 0 ORDER BY d.due_at LIMIT 1), -1)`
)

// Owing lists endpoints with pending deliveries; see domain.DeliveryStore. It walks all endpoints, of which there are
// some thousands at most, and picks the asked partitions, which are all of them here.
func (s *Store) Owing(ctx context.Context, partitions []domain.Partition, after int64, limit int) (found []domain.Owing, err error) {
	if len(partitions) == 0 || limit <= 0 {
		return nil, nil
	}
	var wanted [domain.Partitions]bool
	for _, p := range partitions {
		wanted[p] = true
	}
	err = s.read(ctx, "list owing endpoints", func(c *sqlite.Conn) error {
		for len(found) < limit {
			seen := 0
			err := query(c, sqlOwing, func(s *sqlite.Stmt) {
				seen++
				o, partition, pending := scanOwing(s)
				after = o.N
				if wanted[partition] && pending && len(found) < limit {
					found = append(found, o)
				}
			}, after, int64(limit))
			if err != nil || seen < limit {
				return err
			}
		}
		return nil
	})
	return found, err
}

func scanOwing(s *sqlite.Stmt) (o domain.Owing, p domain.Partition, pending bool) {
	c := columns{stmt: s}
	o = domain.Owing{N: c.int(), Key: domain.EndpointKey{Account: domain.AccountID(c.text()), Endpoint: domain.EndpointID(c.text())}}
	p = domain.Partition(c.int())
	next := int64(never)
	for range domain.Classes {
		if at := c.int(); at >= 0 {
			pending, next = true, min(next, at)
		}
	}
	o.DueAt = fromDue(next)
	return o, p, pending
}

const (
	// Which index counts does not matter; that it is one, does.
	sqlCountQueue  = `SELECT count(*) FROM (SELECT 1 FROM deliveries INDEXED BY deliveries_by_endpoint WHERE endpoint = ? AND state = 0 LIMIT ?)`
	sqlOldestQueue = `SELECT owed_at FROM deliveries INDEXED BY deliveries_by_endpoint WHERE endpoint = ? AND state = 0 ORDER BY n LIMIT 1`
)

// Queue describes an endpoint's queue; see domain.DeliveryStore.
func (s *Store) Queue(ctx context.Context, key domain.EndpointKey) (q domain.QueueFigures, err error) {
	err = s.read(ctx, "measure queue", func(c *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(c)(&err)
		n, _, err := readEndpointState(c, key)
		if err != nil || n == 0 {
			return err
		}
		if err := query(c, sqlCountQueue, func(s *sqlite.Stmt) { q.Pending = s.ColumnInt(0) }, n, s.queueLimit); err != nil {
			return err
		}
		if err := query(c, sqlOldestQueue, func(s *sqlite.Stmt) { q.Oldest = fromNanos(s.ColumnInt64(0)) }, n); err != nil {
			return err
		}
		next, err := nextDue(c, n, math.MinInt64)
		q.NextAt = fromDue(next)
		return err
	})
	return q, err
}

const sqlEndpointState = `SELECT n, revision, disabled_at, reason, failing_since, succeeded_at, told FROM endpoints WHERE account = ? AND endpoint = ?`

// EndpointState reads one; see domain.DeliveryStore.
func (s *Store) EndpointState(ctx context.Context, key domain.EndpointKey) (state domain.EndpointState, err error) {
	err = s.read(ctx, "read endpoint", func(c *sqlite.Conn) (err error) {
		_, state, err = readEndpointState(c, key)
		return err
	})
	return state, err
}

// readEndpointState answers 0 and the zero state for an endpoint that was never owed anything.
func readEndpointState(c *sqlite.Conn, key domain.EndpointKey) (n int64, state domain.EndpointState, err error) {
	state.Key = key
	err = query(c, sqlEndpointState, func(s *sqlite.Stmt) {
		c := columns{stmt: s}
		n = c.int()
		state.Revision, state.DisabledAt, state.Reason, state.FailingSince, state.SucceededAt = c.int(), c.time(), c.text(), c.time(), c.time()
		state.Told = domain.Told(c.int())
	}, string(key.Account), string(key.Endpoint))
	return n, state, err
}

const (
	deliveryColumns = `d.n, e.account, e.endpoint, d.announcement, a.id, a.type, d.lead, d.class, d.replay, d.state, d.revision,
		d.behind, d.attempts, d.owed_at, d.due_at, d.first_at, d.failed_at, d.release_at, d.ended_at, d.reason`
	fromDelivery = ` FROM deliveries d CROSS JOIN endpoints e CROSS JOIN announcements a WHERE d.n = ? AND e.n = d.endpoint AND a.seq = d.announcement`

	sqlDelivery      = `SELECT ` + deliveryColumns + fromDelivery
	sqlDeliveryWhole = `SELECT ` + deliveryColumns + `, a.payload` + fromDelivery
)

func scanDelivery(s *sqlite.Stmt) domain.Delivery {
	c := columns{stmt: s}
	d := domain.Delivery{
		N: c.int(), Account: domain.AccountID(c.text()), Endpoint: domain.EndpointID(c.text()), Announcement: c.int(),
		Event: domain.EventID(c.text()), Type: domain.AnnouncementType(c.text()), Lead: domain.LeadID(c.text()),
		Class: domain.Class(c.int()), Replay: c.bool(), State: fromState(c.int()), Revision: c.int(),
		Behind: c.bool(), Attempts: int(c.int()), OwedAt: c.time(), DueAt: fromDue(c.int()), FirstAt: c.time(), FailedAt: c.time(),
		ReleaseAt: c.time(), EndedAt: c.time(), Reason: c.text(),
	}
	if s.ColumnCount() > c.next {
		d.Payload = c.bytes()
	}
	return d
}

// appendDeliveries reads deliveries by their numbers, in that order.
func appendDeliveries(c *sqlite.Conn, to []domain.Delivery, numbers []int64, sql string) ([]domain.Delivery, error) {
	for _, n := range numbers {
		if err := query(c, sql, func(s *sqlite.Stmt) { to = append(to, scanDelivery(s)) }, n); err != nil {
			return nil, err
		}
	}
	return to, nil
}

// Delivery reads one with its payload; see domain.DeliveryStore.
func (s *Store) Delivery(ctx context.Context, account domain.AccountID, n int64) (d domain.Delivery, err error) {
	const op = "read delivery"
	err = s.read(ctx, op, func(c *sqlite.Conn) (err error) {
		d, err = readDelivery(c, op, account, n)
		return err
	})
	return d, err
}

func readDelivery(c *sqlite.Conn, op string, account domain.AccountID, n int64) (domain.Delivery, error) {
	found, err := appendDeliveries(c, nil, []int64{n}, sqlDeliveryWhole)
	if err != nil {
		return domain.Delivery{}, err
	}
	if len(found) == 0 || found[0].Account != account {
		return domain.Delivery{}, noDelivery(op)
	}
	return found[0], nil
}

func noDelivery(op string) error {
	return domain.Fail(op, domain.NotFound, errors.New("there is no delivery of this number"))
}
