package embedded

import (
	"context"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"github.com/leadwire/leadwire/persistence/groupcommit"
)

// RecordSeen keeps what a dashboard reports; see domain.Store. A report of an event that is not in the
// feed (made up, or removed by retention) is ignored like a repeat, so that reports cannot grow the
// file beyond the feeds.
func (s *Store) RecordSeen(ctx context.Context, seen []domain.Seen) (int, error) {
	if len(seen) == 0 {
		return 0, nil
	}
	for _, m := range seen {
		if err := check.Texts("record seen", check.Given("account", string(m.Account)), check.Given("buyer", string(m.Buyer))); err != nil {
			return 0, err
		}
	}
	a, err := s.writer.Do(ctx, op{seen: seen})
	return a.seen, err
}

func (t *tx) seen(seen []domain.Seen) (res groupcommit.Result[answer], err error) {
	if err := t.step(stepSeen); err != nil {
		return res, err
	}
	for _, m := range seen {
		if m.Seq < 1 || m.Seq >= 1<<seqBits {
			continue
		}
		feed, err := t.feedID(domain.BuyerKey{Account: m.Account, Buyer: m.Buyer})
		if err != nil {
			return res, err
		}
		b := bind{stmt: t.insertSeen}
		b.int(place(feed, m.Seq)).time(m.ClientReceivedAt).time(m.RenderedAt).time(m.ReportedAt)
		if err := b.run(); err != nil {
			return res, fmt.Errorf("insert seen: %w", err)
		}
		res.Value.seen += t.conn.Changes()
	}
	res.Outcome = outcomeOK
	return res, nil
}

// feedID finds a feed without making it; 0 when there is none.
func (t *tx) feedID(key domain.BuyerKey) (id int64, err error) {
	if f := t.feeds[key]; f != nil {
		return f.id, nil
	}
	s := t.findFeed
	s.BindText(1, string(key.Account))
	s.BindText(2, string(key.Buyer))
	found, err := s.Step()
	if found {
		id = s.ColumnInt64(0)
	}
	if resetErr := s.Reset(); err == nil {
		err = resetErr
	}
	if err != nil {
		return 0, fmt.Errorf("find feed: %w", err)
	}
	return id, nil
}
