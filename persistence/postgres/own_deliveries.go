package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// recogniseAttempts finds its deliveries as the lost run left them. Whom it let go is who is at the head now, if that
// one came later: who reads it looks what is due.
func recogniseAttempts(ctx context.Context, conn *pgx.Conn, b *batch, p *pipeline) (found int, err error) {
	moved := chain[int64]{next: map[int64]int64{}, id: b.id, look: func(n int64) (revision, commit int64, err error) {
		err = conn.QueryRow(ctx, `SELECT revision, commit_id FROM pending_deliveries WHERE n = $1
			UNION ALL SELECT revision, commit_id FROM deliveries WHERE n = $1`, n).Scan(&revision, &commit)
		if errors.Is(err, pgx.ErrNoRows) {
			return 0, 0, nil
		}
		return revision, commit, err
	}}
	for _, n := range slices.Backward(b.todo) {
		a := b.ops[n].attempt
		if a == nil || p.attempted[n].Outcome != domain.AlreadyDecided && p.attempted[n].Outcome != domain.Stale {
			continue
		}
		own, err := moved.made(a.Delivery, a.Expect)
		if err != nil {
			return found, fmt.Errorf("look for own delivery: %w", err)
		}
		if !own {
			continue
		}
		got := domain.AttemptRecorded{Outcome: domain.Done, Told: p.attempted[n].Told}
		if got.Announced, err = ownAnnouncements(ctx, conn, b.id, a.Announce); err != nil {
			return found, fmt.Errorf("look for own announcements: %w", err)
		}
		if a.state != statePending {
			if got.Next, err = headOf(ctx, conn, a); err != nil {
				return found, fmt.Errorf("look for the next delivery: %w", err)
			}
		}
		p.attempted[n] = got
		found++
	}
	return found, nil
}

// headOf is the first pending one of an ended delivery's line, if it came after it.
func headOf(ctx context.Context, conn *pgx.Conn, a *attemptOp) (n int64, err error) {
	err = conn.QueryRow(ctx, `SELECT coalesce((SELECT d.n FROM endpoints e CROSS JOIN LATERAL (
			SELECT n FROM pending_deliveries d WHERE d.endpoint = e.n AND d.lead = $3 ORDER BY n LIMIT 1) d
		WHERE e.account = $1 AND e.endpoint = $2 AND d.n > $4), 0)`, string(a.Key.Account), string(a.Key.Endpoint), string(a.Lead), a.Delivery).Scan(&n)
	return n, err
}

// ownDeliveries finds those that the lost run owed for an announcement: the first ones of each endpoint. What has come
// of them since is in the rows.
func ownDeliveries(ctx context.Context, conn *pgx.Conn, a *domain.Announcement) error {
	if len(a.Owed) == 0 {
		return nil
	}
	rows, err := conn.Query(ctx, sqlDeliveriesOfAnnouncement, string(a.Account), a.Seq)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, scanDelivery)
	if err != nil {
		return err
	}
	a.Deliveries = nil
	for _, o := range a.Owed {
		i := slices.IndexFunc(all, func(d domain.Delivery) bool { return d.Endpoint == o.Endpoint })
		if i < 0 { // erased since
			continue
		}
		a.Deliveries = append(a.Deliveries, all[i])
		all = slices.Delete(all, i, i+1)
	}
	return nil
}
