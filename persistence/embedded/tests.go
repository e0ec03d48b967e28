package embedded

import (
	"context"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

const sqlTestKept = `SELECT d.n FROM announcements a CROSS JOIN deliveries d WHERE a.id = ? AND a.account = ? AND d.announcement = a.seq`

// KeepTest keeps a test event that was sent beside the queue; see domain.DeliveryStore.
func (s *Store) KeepTest(ctx context.Context, said domain.Announcement, r domain.Receipt, audit domain.AuditEntry) (domain.Delivery, error) {
	const opName = "keep test"
	if err := domain.CheckTest(opName, &said, &r); err != nil {
		return domain.Delivery{}, err
	}
	a := attempt{Attempted: domain.Attempted{
		Key:  domain.EndpointKey{Account: said.Account, Endpoint: said.Owed[0].Endpoint},
		Lead: said.Lead, State: domain.TestState(&r), Receipt: r, Announce: []domain.Announcement{said},
	}}
	if err := a.prepare(opName); err != nil {
		return domain.Delivery{}, err
	}
	var kept domain.Delivery
	_, err := s.writer.Do(ctx, op{admin: func(t *tx) error {
		var n int64
		err := query(t.conn, sqlTestKept, func(s *sqlite.Stmt) { n = s.ColumnInt64(0) }, string(said.ID), string(said.Account))
		if err == nil && n == 0 {
			if n, err = t.keepTest(a); err == nil {
				err = t.note(audit)
			}
		}
		if err != nil {
			return err
		}
		kept, err = readDelivery(t.conn, opName, said.Account, n)
		return err
	}})
	if err != nil { // kept may still be written to if ctx ended first
		return domain.Delivery{}, err
	}
	return kept, nil
}

// keepTest owes the event and ends its delivery, so that nobody ever sees it pending. Who is at the head of the lead's line,
// if somebody else's lead has the test's name, is not behind anybody, and stays as it is.
func (t *tx) keepTest(a attempt) (n int64, err error) {
	said, err := t.keepAnnouncements(a.Announce)
	if err != nil {
		return 0, err
	}
	a.Delivery = said[0].Deliveries[0].N
	row, err := t.delivery(a.Delivery)
	if err != nil {
		return 0, err
	}
	if err := t.tried(&a, &row); err != nil {
		return 0, err
	}
	_, err = t.end(row, a.State, nanos(a.Receipt.EndedAt()))
	return row.n, err
}
