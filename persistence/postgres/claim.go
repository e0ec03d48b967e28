package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// deadKept is how long the rows of nodes that ended without a word are kept, for whoever wonders.
const deadKept = "1 day"

// Renew begins or prolongs a lease: see domain.LeaseStore. It waits for the disk like any commit: a lease that a crash of
// the server takes back would let others in too early.
func (s *Store) Renew(ctx context.Context, l domain.NodeLease) ([]domain.NodeLease, error) {
	const doing = "renew lease"
	if err := check.Texts(doing, check.Given("node", string(l.Node)), check.Optional("address", l.Address)); err != nil {
		return nil, err
	}
	view := make([]string, len(l.View))
	for i, n := range l.View {
		view[i] = string(n)
	}
	return readOn(ctx, s, s.leases, doing, func(ctx context.Context, c reader) ([]domain.NodeLease, error) {
		rows, err := c.Query(ctx, `WITH own AS (
			INSERT INTO nodes (node, address, view, until, held, actors, mail, gone)
			VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4), $5, $6, $7, $8)
			ON CONFLICT (node) DO UPDATE SET address = excluded.address, view = excluded.view, until = excluded.until,
				held = excluded.held, actors = excluded.actors, mail = excluded.mail, gone = excluded.gone
			RETURNING *
		), living AS (SELECT * FROM own UNION ALL SELECT * FROM nodes WHERE node <> $1 AND until > clock_timestamp())
		SELECT node, address, view, extract(epoch FROM until - clock_timestamp())::float8, held, actors, mail, gone FROM living ORDER BY node`,
			string(l.Node), l.Address, view, l.TTL.Seconds(), l.Load.Held, l.Load.Actors, l.Load.Messages, l.Withdrawn)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, scanLease)
	})
}

func scanLease(row pgx.CollectableRow) (domain.NodeLease, error) {
	var l domain.NodeLease
	var left float64
	err := row.Scan(&l.Node, &l.Address, &l.View, &left, &l.Load.Held, &l.Load.Actors, &l.Load.Messages, &l.Withdrawn)
	l.TTL = time.Duration(left * float64(time.Second))
	return l, err
}

// Claim makes node the owner of the partitions: see domain.LeaseStore. Tried twice it raises the epochs twice, which harms
// nobody.
//
// It takes what nobody locks: a server goes on holding the locks of a node that was cut off or frozen in the middle of a
// commit, and one such row would keep all others from being claimed. What commits then under the older epoch has locked the
// row before us, or is refused. The holders are looked at in a second statement, which sees the leases of whoever has
// claimed meanwhile, and by the time at which that began, which errs on the holder's side.
func (s *Store) Claim(ctx context.Context, node domain.NodeID, partitions []domain.Partition) ([]domain.Fence, error) {
	const doing = "claim partitions"
	if err := check.Texts(doing, check.Given("node", string(node))); err != nil {
		return nil, err
	}
	epochs, err := readOn(ctx, s, s.leases, doing, func(ctx context.Context, _ reader) (epochs map[domain.Partition]int64, err error) {
		err = pgx.BeginFunc(ctx, s.leases, func(tx pgx.Tx) error {
			epochs, err = claimFree(ctx, tx, node, numbers(partitions))
			return err
		})
		return epochs, err
	})
	if err != nil {
		return nil, err
	}
	fences := make([]domain.Fence, len(partitions))
	for i, p := range partitions {
		fences[i] = domain.Fence{Partition: p, Epoch: epochs[p]}
	}
	return fences, nil
}

func claimFree(ctx context.Context, tx pgx.Tx, node domain.NodeID, partitions []int16) (map[domain.Partition]int64, error) {
	rows, err := tx.Query(ctx, `SELECT p FROM partitions WHERE p = ANY ($1::smallint[])
		AND node <> ALL (coalesce((SELECT array_agg(n.node) FROM nodes n WHERE n.until > statement_timestamp() AND n.node <> $2), '{}'))
		ORDER BY p FOR NO KEY UPDATE SKIP LOCKED`, partitions, string(node))
	if err != nil {
		return nil, fmt.Errorf("lock what nobody holds: %w", err)
	}
	free, err := pgx.CollectRows(rows, pgx.RowTo[int16])
	if err != nil || len(free) == 0 {
		return nil, err
	}
	rows, err = tx.Query(ctx, `WITH buried AS (DELETE FROM nodes WHERE until < statement_timestamp() - interval '`+deadKept+`')
		UPDATE partitions SET epoch = epoch + 1, node = $2, claimed_at = now() WHERE p = ANY ($1::smallint[])
			AND node <> ALL (coalesce((SELECT array_agg(n.node) FROM nodes n WHERE n.until > statement_timestamp() AND n.node <> $2), '{}'))
		RETURNING p, epoch`, free, string(node))
	if err != nil {
		return nil, fmt.Errorf("raise epochs: %w", err)
	}
	epochs := make(map[domain.Partition]int64, len(free))
	var p int16
	var epoch int64
	_, err = pgx.ForEachRow(rows, []any{&p, &epoch}, func() error {
		epochs[domain.Partition(p)] = epoch
		return nil
	})
	return epochs, err
}

// GiveBack makes partitions nobody's: see domain.LeaseStore.
func (s *Store) GiveBack(ctx context.Context, node domain.NodeID, fences []domain.Fence) error {
	parts, epochs := make([]int16, len(fences)), make([]int64, len(fences))
	for i, f := range fences {
		parts[i], epochs[i] = int16(f.Partition), f.Epoch
	}
	return s.release(ctx, "give partitions back", `WITH mine AS MATERIALIZED (SELECT q.p FROM partitions q
		JOIN unnest($2::smallint[], $3::bigint[]) AS t (p, epoch) ON t.p = q.p AND t.epoch = q.epoch
		WHERE q.node = $1 ORDER BY q.p FOR NO KEY UPDATE OF q)
		UPDATE partitions SET node = '' FROM mine WHERE partitions.p = mine.p`, string(node), parts, epochs)
}

// Resign ends a node's lease: see domain.LeaseStore.
func (s *Store) Resign(ctx context.Context, node domain.NodeID) error {
	return s.release(ctx, "resign", `WITH gone AS (DELETE FROM nodes WHERE node = $1),
		mine AS MATERIALIZED (SELECT p FROM partitions WHERE node = $1 ORDER BY p FOR NO KEY UPDATE)
		UPDATE partitions SET node = '' FROM mine WHERE partitions.p = mine.p`, string(node))
}

func (s *Store) release(ctx context.Context, doing, sql string, args ...any) error {
	_, err := readOn(ctx, s, s.leases, doing, func(ctx context.Context, c reader) (struct{}, error) {
		_, err := c.Exec(ctx, sql, args...)
		return struct{}{}, err
	})
	return err
}

// Holdings lists the partitions that were ever claimed: see domain.LeaseStore.
func (s *Store) Holdings(ctx context.Context) ([]domain.Holding, error) {
	return readOn(ctx, s, s.leases, "list holdings", func(ctx context.Context, c reader) ([]domain.Holding, error) {
		rows, err := c.Query(ctx, `SELECT p, epoch, node FROM partitions WHERE epoch > 0 ORDER BY p`)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h domain.Holding, err error) {
			err = row.Scan(&h.Fence.Partition, &h.Fence.Epoch, &h.Node)
			return h, err
		})
	})
}

func numbers(partitions []domain.Partition) []int16 {
	all := make([]int16, len(partitions))
	for i, p := range partitions {
		all[i] = int16(p)
	}
	return all
}
