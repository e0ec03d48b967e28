package embedded

import (
	"context"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// What names somebody without being theirs by any key is found by reading: it is rare, and an index of every hash of
// every hit would cost each of them a page. A million visits of 1 KB are some ten seconds beside the traffic
// (go test -run '^$' -bench Naming -benchtime 300000x ./persistence/embedded: 9 us each).

// namingPage is how many rows one look reads: it holds the log for as long.
const namingPage = 2000

const (
	sqlReadVisits        = `SELECT n, visit, visitor FROM visits WHERE n > ? AND account = ? ORDER BY n LIMIT ?`
	sqlReadEvents        = `SELECT seq, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?`
	sqlReadAnnouncements = `SELECT seq, payload FROM announcements WHERE seq > ? AND account = ? ORDER BY seq LIMIT ?`
	sqlReadReceipts      = `SELECT r.place, r.spec || r.body FROM receipts r CROSS JOIN deliveries d CROSS JOIN endpoints e
		WHERE r.place > ? AND d.n = r.place >> 20 AND e.n = d.endpoint AND e.account = ? ORDER BY r.place LIMIT ?`
	// An event has no account of its own; see sqlEventsOfLead.
	sqlAccountOfEvent = `SELECT account FROM event_keys WHERE seq = ?`
)

// VisitorsNaming lists whose visit has a text in it; see domain.VisitStore.
func (s *Store) VisitorsNaming(ctx context.Context, account domain.AccountID, texts []string) (visitors []domain.VisitorID, err error) {
	err = s.naming(ctx, texts, sqlReadVisits, func(row *sqlite.Stmt) {
		visitors = append(visitors, domain.VisitorID(row.ColumnText(2)))
	}, string(account))
	return visitors, err
}

// naming reads all rows of a statement, a page at a time, and shows those whose second column names somebody; the
// first is their number.
func (s *Store) naming(ctx context.Context, texts []string, sql string, found func(*sqlite.Stmt), args ...any) error {
	names, buffer := domain.NewNames(texts), []byte(nil)
	for after, full := int64(0), len(names.Texts()) > 0; full; {
		err := s.read(ctx, "find what names somebody", func(c *sqlite.Conn) error {
			seen := 0
			err := query(c, sql, func(row *sqlite.Stmt) {
				seen++
				after = row.ColumnInt64(0)
				if n := row.ColumnLen(1); n > len(buffer) {
					buffer = make([]byte, 2*n)
				}
				if names.In(buffer[:row.ColumnBytes(1, buffer)]) {
					found(row)
				}
			}, append(append([]any{after}, args...), int64(namingPage))...)
			full = seen == namingPage
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eraseNaming takes their body from events of others that name the person, which stay in their places, and removes
// announcements and receipts that do.
func (x *erasure) eraseNaming(ctx context.Context) error {
	events, err := x.eventsNaming(ctx)
	if err != nil {
		return err
	}
	if err := x.each(ctx, "events", `UPDATE events SET body = x'' WHERE seq = ?`, events); err != nil {
		return err
	}
	var said []int64
	if err := x.store.naming(ctx, x.Texts, sqlReadAnnouncements, func(row *sqlite.Stmt) { said = append(said, row.ColumnInt64(0)) }, string(x.Account)); err != nil {
		return err
	}
	err = x.bites(ctx, func(t *tx, n int, from int64) (progress, error) {
		r, done, err := removeAnnouncements(t, n, said[from:])
		p := progress{rows: r.rows, more: done < len(said)-int(from)}
		if p.more {
			p.to = from + int64(done)
		}
		return p, err
	})
	if err != nil {
		return err
	}
	return x.eraseReceipts(ctx)
}

// eraseReceipts removes what endpoints have answered of the person when they were sent somebody else. The delivery
// keeps its place, and forgets what its newest attempt was told.
func (x *erasure) eraseReceipts(ctx context.Context) error {
	var places, deliveries []int64
	err := x.store.naming(ctx, x.Texts, sqlReadReceipts, func(row *sqlite.Stmt) {
		place := row.ColumnInt64(0)
		places, deliveries = append(places, place), append(deliveries, place>>receiptBits)
	}, string(x.Account))
	if err != nil {
		return err
	}
	if err := x.each(ctx, "deliveries", `UPDATE deliveries SET reason = '' WHERE reason <> '' AND n = ?`, deliveries); err != nil {
		return err
	}
	return x.each(ctx, "receipts", `DELETE FROM receipts WHERE place = ?`, places)
}

// eventsNaming leaves out those of other accounts.
func (x *erasure) eventsNaming(ctx context.Context) (events []int64, err error) {
	var all []int64
	if err := x.store.naming(ctx, x.Texts, sqlReadEvents, func(row *sqlite.Stmt) { all = append(all, row.ColumnInt64(0)) }); err != nil {
		return nil, err
	}
	err = x.store.read(ctx, "find whose events they are", func(c *sqlite.Conn) error {
		for _, seq := range all {
			ours := true
			err := query(c, sqlAccountOfEvent, func(row *sqlite.Stmt) { ours = row.ColumnText(0) == string(x.Account) }, seq)
			if err != nil {
				return err
			}
			if ours {
				events = append(events, seq)
			}
		}
		return nil
	})
	return events, err
}
