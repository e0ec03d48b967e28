package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"zombiezen.com/go/sqlite"
)

// keepAnnouncements numbers events that leave. The writer is the only one, so numbers rise in the order of
// commits, and a reader that sees one sees all before it. What they owe to endpoints is owed from here on.
func (t *tx) keepAnnouncements(all []domain.Announcement) ([]domain.Announcement, error) {
	if len(all) == 0 {
		return nil, nil
	}
	if err := t.step(stepAnnouncement); err != nil {
		return nil, err
	}
	all = slices.Clone(all) // the caller's may be tried again
	for i := range all {
		a := &all[i]
		b := bind{stmt: t.insertAnnouncement}
		b.text(string(a.Account)).text(string(a.Type)).text(string(a.Lead)).text(string(a.Pixel)).text(string(a.ID)).
			time(a.At).bytes(a.Payload)
		if err := b.run(); err != nil {
			return nil, fmt.Errorf("insert announcement: %w", err)
		}
		a.Seq = t.conn.LastInsertRowID()
		var err error
		if a.Deliveries, err = t.oweDeliveries(a); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func checkAnnouncements(op string, all []domain.Announcement) error {
	for _, a := range all {
		if err := check.Texts(op,
			check.Given("announce.account", string(a.Account)), check.Given("announce.type", string(a.Type)),
			check.Given("announce.lead", string(a.Lead)), check.Optional("announce.pixel", string(a.Pixel)),
			check.Given("announce.id", string(a.ID)),
		); err != nil {
			return err
		}
		if !json.Valid(a.Payload) {
			return domain.FailField(op, "announce.payload", "must be JSON")
		}
		if err := check.JSON(op, "announce.payload", a.Payload); err != nil {
			return err
		}
		if err := checkOwed(op, a.Owed); err != nil {
			return err
		}
	}
	return nil
}

const sqlAnnouncements = `SELECT seq, id, type, lead, pixel, at, payload FROM announcements WHERE account = ? AND seq > ? AND type <> '` + string(domain.TestEvent) + `' ORDER BY seq LIMIT ?`

// Announcements lists an account's; see domain.VisitStore.
func (s *Store) Announcements(ctx context.Context, account domain.AccountID, after int64, limit int) (found []domain.Announcement, err error) {
	err = s.read(ctx, "list announcements", func(c *sqlite.Conn) error {
		return query(c, sqlAnnouncements, func(s *sqlite.Stmt) {
			c := columns{stmt: s}
			found = append(found, domain.Announcement{
				Seq: c.int(), Account: account, ID: domain.EventID(c.text()), Type: domain.AnnouncementType(c.text()),
				Lead: domain.LeadID(c.text()), Pixel: domain.PixelID(c.text()), At: c.time(), Payload: c.bytes(),
			})
		}, string(account), after, int64(limit))
	})
	return found, err
}
