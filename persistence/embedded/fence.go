package embedded

import (
	"context"
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
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

// Claim makes node the owner of the partitions; see domain.LeaseStore.
func (s *Store) Claim(ctx context.Context, node domain.NodeID, partitions []domain.Partition) ([]domain.Fence, error) {
	if err := check.Texts("claim partitions", check.Given("node", string(node))); err != nil {
		return nil, err
	}
	fences := make([]domain.Fence, len(partitions))
	_, err := s.writer.Do(ctx, op{admin: func(t *tx) error {
		for i, p := range partitions {
			epoch, err := t.claim(node, p, &s.leases)
			if err != nil {
				return fmt.Errorf("claim partition %d: %w", p, err)
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

// claim returns the epoch 0 when another node holds it under a living lease.
func (t *tx) claim(node domain.NodeID, p domain.Partition, living *leases) (epoch int64, err error) {
	var holder domain.NodeID
	err = query(t.conn, `SELECT node FROM partitions WHERE p = ?`, func(s *sqlite.Stmt) { holder = domain.NodeID(s.ColumnText(0)) }, int64(p))
	if err != nil || holder != node && living.lives(holder, time.Now()) {
		return 0, err
	}
	const upsert = `INSERT INTO partitions (p, epoch, node, claimed_at) VALUES (?, 1, ?, ?)
		ON CONFLICT (p) DO UPDATE SET epoch = epoch + 1, node = excluded.node, claimed_at = excluded.claimed_at
		RETURNING epoch`
	err = query(t.conn, upsert, func(s *sqlite.Stmt) {
		epoch = s.ColumnInt64(0)
	}, int64(p), string(node), nanos(t.clock.Now()))
	if err == nil {
		t.claimed[p] = epoch
	}
	return epoch, err
}
