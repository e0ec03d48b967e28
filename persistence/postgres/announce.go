package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// Announcements are numbered per account by its row in heads, which a commit locks before it adds: a reader
// that is shown one has been shown all before it. Sequences do not give that: a number is drawn long before
// it is seen.

// announcementColumns are the announcements of a statement's rows, as the arrays that it takes.
type announcementColumns struct {
	from                           []int64 // of each row: how many are before its own
	of                             []int64 // the row of each, from 1
	at                             []time.Time
	account, id, kind, lead, pixel []string
	payload                        [][]byte
	owed                           claimColumns
}

// add takes the announcements of a row; rows come in order.
func (c *announcementColumns) add(row int, all []domain.Announcement) {
	c.from = append(c.from, int64(len(c.of)))
	for _, a := range all {
		c.of = append(c.of, int64(row))
		c.account = append(c.account, string(a.Account))
		c.at = append(c.at, a.At)
		c.id = append(c.id, string(a.ID))
		c.kind = append(c.kind, string(a.Type))
		c.lead = append(c.lead, string(a.Lead))
		c.pixel = append(c.pixel, string(a.Pixel))
		c.payload = append(c.payload, bytesOf(a.Payload))
		c.owed.add(len(c.of), &a)
	}
}

func (c *announcementColumns) len() int { return len(c.of) }

func (c *announcementColumns) args() []any {
	return []any{c.of, c.account, c.at, c.id, c.kind, c.lead, c.pixel, c.payload}
}

// row is which of a statement's rows an announcement is of, from 1.
func (c *announcementColumns) row(nth int64) int64 { return c.of[nth-1] }

// said notes the number that an announcement was given, among those of its op.
func (c *announcementColumns) said(got *[]domain.Announcement, all []domain.Announcement, nth, seq int64) {
	a := c.one(got, all, nth)
	a.Seq = seq
	for i := range a.Deliveries {
		a.Deliveries[i].Announcement = seq
	}
}

// one finds an announcement among the answered ones of its op, which are all of them or none.
func (c *announcementColumns) one(got *[]domain.Announcement, all []domain.Announcement, nth int64) *domain.Announcement {
	if *got == nil {
		*got = slices.Clone(all)
		for i := range *got {
			(*got)[i].Deliveries = deliveriesOf(&(*got)[i])
		}
	}
	return &(*got)[nth-1-c.from[c.row(nth)-1]]
}

func sizeOf(all []domain.Announcement) (n int) {
	for _, a := range all {
		n += 200 + len(a.Payload) + 100*len(a.Owed)
	}
	return n
}

func atMicros(all []domain.Announcement) []domain.Announcement {
	all = slices.Clone(all)
	for i := range all {
		all[i].At = micro(all[i].At)
	}
	return all
}

// announces lists what an op announces if it is done.
func (o op) announces() []domain.Announcement {
	switch {
	case o.decide != nil:
		return o.decide.Announce
	case o.judge != nil:
		return o.judge.Announce
	case o.attempt != nil:
		return o.attempt.Announce
	}
	return nil
}

// headOfLinks is the key of the one head that is no account's.
const headOfLinks = ""

// headsOf lists the heads that the ops may add to.
func headsOf(ops []op) []string {
	var heads []string
	links := false
	for _, o := range ops {
		for _, a := range o.announces() {
			heads = append(heads, string(a.Account))
		}
		links = links || o.learn != nil || o.observe != nil && len(o.observe.Learn) > 0
	}
	slices.Sort(heads)
	heads = slices.Compact(heads)
	if links {
		heads = append(heads, headOfLinks)
	}
	return heads
}

// knownHeads bounds the memory of which accounts have a row in heads, as knownFeeds does.
const knownHeads = 100_000

// ensureHeads makes the heads of accounts met for the first time, for the reason that ensureFeeds does.
func (s *Store) ensureHeads(ctx context.Context, conn *pgx.Conn, b *batch) error {
	var missing []string
	for _, n := range b.todo {
		for _, a := range b.ops[n].announces() {
			if _, ok := s.heads[string(a.Account)]; !ok {
				missing = append(missing, string(a.Account))
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	missing = slices.Compact(missing)
	if _, err := conn.Exec(ctx, `INSERT INTO heads (account) SELECT account COLLATE "C" FROM unnest($1::text[]) AS u (account) ORDER BY 1
		ON CONFLICT DO NOTHING`, missing); err != nil {
		return fmt.Errorf("make heads: %w", err)
	}
	if len(s.heads)+len(missing) > knownHeads {
		clear(s.heads)
	}
	for _, account := range missing {
		s.heads[account] = struct{}{}
	}
	return nil
}

const sqlAnnouncements = `SELECT account, seq, at, id, type, lead, pixel, payload FROM announcements
WHERE account = $1 AND seq > $2 AND type <> '` + string(domain.TestEvent) + `' ORDER BY seq LIMIT $3`

// Announcements lists an account's with Seq > after: see domain.VisitStore.
func (s *Store) Announcements(ctx context.Context, account domain.AccountID, after int64, limit int) ([]domain.Announcement, error) {
	return read(ctx, s, "list announcements", func(ctx context.Context, c reader) ([]domain.Announcement, error) {
		rows, err := c.Query(ctx, sqlAnnouncements, string(account), after, max(limit, 0))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, scanAnnouncement)
	})
}

func scanAnnouncement(row pgx.CollectableRow) (a domain.Announcement, err error) {
	err = row.Scan(&a.Account, &a.Seq, &a.At, &a.ID, &a.Type, &a.Lead, &a.Pixel, &a.Payload)
	a.At = a.At.UTC()
	return a, err
}
