package embedded

import (
	"context"
	"errors"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// Lead reads one lead; see domain.Store.
func (s *Store) Lead(ctx context.Context, key domain.LeadKey) (lead domain.Lead, err error) {
	const op = "read lead"
	found := false
	err = s.read(ctx, op, func(c *sqlite.Conn) error {
		return query(c, `SELECT `+leadColumns+` FROM leads l LEFT JOIN feeds f ON f.id = l.place >> 40 WHERE l.account = ? AND l.id = ?`,
			func(s *sqlite.Stmt) { lead, found = scanLead(s).lead, true }, string(key.Account), string(key.Lead))
	})
	if err == nil && !found {
		return lead, domain.Fail(op, domain.NotFound, errors.New("no such lead"))
	}
	return lead, err
}

// ScanLeads lists an account's leads by ID; see domain.VisitStore. The index is by ID first, so that it walks
// over other accounts' too; it is a job for the background.
func (s *Store) ScanLeads(ctx context.Context, account domain.AccountID, after domain.LeadID, limit int) (leads []domain.Lead, err error) {
	err = s.read(ctx, "scan leads", func(c *sqlite.Conn) error {
		return query(c, `SELECT `+leadColumns+` FROM leads l LEFT JOIN feeds f ON f.id = l.place >> 40
			WHERE l.account = ? AND l.id > ? ORDER BY l.id LIMIT ?`,
			func(s *sqlite.Stmt) { leads = append(leads, scanLead(s).lead) }, string(account), string(after), int64(limit))
	})
	return leads, err
}

// BuyerLeads lists a buyer's leads, newest assignment first; see domain.Store.
func (s *Store) BuyerLeads(ctx context.Context, key domain.BuyerKey, before domain.Seq, limit int) (leads []domain.Lead, err error) {
	if before == 0 {
		before = 1<<seqBits - 1
	}
	err = s.read(ctx, "list buyer's leads", func(c *sqlite.Conn) error {
		// CROSS JOIN fixes the order: first the one feed, then its leads by the index.
		return query(c, `SELECT `+leadColumns+` FROM feeds f CROSS JOIN leads l
			WHERE f.account = ? AND f.buyer = ? AND l.place > f.id << 40 AND l.place < (f.id << 40) + ? ORDER BY l.place DESC LIMIT ?`,
			func(s *sqlite.Stmt) { leads = append(leads, scanLead(s).lead) },
			string(key.Account), string(key.Buyer), inFeed(before), int64(limit))
	})
	return leads, err
}

// Feed lists a buyer's feed events in order; see domain.Store.
func (s *Store) Feed(ctx context.Context, key domain.BuyerKey, after domain.Seq, limit int) (events []domain.FeedEvent, err error) {
	err = s.read(ctx, "read feed", func(c *sqlite.Conn) error {
		return query(c, `SELECT e.place, e.type, e.lead, e.campaign, e.source, e.event_id, e.received_at, e.decided_at, e.contact
			FROM feeds f CROSS JOIN feed_events e
			WHERE f.account = ? AND f.buyer = ? AND e.place > (f.id << 40) + ? AND e.place < (f.id + 1) << 40
			ORDER BY e.place LIMIT ?`,
			func(s *sqlite.Stmt) {
				c := columns{stmt: s}
				events = append(events, domain.FeedEvent{
					Account: key.Account, Buyer: key.Buyer, Seq: seqOf(c.int()), Type: domain.FeedType(c.text()),
					Lead: domain.LeadID(c.text()), Campaign: domain.CampaignID(c.text()), Source: domain.SourceID(c.text()),
					EventID: domain.EventID(c.text()), ReceivedAt: c.time(), DecidedAt: c.time(), Contact: c.bytes(),
				})
			}, string(key.Account), string(key.Buyer), inFeed(after), int64(limit))
	})
	return events, err
}

// Heads reads how far feeds go; see domain.Store.
func (s *Store) Heads(ctx context.Context, keys []domain.BuyerKey) ([]domain.Head, error) {
	heads := make([]domain.Head, len(keys))
	err := s.read(ctx, "read feed heads", func(c *sqlite.Conn) error {
		for i, key := range keys {
			err := query(c, `SELECT head, floor FROM feeds WHERE account = ? AND buyer = ?`, func(s *sqlite.Stmt) {
				heads[i] = domain.Head{Seq: domain.Seq(s.ColumnInt64(0)), Floor: domain.Seq(s.ColumnInt64(1))}
			}, string(key.Account), string(key.Buyer))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return heads, nil
}
