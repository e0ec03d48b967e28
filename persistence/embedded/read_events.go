package embedded

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

const sqlUndecided = `SELECT ` + pendingColumns + ` FROM %s WHERE seq > ? ORDER BY seq LIMIT ?`

// Undecided lists pending events; see domain.Store. It walks the table in order and picks the asked
// partitions: whoever runs the embedded store holds them all, so nearly every row is picked.
func (s *Store) Undecided(ctx context.Context, partitions []domain.Partition, held bool, after int64, limit int) (found []domain.Pending, err error) {
	if len(partitions) == 0 || limit <= 0 {
		return nil, nil
	}
	var wanted [domain.Partitions]bool
	for _, p := range partitions {
		wanted[p] = true
	}
	err = s.read(ctx, "list undecided events", func(c *sqlite.Conn) error {
		for len(found) < limit {
			seen := 0
			err := query(c, fmt.Sprintf(sqlUndecided, pendingTable(held)), func(s *sqlite.Stmt) {
				seen++
				p, partition := scanPending(s, held)
				after = p.Seq
				if wanted[partition] && len(found) < limit {
					found = append(found, p)
				}
			}, after, int64(limit))
			if err != nil || seen < limit {
				return err
			}
		}
		return nil
	})
	return found, err
}

func pendingTable(held bool) string {
	if held {
		return "held_events"
	}
	return "pending_events"
}

func scanPending(s *sqlite.Stmt, held bool) (domain.Pending, domain.Partition) {
	c := columns{stmt: s}
	p := domain.Pending{Seq: c.int(), Held: held}
	partition := domain.Partition(c.int())
	p.Event = domain.Event{
		Account: domain.AccountID(c.text()), Source: domain.SourceID(c.text()), ID: domain.EventID(c.text()),
		WeakID: c.int() != 0, Type: c.text(), Effect: domain.Effect(c.text()), Lead: domain.LeadID(c.text()),
		Campaign: domain.CampaignID(c.text()), Contact: c.bytes(), OccurredAt: c.time(), ReceivedAt: c.time(),
	}
	return p, partition
}

const (
	sqlCount = `SELECT count(*) FROM (SELECT 1 FROM %s LIMIT ?)`
	// The lowest number and not the earliest time, which would be a walk over all of them.
	sqlOldest = `SELECT received_at FROM %s ORDER BY seq LIMIT 1`
)

// Backlog measures what is pending; see domain.Store.
func (s *Store) Backlog(ctx context.Context) (b domain.Backlog, err error) {
	err = s.read(ctx, "measure backlog", func(c *sqlite.Conn) (err error) {
		if b.Undecided, b.OldestUndecided, err = measure(c, pendingTable(false), s.backlogLimit); err != nil {
			return err
		}
		b.Held, b.OldestHeld, err = measure(c, pendingTable(true), s.backlogLimit)
		return err
	})
	return b, err
}

func measure(c *sqlite.Conn, table string, limit int64) (n int, oldest time.Time, err error) {
	err = query(c, fmt.Sprintf(sqlCount, table), func(s *sqlite.Stmt) { n = s.ColumnInt(0) }, limit)
	if err != nil {
		return 0, time.Time{}, err
	}
	err = query(c, fmt.Sprintf(sqlOldest, table), func(s *sqlite.Stmt) { oldest = fromNanos(s.ColumnInt64(0)) })
	return n, oldest, err
}

// Counts reads every buyer's counter; see domain.Store.
func (s *Store) Counts(ctx context.Context) (counts []domain.Count, err error) {
	err = s.read(ctx, "read counts", func(c *sqlite.Conn) error {
		return query(c, `SELECT account, buyer, day, day_count, total FROM feeds WHERE total > 0`, func(s *sqlite.Stmt) {
			c := columns{stmt: s}
			counts = append(counts, domain.Count{
				Account: domain.AccountID(c.text()), Buyer: domain.BuyerID(c.text()), Day: c.text(), N: int(c.int()), Total: c.int(),
			})
		})
	})
	slices.SortFunc(counts, func(a, b domain.Count) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Buyer, b.Buyer))
	})
	return counts, err
}
