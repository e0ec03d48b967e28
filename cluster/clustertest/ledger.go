package clustertest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Ledger keeps the partitions' epochs in memory, with the contract that the stores are held to: a
// claim raises the epoch, a commit with an older one is refused, and whoever holds a partition under a
// living lease keeps it. It is shared by the nodes of one test, as a store would be.
type Ledger struct {
	mu      sync.Mutex
	epochs  [domain.Partitions]int64
	holders [domain.Partitions]domain.NodeID
	leases  map[domain.NodeID]domain.NodeLease
	until   map[domain.NodeID]time.Time
	err     error
	cut     map[domain.NodeID]bool
	claims  int
	refused chan struct{}
}

// NewLedger returns a ledger in which nobody holds anything.
func NewLedger() *Ledger {
	return &Ledger{
		leases: map[domain.NodeID]domain.NodeLease{}, until: map[domain.NodeID]time.Time{}, cut: map[domain.NodeID]bool{},
		refused: make(chan struct{}, 1),
	}
}

// Renew is part of cluster.Ledger.
func (l *Ledger) Renew(_ context.Context, n domain.NodeLease) ([]domain.NodeLease, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.failing(n.Node); err != nil {
		return nil, err
	}
	now := time.Now()
	l.leases[n.Node], l.until[n.Node] = n, now.Add(n.TTL)
	var all []domain.NodeLease
	for _, node := range slices.Sorted(maps.Keys(l.leases)) {
		if l.until[node].After(now) {
			all = append(all, l.leases[node])
		}
	}
	return all, nil
}

// Claim is part of cluster.Ledger.
func (l *Ledger) Claim(_ context.Context, node domain.NodeID, partitions []domain.Partition) ([]domain.Fence, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.failing(node); err != nil {
		return nil, err
	}
	now, granted := time.Now(), false
	out := make([]domain.Fence, len(partitions))
	for i, p := range partitions {
		out[i].Partition = p
		if holder := l.holders[p]; holder == node || !l.until[holder].After(now) {
			out[i] = l.grant(p, node)
			granted = true
		}
	}
	if granted {
		l.claims++
	}
	return out, nil
}

func (l *Ledger) grant(p domain.Partition, node domain.NodeID) domain.Fence {
	l.epochs[p]++
	l.holders[p] = node
	return domain.Fence{Partition: p, Epoch: l.epochs[p]}
}

// Seize gives a partition to a node that holds no lease, whoever has it: what no store does.
func (l *Ledger) Seize(p domain.Partition, node domain.NodeID) domain.Fence {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.grant(p, node)
}

// GiveBack is part of cluster.Ledger.
func (l *Ledger) GiveBack(_ context.Context, node domain.NodeID, fences []domain.Fence) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.failing(node); err != nil {
		return err
	}
	for _, f := range fences {
		if l.holders[f.Partition] == node && l.epochs[f.Partition] == f.Epoch {
			l.holders[f.Partition] = ""
		}
	}
	return nil
}

// Resign is part of cluster.Ledger.
func (l *Ledger) Resign(_ context.Context, node domain.NodeID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.failing(node); err != nil {
		return err
	}
	delete(l.leases, node)
	delete(l.until, node)
	for p, holder := range l.holders {
		if holder == node {
			l.holders[p] = ""
		}
	}
	return nil
}

// Holdings is part of cluster.Ledger.
func (l *Ledger) Holdings(context.Context) ([]domain.Holding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil, l.refuse()
	}
	var out []domain.Holding
	for p, holder := range l.holders {
		if l.epochs[p] > 0 {
			out = append(out, domain.Holding{Fence: domain.Fence{Partition: domain.Partition(p), Epoch: l.epochs[p]}, Node: holder})
		}
	}
	return out, nil
}

func (l *Ledger) failing(node domain.NodeID) error {
	if l.err != nil {
		return l.refuse()
	}
	if l.cut[node] {
		return errCut
	}
	return nil
}

var errCut = errors.New("the ledger cannot be reached from here")

// Cut takes the ledger away from one node, or gives it back.
func (l *Ledger) Cut(node domain.NodeID, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut[node] = cut
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
