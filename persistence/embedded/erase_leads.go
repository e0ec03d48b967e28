package embedded

import (
	"bytes"
	"context"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// settleWaiting takes the person's events and sightings from those that wait. They are found beside the
// writer: these tables have no index by lead, and walking them is not worth holding up anybody.
func (x *erasure) settleWaiting(ctx context.Context) error {
	leads, visitors := map[string]bool{}, map[string]bool{}
	names := domain.NewNames(x.Texts)
	for _, id := range x.Leads {
		leads[string(id)] = true
	}
	for _, id := range x.Visitors {
		visitors[string(id)] = true
	}
	for _, from := range []struct{ table, number, visitor, text string }{
		{"pending_events", "seq", "''", "''"}, {"held_events", "seq", "''", "''"}, {"sightings", "n", "visitor", "spec || visit"},
	} {
		var found []int64
		err := x.store.read(ctx, "find what waits", func(c *sqlite.Conn) error {
			return query(c, `SELECT `+from.number+`, lead, `+from.visitor+`, `+from.text+` FROM `+from.table+` WHERE account = ?`, func(s *sqlite.Stmt) {
				if leads[s.ColumnText(1)] || visitors[s.ColumnText(2)] || names.In([]byte(s.ColumnText(3))) {
					found = append(found, s.ColumnInt64(0))
				}
			}, string(x.Account))
		})
		if err != nil {
			return err
		}
		if err := x.each(ctx, from.table, `DELETE FROM `+from.table+` WHERE `+from.number+` = ?`, found); err != nil {
			return err
		}
	}
	return nil
}

// eraseLeads takes the contact from each lead, whose place among its buyer's stays, and forgets that the
// account has met it.
func (x *erasure) eraseLeads(ctx context.Context) error {
	for _, id := range x.Leads {
		err := x.bites(ctx, func(t *tx, _ int, _ int64) (progress, error) {
			p := progress{rows: map[string]int64{}}
			row, err := t.lead(domain.LeadKey{Account: x.Account, Lead: id})
			if err != nil {
				return p, err
			}
			if row.n != 0 && !bytes.Equal(row.lead.Contact, []byte(domain.ErasedContact)) {
				err := query(t.conn, `UPDATE leads SET revision = revision + 1, held_seq = 0, updated_at = ?, contact = ? WHERE n = ?`, nil,
					nanos(t.clock.Now()), []byte(domain.ErasedContact), row.n)
				if err != nil {
					return p, err
				}
				p.rows["leads"]++
			}
			if err := query(t.conn, `DELETE FROM acquaintances WHERE lead = ? AND account = ?`, nil, string(id), string(x.Account)); err != nil {
				return p, err
			}
			p.rows["acquaintances"] = int64(t.conn.Changes())
			return p, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sqlFeedOfLead finds what a lead's buyer was told of it: it begins at its assignment, in that one feed.
const sqlFeedOfLead = `SELECT e.n FROM leads l CROSS JOIN feed_events e
	WHERE l.id = ? AND l.account = ? AND e.place >= l.place AND e.place < ((l.place >> 40) + 1) << 40
	AND e.lead = l.id AND e.contact <> ?`

// eraseFeeds empties the contacts in feeds; the places stay, because feeds have no gaps. Retention keeps a
// lead as long as its feed events, so none is left without a lead to find it by.
func (x *erasure) eraseFeeds(ctx context.Context) error {
	for _, id := range x.Leads {
		var found []int64
		err := x.store.read(ctx, "find feed events", func(c *sqlite.Conn) error {
			return query(c, sqlFeedOfLead, func(s *sqlite.Stmt) { found = append(found, s.ColumnInt64(0)) },
				string(id), string(x.Account), []byte(domain.ErasedContact))
		})
		if err != nil {
			return err
		}
		err = x.each(ctx, "feed_events", `UPDATE feed_events SET contact = ? WHERE n = ?`, found, []byte(domain.ErasedContact))
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	// The event has no account of its own; its key has. A key that retention has taken first says nothing, and
	// then the lead's id has to do.
	sqlEventsOfLead = `SELECT e.seq FROM events e LEFT JOIN event_keys k ON k.seq = e.seq
		WHERE e.lead = ? AND e.prev IS NULL AND e.lead <> '' AND coalesce(k.account, ?) = ? LIMIT ?`
	sqlAnnouncementsOfLead = `SELECT seq FROM announcements WHERE lead = ? AND account = ? LIMIT ?`
)

// eraseEvents removes the evidence of leads, and what was announced of them: an empty event that leaves would
// say nothing to anybody.
func (x *erasure) eraseEvents(ctx context.Context) error {
	account := string(x.Account)
	for _, id := range x.Leads {
		err := x.bites(ctx, func(t *tx, n int, _ int64) (progress, error) {
			err := query(t.conn, `DELETE FROM events WHERE seq IN (`+sqlEventsOfLead+`)`, nil, string(id), account, account, int64(n))
			removed := t.conn.Changes()
			return progress{rows: map[string]int64{"events": int64(removed)}, more: removed == n}, err
		})
		if err != nil {
			return err
		}
		if err := x.bites(ctx, leadsAnnouncements(id, account)); err != nil {
			return err
		}
	}
	return nil
}

// leadsAnnouncements removes announcements with their deliveries, pending ones too: whoever has one under way finds
// it gone.
func leadsAnnouncements(lead domain.LeadID, account string) removal {
	return func(t *tx, n int, _ int64) (progress, error) {
		var seqs []int64
		err := query(t.conn, sqlAnnouncementsOfLead, func(s *sqlite.Stmt) { seqs = append(seqs, s.ColumnInt64(0)) }, string(lead), account, int64(n))
		if err != nil {
			return progress{}, err
		}
		r, _, err := removeAnnouncements(t, n, seqs)
		return progress{rows: r.rows, more: r.left == 0}, err
	}
}

// removeAnnouncements takes announcements away with all their deliveries, and says how many it is done with.
func removeAnnouncements(t *tx, n int, seqs []int64) (r remover, done int, err error) {
	r = remover{tx: t, left: n, rows: map[string]int64{}}
	for i, seq := range seqs {
		if err := r.announcement(seq, func(endedDelivery) bool { return true }); err != nil {
			return r, i, err
		}
		if r.left == 0 { // this one may not be done
			return r, i, nil
		}
	}
	return r, len(seqs), nil
}
