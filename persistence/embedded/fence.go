package embedded

import (
	"context"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// fenced says whether f is not the partition's newest epoch. A partition that was never claimed has
// epoch 0, which no fence carries, so nothing is written for it.
func (t *tx) fenced(f domain.Fence) bool {
	if epoch, ok := t.claimed[f.Partition]; ok {
		return f.Epoch != epoch
	}
	return f.Epoch == 0 || f.Epoch != t.epochs[f.Partition]
}

func (t *tx) loadEpochs() error {
	clear(t.epochs[:])
	defer func() { _ = t.readEpochs.Reset() }()
	for {
		more, err := t.readEpochs.Step()
		if err != nil {
			return fmt.Errorf("read epochs: %w", err)
		}
		if !more {
			return nil
		}
		t.epochs[t.readEpochs.ColumnInt64(0)] = t.readEpochs.ColumnInt64(1)
	}
}

// Claim makes node the owner of the partitions; see domain.Store.
func (s *Store) Claim(ctx context.Context, node domain.NodeID, partitions []domain.Partition) ([]domain.Fence, error) {
	if err := checkTexts("claim partitions", text{"node", string(node), false}); err != nil {
		return nil, err
	}
	fences := make([]domain.Fence, len(partitions))
	_, err := s.writer.Do(ctx, op{admin: func(t *tx) error {
		for i, p := range partitions {
			epoch, err := t.claim(node, p)
			if err != nil {
				return err
			}
			fences[i] = domain.Fence{Partition: p, Epoch: epoch}
		}
		return nil
	}})
	if err != nil { // fences may still be written to if ctx ended first
		return nil, err
	}
	return fences, nil
}

func (t *tx) claim(node domain.NodeID, p domain.Partition) (epoch int64, err error) {
	const upsert = `INSERT INTO partitions (p, epoch, node, claimed_at) VALUES (?, 1, ?, ?)
		ON CONFLICT (p) DO UPDATE SET epoch = epoch + 1, node = excluded.node, claimed_at = excluded.claimed_at
		RETURNING epoch`
	err = query(t.conn, upsert, func(s *sqlite.Stmt) {
		epoch = s.ColumnInt64(0)
	}, int64(p), string(node), nanos(t.clock.Now()))
	if err != nil {
		return 0, fmt.Errorf("claim partition %d: %w", p, err)
	}
	t.claimed[p] = epoch
	return epoch, nil
}

// Held lists the partitions that node claimed last; see domain.Store.
func (s *Store) Held(ctx context.Context, node domain.NodeID) (held []domain.Fence, err error) {
	err = s.read(ctx, "list held partitions", func(c *sqlite.Conn) error {
		return query(c, `SELECT p, epoch FROM partitions WHERE node = ? ORDER BY p`, func(s *sqlite.Stmt) {
			held = append(held, domain.Fence{Partition: domain.Partition(s.ColumnInt64(0)), Epoch: s.ColumnInt64(1)})
		}, string(node))
	})
	return held, err
}
