package embedded

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"zombiezen.com/go/sqlite"
)

// never is how it stands in the file that a delivery is not due by itself.
const never = math.MaxInt64

func dueNanos(t time.Time) int64 {
	if t.IsZero() {
		return never
	}
	return nanos(t)
}

func fromDue(n int64) time.Time {
	if n == never {
		return time.Time{}
	}
	return fromNanos(n)
}

// A delivery's state in the file is its place in domain.DeliveryStates. Pending is 0: the indexes say so.
const statePending = 0

func stateNumber(s domain.DeliveryState) int64 {
	return int64(slices.Index(domain.DeliveryStates(), s))
}

func fromState(n int64) domain.DeliveryState { return domain.DeliveryStates()[n] }

// maxEndpoints is how many endpoints' numbers the writer remembers: 100 bytes each. Beyond it, it begins anew.
const maxEndpoints = 4096

// endpointNumber finds an endpoint's row; 0 when it was never owed anything.
func (t *tx) endpointNumber(key domain.EndpointKey) (n int64, err error) {
	if n = t.endpoints[key]; n != 0 {
		return n, nil
	}
	s := t.findEndpoint
	s.BindText(1, string(key.Account))
	s.BindText(2, string(key.Endpoint))
	found, err := s.Step()
	if found {
		n = s.ColumnInt64(0)
	}
	if resetErr := s.Reset(); err == nil {
		err = resetErr
	}
	if err != nil {
		return 0, fmt.Errorf("find endpoint: %w", err)
	}
	if found {
		t.rememberEndpoint(key, n)
	}
	return n, nil
}

func (t *tx) rememberEndpoint(key domain.EndpointKey, n int64) {
	if t.endpoints == nil || len(t.endpoints) >= maxEndpoints {
		t.endpoints = map[domain.EndpointKey]int64{}
	}
	t.endpoints[key] = n
}

// makeEndpoint finds an endpoint's row, or makes it.
func (t *tx) makeEndpoint(key domain.EndpointKey, p domain.Partition) (int64, error) {
	n, err := t.endpointNumber(key)
	if err != nil || n != 0 {
		return n, err
	}
	if err := t.step(stepEndpoint); err != nil {
		return 0, err
	}
	b := bind{stmt: t.insertEndpoint}
	if err := b.text(string(key.Account)).text(string(key.Endpoint)).int(int64(p)).run(); err != nil {
		return 0, fmt.Errorf("make endpoint: %w", err)
	}
	n = t.conn.LastInsertRowID()
	t.rememberEndpoint(key, n)
	return n, nil
}

// oweDeliveries makes the deliveries of an announcement that has its number.
func (t *tx) oweDeliveries(a *domain.Announcement) ([]domain.Delivery, error) {
	if len(a.Owed) == 0 {
		return nil, nil
	}
	all := make([]domain.Delivery, len(a.Owed))
	for i, o := range a.Owed {
		endpoint, err := t.makeEndpoint(domain.EndpointKey{Account: a.Account, Endpoint: o.Endpoint}, o.Partition)
		if err != nil {
			return nil, err
		}
		d := domain.Delivery{
			Account: a.Account, Endpoint: o.Endpoint, Announcement: a.Seq, Event: a.ID, Type: a.Type, Lead: a.Lead, Class: o.Class, OwedAt: a.At,
		}
		if all[i], err = t.oweDelivery(endpoint, d); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// oweDelivery puts a delivery at the end of its lead's line: due at once, or behind.
func (t *tx) oweDelivery(endpoint int64, d domain.Delivery) (domain.Delivery, error) {
	head, err := t.head(endpoint, string(d.Lead))
	if err != nil {
		return d, err
	}
	d.State, d.Revision, d.DueAt = domain.DeliveryPending, 1, d.OwedAt
	if d.Behind = head.n != 0; d.Behind {
		d.DueAt = fromNanos(head.releaseAt)
	}
	if err := t.step(stepDelivery); err != nil {
		return d, err
	}
	b := bind{stmt: t.insertDelivery}
	b.int(endpoint).int(d.Announcement).text(string(d.Lead)).int(int64(d.Class)).bool(d.Replay).bool(d.Behind).
		time(d.OwedAt).int(dueNanos(d.DueAt))
	if err := b.run(); err != nil {
		return d, fmt.Errorf("insert delivery: %w", err)
	}
	d.N = t.conn.LastInsertRowID()
	return d, nil
}

// headRow is the first pending delivery of a lead to an endpoint; n is 0 when there is none.
type headRow struct {
	n, dueAt, releaseAt int64
	behind              bool
}

func (t *tx) head(endpoint int64, lead string) (h headRow, err error) {
	s := t.findHead
	s.BindInt64(1, endpoint)
	s.BindText(2, lead)
	found, err := s.Step()
	if found {
		c := columns{stmt: s}
		h = headRow{n: c.int(), dueAt: c.int(), releaseAt: c.int(), behind: c.bool()}
	}
	if resetErr := s.Reset(); err == nil {
		err = resetErr
	}
	if err != nil {
		return h, fmt.Errorf("find head of the line: %w", err)
	}
	return h, nil
}

func checkOwed(op string, all []domain.Owed) error {
	for _, o := range all {
		if err := check.Texts(op, check.Given("announce.owed.endpoint", string(o.Endpoint))); err != nil {
			return err
		}
		if o.Class >= domain.Classes {
			return domain.FailField(op, "announce.owed.class", "is unknown")
		}
	}
	return nil
}

const (
	sqlFindEndpoint = `SELECT n FROM endpoints WHERE account = ? AND endpoint = ?`
	// INDEXED BY, because the planner takes an endpoint's pending ones for a handful, among which to look for the lead.
	sqlFindHead = `SELECT n, due_at, release_at, behind FROM deliveries INDEXED BY deliveries_line
		WHERE endpoint = ? AND lead = ? AND state = 0 ORDER BY n LIMIT 1`
	sqlReleaseBehind = `UPDATE deliveries INDEXED BY deliveries_line SET due_at = ? WHERE endpoint = ? AND lead = ? AND n > ? AND state = 0 AND behind = 1
		AND due_at = 9223372036854775807`
)

// deliveryRow is what the writer needs of a delivery; n is 0 when there is none.
type deliveryRow struct {
	n, endpoint, announcement           int64
	lead                                string
	state, revision, attempts           int64
	behind                              bool
	dueAt, firstAt, failedAt, releaseAt int64
	reason                              string
}

const sqlFindDelivery = `SELECT n, endpoint, announcement, lead, state, revision, attempts, behind, due_at, first_at, failed_at, release_at, reason
	FROM deliveries WHERE n = ?`

func (t *tx) delivery(n int64) (r deliveryRow, err error) {
	s := t.findDelivery
	s.BindInt64(1, n)
	found, err := s.Step()
	if found {
		r = scanDeliveryRow(s)
	}
	if resetErr := s.Reset(); err == nil {
		err = resetErr
	}
	if err != nil {
		return r, fmt.Errorf("find delivery: %w", err)
	}
	return r, nil
}

func scanDeliveryRow(s *sqlite.Stmt) deliveryRow {
	c := columns{stmt: s}
	return deliveryRow{
		n: c.int(), endpoint: c.int(), announcement: c.int(), lead: c.text(), state: c.int(), revision: c.int(), attempts: c.int(),
		behind: c.bool(), dueAt: c.int(), firstAt: c.int(), failedAt: c.int(), releaseAt: c.int(), reason: c.text(),
	}
}
