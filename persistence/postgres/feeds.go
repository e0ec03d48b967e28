package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// knownFeeds bounds the memory of which buyers have a row in feeds; at the limit it starts over, at the
// price of asking once more. A cluster has up to 100,000 buyers; an entry takes about 100 bytes.
const knownFeeds = 200_000

// ensureFeeds makes the feed rows of buyers met for the first time, in a transaction of its own: made
// inside the commit they would be locked before, and not among, the rows in key order, and two nodes could
// deadlock. It costs a round trip per buyer and life of the process.
func (s *Store) ensureFeeds(ctx context.Context, conn *pgx.Conn, b *batch) error {
	var missing pairs
	for _, n := range b.todo {
		d := b.ops[n].decide
		if d == nil || d.Verb != domain.Assign {
			continue
		}
		key := domain.BuyerKey{Account: d.Lead.Account, Buyer: d.Buyer}
		if _, ok := s.feeds[key]; !ok {
			missing.add(string(key.Account), string(key.Buyer))
		}
	}
	if missing.len() == 0 {
		return nil
	}
	if _, err := conn.Exec(ctx, `INSERT INTO feeds (account, buyer)
		SELECT account COLLATE "C", buyer COLLATE "C" FROM unnest($1::text[], $2::text[]) AS u (account, buyer) ORDER BY 1, 2
		ON CONFLICT DO NOTHING`, missing.a, missing.b); err != nil {
		return fmt.Errorf("make feed rows: %w", err)
	}
	if len(s.feeds)+missing.len() > knownFeeds {
		clear(s.feeds)
	}
	for i := range missing.a {
		s.feeds[domain.BuyerKey{Account: domain.AccountID(missing.a[i]), Buyer: domain.BuyerID(missing.b[i])}] = struct{}{}
	}
	return nil
}

// forgetFeeds drops what the database has just contradicted: it was restored from elsewhere.
func (s *Store) forgetFeeds(b *batch, ops []int) {
	for _, n := range ops {
		d := b.ops[n].decide
		delete(s.feeds, domain.BuyerKey{Account: d.Lead.Account, Buyer: d.Buyer})
	}
}
