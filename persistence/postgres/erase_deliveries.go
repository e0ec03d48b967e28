package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
)

// deliveries removes what was owed for announcements of the person, by number, and what endpoints answered: pending
// ones too, and whoever has one under way finds it gone. It goes before the announcements do, since without its own
// nobody can read a delivery; and if it is cut off, the next one finds the rest by them.
//
// A transaction is for one endpoint and waits for its lock, as its first one: so it is in no deadlock, and while it has
// the lock nobody records an attempt, or adds to the queue.
func (r *erasure) deliveries(ctx context.Context, announcements []int64) error {
	for chunk := range slices.Chunk(announcements, eraseLimit) {
		for more := true; more; {
			found, err := r.findDeliveries(ctx, `account = $1 AND announcement = ANY ($2::bigint[])`, string(r.e.Account), chunk)
			if err != nil {
				return fmt.Errorf("find deliveries: %w", err)
			}
			for _, endpoint := range slices.Sorted(maps.Keys(found)) {
				if err := r.within(ctx, func(tx pgx.Tx) error { return r.removeDeliveries(ctx, tx, endpoint, found[endpoint]) }); err != nil {
					return fmt.Errorf("erase deliveries: %w", err)
				}
			}
			more = len(found) > 0
		}
	}
	return nil
}

// ofLeads numbers the announcements of the person's leads.
func (r *erasure) ofLeads(ctx context.Context) (seqs []int64, err error) {
	err = r.within(ctx, func(tx pgx.Tx) (err error) {
		seqs, err = numbersOf(ctx, tx, "announcements", `lead = ANY ($2::text[])`, string(r.e.Account), r.leads)
		return err
	})
	return seqs, err
}

// findDeliveries lists some deliveries, by endpoint.
func (r *erasure) findDeliveries(ctx context.Context, where string, args ...any) (map[int64][]int64, error) {
	found := map[int64][]int64{}
	err := r.within(ctx, func(tx pgx.Tx) error {
		clear(found)
		rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT endpoint, n FROM %s d WHERE %s LIMIT %d`, everyDelivery, where, eraseLimit), args...)
		if err != nil {
			return err
		}
		var endpoint, n int64
		_, err = pgx.ForEachRow(rows, []any{&endpoint, &n}, func() error { found[endpoint] = append(found[endpoint], n); return nil })
		return err
	})
	return found, err
}

// removeDeliveries removes deliveries of one endpoint with their receipts. Of another lead's line, which one of them was
// at the head of, the next one goes.
func (r *erasure) removeDeliveries(ctx context.Context, tx pgx.Tx, endpoint int64, numbers []int64) error {
	if err := lockQueue(ctx, tx, endpoint); err != nil {
		return fmt.Errorf("lock the endpoint: %w", err)
	}
	for _, step := range []struct{ counted, sql string }{
		{"receipts", `DELETE FROM receipts t WHERE t.delivery = ANY ($2::bigint[])`},
		{"deliveries", `DELETE FROM deliveries t WHERE t.n = ANY ($2::bigint[])`},
	} {
		if _, err := r.changeOnce(ctx, tx, step.counted, counting(step.sql), numbers); err != nil {
			return err
		}
	}
	rows, err := tx.Query(ctx, `DELETE FROM pending_deliveries WHERE n = ANY ($1::bigint[]) RETURNING lead`, numbers)
	if err != nil {
		return err
	}
	leads, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(leads) == 0 {
		return err
	}
	r.rows["deliveries"] += int64(len(leads))
	if err := rewriteLater(ctx, tx, "pending_deliveries"); err != nil {
		return err
	}
	slices.Sort(leads)
	return promote(ctx, tx, endpoint, slices.Compact(leads), r.s.opts.Clock.Now())
}

// counting lets a statement that changes rows t say of which relations they were, as changeOnce wants it; it holds what
// it changes already, so it needs no limit.
func counting(change string) string {
	return fmt.Sprintf(`WITH changed AS (%s RETURNING t.tableoid)
		SELECT c.relname::text, count(*) FROM changed JOIN pg_class c ON c.oid = changed.tableoid WHERE $1::int IS NOT NULL GROUP BY 1`, change)
}

// announcements removes those of the person's leads and those that name them, with their deliveries.
func (r *erasure) announcements(ctx context.Context) error {
	named, err := naming[int64](ctx, r, "announcements", "t.seq", "t.payload", "true")
	if err != nil {
		return err
	}
	theirs, err := r.ofLeads(ctx)
	if err != nil {
		return fmt.Errorf("find announcements: %w", err)
	}
	if err := r.deliveries(ctx, append(theirs, named...)); err != nil {
		return err
	}
	return r.days(ctx, announcementDays, `t.account = $2 AND (t.lead = ANY ($3::text[]) OR t.seq = ANY ($4::bigint[]))`, deleteFrom, string(r.e.Account), r.leads, named)
}

// receipts removes what endpoints have answered of the person when they were sent somebody else. The delivery keeps its
// place, and forgets what its newest attempt was told.
func (r *erasure) receipts(ctx context.Context) error {
	named, err := naming[string](ctx, r, "receipts", "t.delivery || '/' || t.number", "t.spec || t.body", "true")
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(named, eraseLimit) {
		found, err := r.findDeliveries(ctx, `n = ANY (SELECT split_part(k, '/', 1)::bigint FROM unnest($1::text[]) AS u (k))`, chunk)
		if err != nil {
			return fmt.Errorf("find deliveries: %w", err)
		}
		for _, endpoint := range slices.Sorted(maps.Keys(found)) {
			if err := r.within(ctx, func(tx pgx.Tx) error { return r.removeReceipts(ctx, tx, endpoint, found[endpoint], chunk) }); err != nil {
				return fmt.Errorf("erase receipts: %w", err)
			}
		}
	}
	return nil
}

func (r *erasure) removeReceipts(ctx context.Context, tx pgx.Tx, endpoint int64, numbers []int64, receipts []string) error {
	if err := lockQueue(ctx, tx, endpoint); err != nil {
		return fmt.Errorf("lock the endpoint: %w", err)
	}
	if _, err := r.changeOnce(ctx, tx, "receipts", counting(`DELETE FROM receipts t WHERE t.delivery = ANY ($2::bigint[]) AND t.delivery || '/' || t.number = ANY ($3::text[])`),
		numbers, receipts); err != nil {
		return err
	}
	for _, table := range []string{"deliveries", "pending_deliveries"} {
		if _, err := r.changeOnce(ctx, tx, "deliveries", counting(`UPDATE `+table+` t SET reason = '' WHERE t.n = ANY ($2::bigint[]) AND t.reason <> ''`), numbers); err != nil {
			return err
		}
	}
	return nil
}
