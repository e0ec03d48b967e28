package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// What somebody does to deliveries and endpoints by hand, each with its audit entry in the same transaction. It is
// rare, so it goes beside the group commit, and takes the endpoint's lock first like whoever changes its queue.

var (
	errStillPending = errors.New("it is still pending")
	errEnded        = errors.New("it has ended")
	errTest         = errors.New("it was a test: send the endpoint another")
)

// Replay owes a delivery's event once more: see domain.DeliveryStore.
func (s *Store) Replay(ctx context.Context, account domain.AccountID, n int64, at time.Time, audit domain.AuditEntry) (domain.Delivery, error) {
	const doing = "replay delivery"
	return s.steer(ctx, doing, account, n, audit, func(tx pgx.Tx, d domain.Delivery, endpoint int64) (made int64, err error) {
		if d.State == domain.DeliveryPending {
			return 0, domain.Fail(doing, domain.Conflict, errStillPending)
		}
		if d.Type == domain.TestEvent {
			return 0, domain.Fail(doing, domain.Conflict, errTest)
		}
		return made, tx.QueryRow(ctx, `INSERT INTO pending_deliveries (n, endpoint, account, announcement, announced_at, lead, class, replay, revision, behind,
				attempts, owed_at, due_at, reason, commit_id)
			SELECT nextval('delivery_seq'), d.endpoint, d.account, d.announcement, d.announced_at, d.lead, $2::smallint, true, 1, h.n IS NOT NULL,
				0, $3::timestamptz, CASE WHEN h.n IS NULL THEN $3::timestamptz ELSE h.release_at END, '', 0
			FROM deliveries d
			LEFT JOIN LATERAL (SELECT p.n, p.release_at FROM pending_deliveries p WHERE p.endpoint = d.endpoint AND p.lead = d.lead ORDER BY p.n LIMIT 1) h ON true
			WHERE d.n = $1 RETURNING n`, n, int16(domain.ClassReplay), micro(at)).Scan(&made)
	})
}

// Hasten makes a pending delivery due at once: see domain.DeliveryStore.
func (s *Store) Hasten(ctx context.Context, account domain.AccountID, n int64, at time.Time, audit domain.AuditEntry) (domain.Delivery, error) {
	const doing = "hasten delivery"
	return s.steer(ctx, doing, account, n, audit, func(tx pgx.Tx, d domain.Delivery, _ int64) (int64, error) {
		if d.State != domain.DeliveryPending {
			return 0, domain.Fail(doing, domain.Conflict, errEnded)
		}
		_, err := tx.Exec(ctx, `UPDATE pending_deliveries SET due_at = $2 WHERE n = $1 AND (NOT behind OR attempts > 0) AND due_at > $2`, n, micro(at))
		return n, err
	})
}

// Cancel ends a pending delivery: see domain.DeliveryStore.
func (s *Store) Cancel(ctx context.Context, account domain.AccountID, n int64, at time.Time, audit domain.AuditEntry) (domain.Delivery, error) {
	const doing = "cancel delivery"
	return s.steer(ctx, doing, account, n, audit, func(tx pgx.Tx, d domain.Delivery, endpoint int64) (int64, error) {
		if d.State != domain.DeliveryPending {
			return 0, domain.Fail(doing, domain.Conflict, errEnded)
		}
		if _, err := tx.Exec(ctx, `WITH taken AS (DELETE FROM pending_deliveries WHERE n = $1 RETURNING *)
			INSERT INTO deliveries (n, endpoint, account, announcement, announced_at, lead, class, replay, state, revision, attempts, owed_at, first_at, failed_at,
				release_at, ended_at, reason, commit_id)
			SELECT n, endpoint, account, announcement, announced_at, lead, class, replay, $2::smallint, revision + 1, attempts, owed_at, first_at, failed_at,
				release_at, $3::timestamptz, reason, 0 FROM taken`, n, stateNumber(domain.DeliveryCancelled), micro(at)); err != nil {
			return 0, err
		}
		return n, promote(ctx, tx, endpoint, []string{string(d.Lead)}, at)
	})
}

// promote lets go whoever is at the head of each lead's line, if it was behind.
func promote(ctx context.Context, tx pgx.Tx, endpoint int64, leads []string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE pending_deliveries d SET behind = false, due_at = least(d.due_at, $3)
		FROM unnest($2::text[]) AS u (lead)
		CROSS JOIN LATERAL (SELECT p.n FROM pending_deliveries p WHERE p.endpoint = $1 AND p.lead = u.lead ORDER BY p.n LIMIT 1) h
		WHERE d.n = h.n AND d.behind`, endpoint, leads, micro(at))
	if err != nil {
		return fmt.Errorf("promote deliveries: %w", err)
	}
	return nil
}

// steer carries out change on a delivery of the account, and answers the delivery that it names, as it stands then. What
// has ended is held, so that retention does not take its announcement from under a replay.
func (s *Store) steer(ctx context.Context, doing string, account domain.AccountID, n int64, audit domain.AuditEntry,
	change func(tx pgx.Tx, d domain.Delivery, endpoint int64) (int64, error),
) (d domain.Delivery, err error) {
	if err := check.Texts(doing, check.Given("account", string(account))); err != nil {
		return d, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.StatementTimeout*3/2)
	defer cancel()
	err = pgx.BeginFunc(ctx, s.readers, func(tx pgx.Tx) error {
		endpoint, err := lockQueueOf(ctx, tx, account, n)
		if errors.Is(err, pgx.ErrNoRows) {
			return noDelivery(doing)
		} else if err != nil {
			return fmt.Errorf("lock the endpoint: %w", err)
		}
		if _, err := tx.Exec(ctx, `SELECT 1 FROM deliveries WHERE n = $1 FOR KEY SHARE`, n); err != nil {
			return fmt.Errorf("hold the delivery: %w", err)
		}
		was, err := readDelivery(ctx, tx, doing, account, n)
		if err != nil {
			return err
		}
		changed, err := change(tx, was, endpoint)
		if err != nil {
			return err
		}
		if d, err = readDelivery(ctx, tx, doing, account, changed); err != nil {
			return err
		}
		return note(ctx, tx, audit)
	})
	if err != nil {
		return domain.Delivery{}, fail(doing, err)
	}
	return d, nil
}

// lockQueueOf locks the endpoint of a delivery; what it finds afterwards is the queue as it stands.
func lockQueueOf(ctx context.Context, tx pgx.Tx, account domain.AccountID, n int64) (endpoint int64, err error) {
	if err = tx.QueryRow(ctx, `SELECT endpoint FROM `+everyDelivery+` d WHERE n = $2 AND account = $1`, string(account), n).Scan(&endpoint); err != nil {
		return 0, err
	}
	return endpoint, lockQueue(ctx, tx, endpoint)
}

func lockQueue(ctx context.Context, tx pgx.Tx, endpoint int64) error {
	_, err := tx.Exec(ctx, `SELECT 1 FROM endpoints WHERE n = $1 FOR NO KEY UPDATE`, endpoint)
	return err
}

// EnableEndpoint takes back that an endpoint is disabled: see domain.DeliveryStore.
func (s *Store) EnableEndpoint(ctx context.Context, key domain.EndpointKey, audit domain.AuditEntry) error {
	const doing = "enable endpoint"
	if err := check.Texts(doing, check.Given("account", string(key.Account)), check.Given("endpoint", string(key.Endpoint))); err != nil {
		return err
	}
	return fail(doing, pgx.BeginFunc(ctx, s.readers, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE endpoints SET disabled_at = NULL, reason = '', failing_since = NULL, revision = revision + 1
			WHERE account = $1 AND endpoint = $2 AND revision > 0`, string(key.Account), string(key.Endpoint)); err != nil {
			return err
		}
		return note(ctx, tx, audit)
	}))
}
