package embedded

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

const (
	// An endpoint's lie by state and number: a list of several states, or endpoints, is put together from the
	// beginning of each. What a time excludes is passed over within the index.
	sqlDeliveriesOf = `SELECT n FROM deliveries INDEXED BY deliveries_by_endpoint
		WHERE endpoint = ? AND state = ? AND n < ? AND owed_at >= ? AND owed_at < ? ORDER BY n DESC LIMIT ?`
	sqlEndpointsOf = `SELECT n FROM endpoints WHERE account = ?`
	// A lead's, or an event's, are a handful. A replay may have any number, so all are looked at.
	sqlDeliveriesByLead = `SELECT d.n, d.endpoint, d.state, d.owed_at, a.lead FROM announcements a CROSS JOIN deliveries d
		WHERE a.lead = ? AND a.account = ? AND d.announcement = a.seq`
	sqlDeliveriesByEvent = `SELECT d.n, d.endpoint, d.state, d.owed_at, a.lead FROM announcements a CROSS JOIN deliveries d
		WHERE a.id = ? AND a.account = ? AND d.announcement = a.seq`
)

// Deliveries lists an account's, newest first; see domain.DeliveryStore.
func (s *Store) Deliveries(ctx context.Context, account domain.AccountID, f domain.DeliveryFilter, before int64, limit int) (found []domain.Delivery, err error) {
	l := listing{DeliveryFilter: f, account: account, before: before, limit: limit, since: math.MinInt64, until: math.MaxInt64}
	if before == 0 {
		l.before = math.MaxInt64
	}
	if !f.Since.IsZero() {
		l.since = nanos(f.Since)
	}
	if !f.Until.IsZero() {
		l.until = nanos(f.Until)
	}
	err = s.read(ctx, "list deliveries", func(c *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(c)(&err)
		numbers, err := l.find(c)
		if err != nil {
			return err
		}
		slices.SortFunc(numbers, func(a, b int64) int { return cmp.Compare(b, a) })
		found, err = appendDeliveries(c, nil, numbers[:min(limit, len(numbers))], sqlDelivery)
		return err
	})
	return found, err
}

// listing is a list of deliveries that is asked for.
type listing struct {
	domain.DeliveryFilter
	account      domain.AccountID
	before       int64
	limit        int
	since, until int64
}

// find answers the newest numbers that pass the filter, in any order; there may be more than limit.
func (l *listing) find(c *sqlite.Conn) ([]int64, error) {
	var endpoints []int64
	var err error
	if l.Endpoint != "" {
		err = query(c, sqlFindEndpoint, func(s *sqlite.Stmt) { endpoints = append(endpoints, s.ColumnInt64(0)) }, string(l.account), string(l.Endpoint))
	} else {
		err = query(c, sqlEndpointsOf, func(s *sqlite.Stmt) { endpoints = append(endpoints, s.ColumnInt64(0)) }, string(l.account))
	}
	switch {
	case err != nil:
		return nil, err
	case l.Event != "":
		return l.among(c, endpoints, sqlDeliveriesByEvent, string(l.Event))
	case l.Lead != "":
		return l.among(c, endpoints, sqlDeliveriesByLead, string(l.Lead))
	}
	var numbers []int64
	for _, endpoint := range endpoints {
		for _, state := range domain.DeliveryStates() {
			if l.State != "" && l.State != state {
				continue
			}
			err := query(c, sqlDeliveriesOf, func(s *sqlite.Stmt) { numbers = append(numbers, s.ColumnInt64(0)) },
				endpoint, stateNumber(state), l.before, l.since, l.until, int64(l.limit))
			if err != nil {
				return nil, err
			}
		}
	}
	return numbers, nil
}

func (l *listing) among(c *sqlite.Conn, endpoints []int64, sql, key string) (numbers []int64, err error) {
	err = query(c, sql, func(s *sqlite.Stmt) {
		c := columns{stmt: s}
		n, endpoint, state, owed, lead := c.int(), c.int(), fromState(c.int()), c.int(), domain.LeadID(c.text())
		if n < l.before && slices.Contains(endpoints, endpoint) && (l.State == "" || l.State == state) &&
			owed >= l.since && owed < l.until && (l.Lead == "" || l.Lead == lead) {
			numbers = append(numbers, n)
		}
	}, key, string(l.account))
	return numbers, err
}

const (
	sqlDeliveryAccount = `SELECT e.account FROM deliveries d CROSS JOIN endpoints e WHERE d.n = ? AND e.n = d.endpoint`
	sqlReceipts        = `SELECT place, spec, body FROM receipts WHERE place > ? AND place < ? ORDER BY place LIMIT ?`
)

// Receipts lists a delivery's; see domain.DeliveryStore.
func (s *Store) Receipts(ctx context.Context, account domain.AccountID, n int64, limit int) (found []domain.Receipt, err error) {
	const op = "list receipts"
	err = s.read(ctx, op, func(c *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(c)(&err)
		whose, known := "", false
		err = query(c, sqlDeliveryAccount, func(s *sqlite.Stmt) { whose, known = s.ColumnText(0), true }, n)
		if err == nil && (!known || whose != string(account)) {
			err = noDelivery(op)
		}
		if err != nil {
			return err
		}
		var bad error
		err = query(c, sqlReceipts, func(s *sqlite.Stmt) {
			c := columns{stmt: s}
			place := c.int()
			var r domain.Receipt
			if err := json.Unmarshal(c.bytes(), &r); err != nil {
				bad = domain.Fail(op, domain.Internal, err)
			}
			r.Delivery, r.Number, r.Body = n, int(place&(maxAttempts-1)), c.bytes()
			found = append(found, r)
		}, receiptPlace(n, 0), receiptPlace(n+1, 0), int64(limit))
		if err == nil {
			err = bad
		}
		return err
	})
	return found, err
}
