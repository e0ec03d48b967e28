package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// Claim makes node the owner of the partitions: see domain.Store. It waits for commits in flight, and
// locks in the order they do. Tried twice it raises the epochs twice, which harms nobody.
func (s *Store) Claim(ctx context.Context, node domain.NodeID, partitions []domain.Partition) ([]domain.Fence, error) {
	const doing = "claim partitions"
	if err := check(doing, field{"node", string(node), false}); err != nil {
		return nil, err
	}
	epochs, err := read(ctx, s, doing, func(ctx context.Context, c reader) (map[domain.Partition]int64, error) {
		rows, err := c.Query(ctx, `WITH mine AS MATERIALIZED (SELECT p FROM partitions WHERE p = ANY ($1::smallint[]) ORDER BY p FOR NO KEY UPDATE)
			UPDATE partitions SET epoch = epoch + 1, node = $2, claimed_at = now() FROM mine WHERE partitions.p = mine.p
			RETURNING partitions.p, partitions.epoch`, numbers(partitions), string(node))
		if err != nil {
			return nil, fmt.Errorf("raise epochs: %w", err)
		}
		fences, err := collectFences(rows)
		epochs := make(map[domain.Partition]int64, len(fences))
		for _, f := range fences {
			epochs[f.Partition] = f.Epoch
		}
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

// Held lists the partitions whose last claim was node's.
func (s *Store) Held(ctx context.Context, node domain.NodeID) ([]domain.Fence, error) {
	return read(ctx, s, "list held partitions", func(ctx context.Context, c reader) ([]domain.Fence, error) {
		rows, err := c.Query(ctx, `SELECT p, epoch FROM partitions WHERE node = $1 ORDER BY p`, string(node))
		if err != nil {
			return nil, err
		}
		return collectFences(rows)
	})
}

func collectFences(rows pgx.Rows) ([]domain.Fence, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (domain.Fence, error) {
		var p int16
		var epoch int64
		err := row.Scan(&p, &epoch)
		return domain.Fence{Partition: domain.Partition(p), Epoch: epoch}, err
	})
}

func numbers(partitions []domain.Partition) []int16 {
	all := make([]int16, len(partitions))
	for i, p := range partitions {
		all[i] = int16(p)
	}
	return all
}
