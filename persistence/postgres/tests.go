package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// KeepTest keeps a test event that was sent beside the queue: see domain.DeliveryStore. Like what is done by hand it goes
// beside the group commit, with that one's locks in their order: the account's head, then the endpoint.
func (s *Store) KeepTest(ctx context.Context, said domain.Announcement, r domain.Receipt, audit domain.AuditEntry) (d domain.Delivery, err error) {
	const doing = "keep test"
	if err := domain.CheckTest(doing, &said, &r); err != nil {
		return d, err
	}
	a, err := newAttempt(doing, domain.Attempted{
		Key:  domain.EndpointKey{Account: said.Account, Endpoint: said.Owed[0].Endpoint},
		Lead: said.Lead, State: domain.TestState(&r), Receipt: r, Announce: []domain.Announcement{said},
	})
	if err != nil {
		return d, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.StatementTimeout*3/2)
	defer cancel()
	err = pgx.BeginFunc(ctx, s.readers, func(tx pgx.Tx) error {
		n, err := keepTest(ctx, tx, a, func() error { return note(ctx, tx, audit) })
		if err != nil {
			return err
		}
		d, err = readDelivery(ctx, tx, doing, said.Account, n)
		return err
	})
	if err != nil {
		return domain.Delivery{}, fail(doing, err)
	}
	return d, nil
}

const (
	sqlTestKept = `SELECT d.n FROM announcements a CROSS JOIN LATERAL (
    SELECT d.n FROM deliveries d WHERE d.account = a.account AND d.announcement = a.seq LIMIT 1) d
WHERE a.account = $1 AND a.id = $2`

	sqlKeepTest = `WITH known AS (
    UPDATE endpoints SET revision = 1 WHERE n = $2 AND revision = 0
), head AS (
    UPDATE heads SET head = head + 1 WHERE account = $1 RETURNING head
), said AS (
    INSERT INTO announcements (account, seq, at, id, type, lead, pixel, payload, commit_id) SELECT $1, head, $3, $4, $5, $6, $7, $8, 0 FROM head
), ended AS (
    INSERT INTO deliveries (n, endpoint, account, announcement, announced_at, lead, class, replay, state, revision, attempts, owed_at, first_at, failed_at, release_at,
        ended_at, reason, commit_id, test)
    SELECT nextval('delivery_seq'), $2, $1, head, $3, $6, $9, false, $10, 2, 1, $3, $11, $12, NULL, $13, $14, 0, true FROM head
    RETURNING n
), kept AS (
    INSERT INTO receipts (delivery, number, account, at, status, error, spec, body) SELECT n, 1, $1, $11, $15, $16, $17, $18 FROM ended
)
SELECT n FROM ended`
)

// keepTest has the test kept, unless it is; either way it answers the delivery's number. then comes in the same transaction as
// the first time.
func keepTest(ctx context.Context, tx pgx.Tx, a *attemptOp, then func() error) (n int64, err error) {
	said := &a.Announce[0]
	account := string(a.Key.Account)
	if err := lockHead(ctx, tx, account); err != nil {
		return 0, fmt.Errorf("lock the account's head: %w", err)
	}
	switch err := tx.QueryRow(ctx, sqlTestKept, account, string(said.ID)).Scan(&n); {
	case err == nil:
		return n, nil
	case !errors.Is(err, pgx.ErrNoRows):
		return 0, fmt.Errorf("look whether it is kept: %w", err)
	}
	endpoint, err := lockEndpoint(ctx, tx, a.Key, said.Owed[0].Partition)
	if err != nil {
		return 0, fmt.Errorf("lock the endpoint: %w", err)
	}
	r := &a.Receipt
	failedAt := timestamp(a.endedAt)
	failedAt.Valid = a.State == domain.DeliveryExhausted
	err = tx.QueryRow(ctx, sqlKeepTest, account, endpoint, said.At, string(said.ID), string(said.Type), string(said.Lead), string(said.Pixel), bytesOf(said.Payload),
		int16(said.Owed[0].Class), a.state, r.At, failedAt, a.endedAt, r.Reason, int16(r.Status), string(r.Error), a.spec, bytesOf(r.Body)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("keep it: %w", err)
	}
	return n, then()
}

// lockHead locks what numbers an account's announcements, and makes it for the first of them.
func lockHead(ctx context.Context, tx pgx.Tx, account string) error {
	if _, err := tx.Exec(ctx, `INSERT INTO heads (account) VALUES ($1) ON CONFLICT DO NOTHING`, account); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sqlLockHeads, []string{account})
	return err
}

// lockEndpoint locks an endpoint's row, and makes it for one that was never owed anything.
func lockEndpoint(ctx context.Context, tx pgx.Tx, key domain.EndpointKey, p domain.Partition) (n int64, err error) {
	account, endpoint := string(key.Account), string(key.Endpoint)
	if _, err := tx.Exec(ctx, `INSERT INTO endpoints (account, endpoint, partition) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, account, endpoint, int16(p)); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `SELECT n FROM endpoints WHERE account = $1 AND endpoint = $2 FOR NO KEY UPDATE`, account, endpoint).Scan(&n)
	return n, err
}
