package clustertest

import (
	"context"
	"slices"
	"sync"

	"github.com/leadwire/leadwire/actors/domain"
)

// Ledger keeps the partitions' epochs in memory, with the contract that the stores are held to: a
// claim raises the epoch, and a commit with an older one is refused. It is shared by the nodes of one
// test, as a store would be.
type Ledger struct {
	mu      sync.Mutex
	epochs  [domain.Partitions]int64
	holders [domain.Partitions]domain.NodeID
	err     error
	claims  int
	refused chan struct{}
}

// NewLedger returns a ledger in which nobody holds anything.
func NewLedger() *Ledger { return &Ledger{refused: make(chan struct{}, 1)} }

// Claim is part of cluster.Ledger.
func (l *Ledger) Claim(_ context.Context, node domain.NodeID, partitions []domain.Partition) ([]domain.Fence, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil, l.refuse()
	}
	l.claims++
	out := make([]domain.Fence, len(partitions))
	for i, p := range partitions {
		l.epochs[p]++
		l.holders[p] = node
		out[i] = domain.Fence{Partition: p, Epoch: l.epochs[p]}
	}
	return out, nil
}

// Held is part of cluster.Ledger.
func (l *Ledger) Held(_ context.Context, node domain.NodeID) ([]domain.Fence, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil, l.refuse()
	}
	var out []domain.Fence
	for p, holder := range l.holders {
		if holder == node {
			out = append(out, domain.Fence{Partition: domain.Partition(p), Epoch: l.epochs[p]})
		}
	}
	return out, nil
}

func (l *Ledger) refuse() error {
	select {
	case l.refused <- struct{}{}:
	default:
	}
	return l.err
}

// Refused receives when a call has been answered with the error that Fail set.
func (l *Ledger) Refused() <-chan struct{} { return l.refused }

// Commit is a write under a fence: domain.ErrFenced when the partition has been claimed since.
func (l *Ledger) Commit(f domain.Fence) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.epochs[f.Partition] != f.Epoch {
		return domain.ErrFenced
	}
	return nil
}

// Holders lists who holds something, and how many partitions each.
func (l *Ledger) Holders() map[domain.NodeID]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[domain.NodeID]int{}
	for _, h := range l.holders {
		if h != "" {
			out[h]++
		}
	}
	return out
}

// Claims is how many claims have been granted.
func (l *Ledger) Claims() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.claims
}

// Fail makes every call return err, until Fail(nil).
func (l *Ledger) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// All is every partition.
func All() []domain.Partition {
	return slices.Collect(func(yield func(domain.Partition) bool) {
		for p := range domain.Partitions {
			if !yield(domain.Partition(p)) {
				return
			}
		}
	})
}
