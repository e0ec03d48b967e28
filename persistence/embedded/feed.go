package embedded

import (
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
)

// seqBits is how many bits of a place are the sequence: 2^40 events a feed, and 2^23 feeds.
const seqBits = 40

// place is a feed event's, or its lead's, as one number: see the migration.
func place(feed int64, seq domain.Seq) int64 { return feed<<seqBits | int64(seq) }

func seqOf(place int64) domain.Seq { return domain.Seq(place & (1<<seqBits - 1)) }

// inFeed keeps a sequence that a client made up from reaching into the next feed.
func inFeed(seq domain.Seq) int64 { return min(max(int64(seq), 0), 1<<seqBits-1) }

// feedRow is a buyer's feed during one batch: read once, counted up in memory, written once.
type feedRow struct {
	id    int64
	head  domain.Seq
	day   string
	n     int // assignments of day
	total int64
	dirty bool
}

// on is the counter as it stands for an assignment of the given day: a later day begins at zero, an
// earlier one counts as the counter's, so that a clock that is behind never opens a full day again.
func (f *feedRow) on(day string) (counts string, n int) {
	if day > f.day {
		return day, 0
	}
	return f.day, f.n
}

func (f *feedRow) count(day string, n int) {
	f.day, f.n, f.dirty = day, n, true
	f.total++
}

// feed finds or makes the buyer's row.
func (t *tx) feed(key domain.BuyerKey) (*feedRow, error) {
	if f := t.feeds[key]; f != nil {
		return f, nil
	}
	f := &feedRow{}
	s := t.findFeed
	s.BindText(1, string(key.Account))
	s.BindText(2, string(key.Buyer))
	found, err := s.Step()
	if found {
		c := columns{stmt: s}
		f.id, f.head, f.day, f.n, f.total = c.int(), domain.Seq(c.int()), c.text(), int(c.int()), c.int()
	}
	if resetErr := s.Reset(); err == nil {
		err = resetErr
	}
	if err != nil {
		return nil, fmt.Errorf("find feed: %w", err)
	}
	if !found {
		b := bind{stmt: t.insertFeed}
		if err := b.text(string(key.Account)).text(string(key.Buyer)).run(); err != nil {
			return nil, fmt.Errorf("make feed: %w", err)
		}
		f.id = t.conn.LastInsertRowID()
	}
	t.feeds[key] = f
	return f, nil
}

// announce appends the event that tells of lead's change, at the next sequence, and notes it on lead.
func (t *tx) announce(f *feedRow, kind domain.FeedType, lead *domain.Lead, d *domain.Decision) (domain.FeedEvent, error) {
	if err := t.step(stepFeedEvent); err != nil {
		return domain.FeedEvent{}, err
	}
	f.head++
	f.dirty = true
	lead.LastSeq = f.head
	e := domain.FeedEvent{
		Account: lead.Account, Buyer: lead.Buyer, Seq: f.head, Type: kind, Lead: lead.ID, Campaign: lead.Campaign,
		Source: d.Source, EventID: d.EventID, Contact: lead.Contact, ReceivedAt: d.ReceivedAt, DecidedAt: d.At,
	}
	b := bind{stmt: t.insertFeedEvent}
	b.int(place(f.id, e.Seq)).text(string(e.Type)).text(string(e.Lead)).text(string(e.Campaign)).text(string(e.Source)).
		text(string(e.EventID)).time(e.ReceivedAt).time(e.DecidedAt).bytes(e.Contact)
	if kind == domain.LeadAssigned {
		b.bytes(d.Trace)
	} else {
		b.null()
	}
	if err := b.run(); err != nil {
		return domain.FeedEvent{}, fmt.Errorf("append feed event: %w", err)
	}
	return e, nil
}

// writeFeeds writes back what the batch has changed, before its COMMIT.
func (t *tx) writeFeeds() error {
	if len(t.feeds) == 0 {
		return nil
	}
	if err := t.step(stepFeeds); err != nil {
		return err
	}
	for _, f := range t.feeds {
		if !f.dirty {
			continue
		}
		b := bind{stmt: t.updateFeed}
		if err := b.int(int64(f.head)).text(f.day).int(int64(f.n)).int(f.total).int(f.id).run(); err != nil {
			return fmt.Errorf("write feed: %w", err)
		}
	}
	return nil
}
