package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// What somebody does to deliveries and endpoints by hand, each with its audit entry in the same commit.

var (
	errStillPending = errors.New("it is still pending")
	errEnded        = errors.New("it has ended")
	errTest         = errors.New("it was a test: send the endpoint another")
)

// Replay owes a delivery's event once more; see domain.DeliveryStore.
func (s *Store) Replay(ctx context.Context, account domain.AccountID, n int64, at time.Time, audit domain.AuditEntry) (domain.Delivery, error) {
	return s.steer(ctx, "replay delivery", account, n, audit, func(t *tx, op string, was domain.Delivery, row deliveryRow) (int64, error) {
		if row.state == statePending {
			return 0, domain.Fail(op, domain.Conflict, errStillPending)
		}
		if was.Type == domain.TestEvent {
			return 0, domain.Fail(op, domain.Conflict, errTest)
		}
		made, err := t.oweOnceMore(row, at)
		return made.N, err
	})
}

// oweOnceMore makes a replay of a delivery that has ended.
func (t *tx) oweOnceMore(row deliveryRow, at time.Time) (domain.Delivery, error) {
	return t.oweDelivery(row.endpoint, domain.Delivery{
		Announcement: row.announcement, Lead: domain.LeadID(row.lead), Class: domain.ClassReplay, Replay: true, OwedAt: at,
	})
}

// Hasten makes a pending delivery due at once; see domain.DeliveryStore.
func (s *Store) Hasten(ctx context.Context, account domain.AccountID, n int64, at time.Time, audit domain.AuditEntry) (domain.Delivery, error) {
	return s.steer(ctx, "hasten delivery", account, n, audit, func(t *tx, op string, _ domain.Delivery, row deliveryRow) (int64, error) {
		if row.state != statePending {
			return 0, domain.Fail(op, domain.Conflict, errEnded)
		}
		if row.behind && row.attempts == 0 || row.dueAt <= nanos(at) {
			return n, nil
		}
		if err := t.step(stepSettleDelivery); err != nil {
			return 0, err
		}
		return n, query(t.conn, `UPDATE deliveries SET due_at = ? WHERE n = ?`, nil, nanos(at), n)
	})
}

// Cancel ends a pending delivery; see domain.DeliveryStore.
func (s *Store) Cancel(ctx context.Context, account domain.AccountID, n int64, at time.Time, audit domain.AuditEntry) (domain.Delivery, error) {
	return s.steer(ctx, "cancel delivery", account, n, audit, func(t *tx, op string, _ domain.Delivery, row deliveryRow) (int64, error) {
		if row.state != statePending {
			return 0, domain.Fail(op, domain.Conflict, errEnded)
		}
		_, err := t.end(row, domain.DeliveryCancelled, nanos(at))
		return n, err
	})
}

// steer carries out change on a delivery of the account, and answers the delivery that it names, as it stands then.
func (s *Store) steer(ctx context.Context, opName string, account domain.AccountID, n int64, audit domain.AuditEntry,
	change func(t *tx, op string, was domain.Delivery, row deliveryRow) (int64, error),
) (domain.Delivery, error) {
	var d domain.Delivery
	_, err := s.writer.Do(ctx, op{admin: func(t *tx) error {
		was, err := readDelivery(t.conn, opName, account, n)
		if err != nil {
			return err
		}
		row, err := t.delivery(was.N)
		if err != nil {
			return err
		}
		changed, err := change(t, opName, was, row)
		if err != nil {
			return err
		}
		if d, err = readDelivery(t.conn, opName, account, changed); err != nil {
			return fmt.Errorf("read what was changed: %w", err)
		}
		return t.note(audit)
	}})
	if err != nil { // d may still be written to if ctx ended first
		return domain.Delivery{}, err
	}
	return d, nil
}

// EnableEndpoint takes back that an endpoint is disabled; see domain.DeliveryStore.
func (s *Store) EnableEndpoint(ctx context.Context, key domain.EndpointKey, audit domain.AuditEntry) error {
	_, err := s.writer.Do(ctx, op{admin: func(t *tx) error {
		n, err := t.endpointNumber(key)
		if err != nil {
			return err
		}
		if n != 0 {
			state, err := t.endpointState(n)
			if err != nil {
				return err
			}
			is := *state
			is.disabledAt, is.reason, is.failingSince = 0, "", 0
			state.become(is)
		}
		return t.note(audit)
	}})
	return err
}
