package embedded

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"zombiezen.com/go/sqlite"
)

// leases are the nodes that may hold partitions. One process has the file, so a node that ended without a word ended with
// them: they are kept in memory, by the machine's clock, and a slow disk takes nobody's lease away.
type leases struct {
	mu     sync.Mutex
	living map[domain.NodeID]leased
}

type leased struct {
	domain.NodeLease
	until time.Time
}

func (l *leases) renew(n domain.NodeLease, now time.Time) []domain.NodeLease {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.living == nil {
		l.living = map[domain.NodeID]leased{}
	}
	n.View = slices.Clone(n.View)
	l.living[n.Node] = leased{n, now.Add(n.TTL)}
	all := make([]domain.NodeLease, 0, len(l.living))
	for node, other := range l.living {
		if other.TTL = other.until.Sub(now); other.TTL <= 0 {
			delete(l.living, node)
			continue
		}
		all = append(all, other.NodeLease)
	}
	slices.SortFunc(all, func(a, b domain.NodeLease) int { return cmp.Compare(a.Node, b.Node) })
	return all
}

func (l *leases) lives(node domain.NodeID, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.living[node].until.After(now)
}

func (l *leases) end(node domain.NodeID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.living, node)
}

// Renew begins or prolongs a lease; see domain.LeaseStore.
func (s *Store) Renew(ctx context.Context, n domain.NodeLease) ([]domain.NodeLease, error) {
	const doing = "renew lease"
	if err := check.Texts(doing, check.Given("node", string(n.Node)), check.Optional("address", n.Address)); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, domain.Fail(doing, domain.Unavailable, err)
	}
	if !s.enter() {
		return nil, domain.Fail(doing, domain.Unavailable, errClosed)
	}
	defer s.reading.Done()
	return s.leases.renew(n, time.Now()), nil
}

// GiveBack makes partitions nobody's; see domain.LeaseStore.
func (s *Store) GiveBack(ctx context.Context, node domain.NodeID, fences []domain.Fence) error {
	_, err := s.writer.Do(ctx, op{admin: func(t *tx) error {
		for _, f := range fences {
			const sql = `UPDATE partitions SET node = '' WHERE p = ? AND epoch = ? AND node = ?`
			if err := query(t.conn, sql, nil, int64(f.Partition), f.Epoch, string(node)); err != nil {
				return err
			}
		}
		return nil
	}})
	return err
}

// Resign ends a node's lease; see domain.LeaseStore.
func (s *Store) Resign(ctx context.Context, node domain.NodeID) error {
	_, err := s.writer.Do(ctx, op{admin: func(t *tx) error {
		return query(t.conn, `UPDATE partitions SET node = '' WHERE node = ?`, nil, string(node))
	}})
	if err == nil {
		s.leases.end(node)
	}
	return err
}

// Holdings lists the partitions that were ever claimed; see domain.LeaseStore.
func (s *Store) Holdings(ctx context.Context) (all []domain.Holding, err error) {
	err = s.read(ctx, "list holdings", func(c *sqlite.Conn) error {
		return query(c, `SELECT p, epoch, node FROM partitions ORDER BY p`, func(s *sqlite.Stmt) {
			all = append(all, domain.Holding{
				Fence: domain.Fence{Partition: domain.Partition(s.ColumnInt64(0)), Epoch: s.ColumnInt64(1)}, Node: domain.NodeID(s.ColumnText(2)),
			})
		})
	})
	return all, err
}
