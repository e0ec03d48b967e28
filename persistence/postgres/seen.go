package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// RecordSeen keeps what dashboards report: see domain.Store. A report of an event that does not exist
// is not kept and not counted.
func (s *Store) RecordSeen(ctx context.Context, seen []domain.Seen) (int, error) {
	if len(seen) == 0 {
		return 0, nil
	}
	mine := make([]domain.Seen, len(seen))
	for i, m := range seen {
		if err := check.Texts("record seen", check.Given("account", string(m.Account)), check.Given("buyer", string(m.Buyer))); err != nil {
			return 0, err
		}
		m.ReportedAt = micro(m.ReportedAt)
		mine[i] = m
	}
	r, err := s.writer.Do(ctx, op{seen: mine})
	return r.seen, err
}

type markKey struct {
	account domain.AccountID
	buyer   domain.BuyerID
	seq     domain.Seq
}

// marks attributes what became new in a batch to its ops: a mark that several ops bring is counted for
// the first.
type marks struct {
	order []markKey
	owner map[markKey]int // the op that brought it first
	fresh map[markKey]struct{}
}

func newMarks() *marks { return &marks{owner: map[markKey]int{}, fresh: map[markKey]struct{}{}} }

// add says whether the mark is the batch's first of its key.
func (m *marks) add(n int, key markKey) bool {
	if _, ok := m.owner[key]; ok {
		return false
	}
	m.owner[key] = n
	m.order = append(m.order, key)
	return true
}

func (m *marks) count(n int) int {
	count := 0
	for key := range m.fresh {
		if m.owner[key] == n {
			count++
		}
	}
	return count
}

// scan takes a row (account, buyer, seq) that is new.
func (m *marks) scan(rows pgx.Rows) error {
	var key markKey
	if err := rows.Scan(&key.account, &key.buyer, &key.seq); err != nil {
		return fmt.Errorf("read seen mark: %w", err)
	}
	m.fresh[key] = struct{}{}
	return nil
}

// columns are the keys as arrays.
func (m *marks) columns() (account, buyer []string, seq []int64) {
	for _, key := range m.order {
		account = append(account, string(key.account))
		buyer = append(buyer, string(key.buyer))
		seq = append(seq, int64(key.seq))
	}
	return account, buyer, seq
}

// see queues the marks of a wave; all marks of a batch are in its first.
func (p *pipeline) see(wave []int) {
	var client, rendered []pgtype.Timestamptz
	var reported []time.Time
	for _, n := range wave {
		for _, m := range p.b.ops[n].seen {
			if p.marks.add(n, markKey{m.Account, m.Buyer, m.Seq}) {
				client = append(client, timestamp(m.ClientReceivedAt))
				rendered = append(rendered, timestamp(m.RenderedAt))
				reported = append(reported, m.ReportedAt)
			}
		}
	}
	if len(reported) == 0 {
		return
	}
	account, buyer, seq := p.marks.columns()
	p.queue(sqlSeen, p.marks.scan, p.b.id, account, buyer, seq, client, rendered, reported)
}
