package embedded

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// chunk is how many rows one transaction removes: about 5 ms of work, so that retention never makes
// traffic wait noticeably.
const chunk = 250

// retainer remembers between calls how far retention has walked.
type retainer struct {
	mu                           sync.Mutex // one Maintain at a time
	leadN, acquaintanceN, visitN int64
	announcementSeq              int64
}

// longest is for what an erasure begins at: a lead stays as long as the feed events it leads to, and a visit
// as long as its hits.
func longest(first time.Duration, others ...time.Duration) time.Duration {
	return max(first, slices.Max(others))
}

// removal removes at most n rows of one kind, inside a transaction, going on from where the last one
// came to.
type removal func(t *tx, n int, from int64) (progress, error)

type progress struct {
	rows map[string]int64 // removed, by table
	more bool             // there may be others
	to   int64            // where the next one begins; 0: at the start
}

// Maintain removes what is too old, a bounded amount; see domain.Store. There are no time partitions
// in a file: it deletes from the old end of each table, in small transactions between the others'.
func (s *Store) Maintain(ctx context.Context, now time.Time, keep domain.Retention) (domain.Maintained, error) {
	keep = keep.WithDefaults()
	s.retain.mu.Lock()
	defer s.retain.mu.Unlock()
	m := domain.Maintained{Removed: map[string]int64{}}
	for _, r := range []struct {
		remove removal
		cursor *int64
	}{
		{oldEvents(now.Add(-keep.Events)), new(int64)},
		{oldKeys(now.Add(-keep.Keys)), new(int64)},
		{oldFeedEvents(now.Add(-keep.Feed)), new(int64)},
		{oldLeads(now.Add(-longest(keep.Leads, keep.Feed, keep.Events))), &s.retain.leadN},
		{oldByBirth("acquaintances", now.Add(-keep.Leads)), &s.retain.acquaintanceN},
		{oldByBirth("visits", now.Add(-longest(keep.Visits, keep.Events))), &s.retain.visitN},
		{oldInOrder("links", now.Add(-keep.Visits)), new(int64)},
		{toldLinks(now.Add(-linkTold)), new(int64)},
		{oldAnnouncements(now.Add(-keep.Announced)), &s.retain.announcementSeq},
		{oldReplays(now.Add(-keep.Announced)), new(int64)},
		{oldStats(domain.StatsMinute, now.Add(-domain.StatsMinutesKept)), new(int64)},
		{oldStats(domain.StatsHour, now.Add(-domain.StatsHoursKept)), new(int64)},
		{oldRemovals(now.Add(-keep.Visits)), new(int64)},
	} {
		if err := s.remove(ctx, r.remove, keep.BatchLimit, r.cursor, &m); err != nil {
			return m, err
		}
	}
	return m, nil
}

// remove lets r take its bites.
func (s *Store) remove(ctx context.Context, r removal, limit int, cursor *int64, m *domain.Maintained) error {
	more, err := s.bites(ctx, r, limit, cursor, m.Removed)
	if err != nil {
		return fmt.Errorf("remove what retention does not keep: %w", err)
	}
	m.More = m.More || more
	return nil
}

// bites repeats r in transactions of its own until it is done or has used up limit, and counts in rows.
func (s *Store) bites(ctx context.Context, r removal, limit int, cursor *int64, rows map[string]int64) (more bool, err error) {
	for left := limit; left > 0; {
		n, from := min(left, chunk), *cursor
		var p progress
		_, err := s.writer.Do(ctx, op{admin: func(t *tx) (err error) {
			p, err = r(t, n, from)
			return err
		}})
		if err != nil {
			return false, err
		}
		*cursor = p.to
		for table, n := range p.rows {
			rows[table] += n
		}
		if !p.more {
			return false, nil
		}
		left -= n
	}
	return true, nil
}

// oldEvents removes bodies. Numbers rise with time, so the oldest are at the front; only there is
// looked, twice as far as is removed, in case a clock that was ahead left a row among them.
func oldEvents(before time.Time) removal {
	return func(t *tx, n int, _ int64) (progress, error) {
		err := query(t.conn, `DELETE FROM events WHERE seq IN (
			SELECT seq FROM (SELECT seq, received_at FROM events ORDER BY seq LIMIT ?) WHERE received_at < ? LIMIT ?)`,
			nil, int64(2*n), before.UnixNano(), int64(n))
		removed := t.conn.Changes()
		return progress{rows: map[string]int64{"events": int64(removed)}, more: removed == n}, err
	}
}

// oldKeys removes what makes events unique, always leaving the newest: the next number follows it, and
// a number must never come twice.
func oldKeys(before time.Time) removal {
	return func(t *tx, n int, _ int64) (progress, error) {
		err := query(t.conn, `DELETE FROM event_keys WHERE seq < (SELECT max(seq) FROM event_keys) AND seq IN (
			SELECT seq FROM (SELECT seq, received_at FROM event_keys ORDER BY seq LIMIT ?) WHERE received_at < ? LIMIT ?)`,
			nil, int64(2*n), before.UnixNano(), int64(n))
		removed := t.conn.Changes()
		return progress{rows: map[string]int64{"event_keys": int64(removed)}, more: removed == n}, err
	}
}

// oldFeedEvents removes the old end of feeds, up to the first event that is to be kept, with their
// seen marks, and raises the feeds' floors in the same transaction.
func oldFeedEvents(before time.Time) removal {
	return func(t *tx, n int, _ int64) (progress, error) {
		type old struct{ feed, floor int64 }
		var feeds []old
		err := query(t.conn, `SELECT f.id, f.floor FROM feeds f WHERE f.floor < f.head AND
			(SELECT e.decided_at FROM feed_events e WHERE e.place = (f.id << 40) + f.floor + 1) < ? LIMIT ?`,
			func(s *sqlite.Stmt) { feeds = append(feeds, old{s.ColumnInt64(0), s.ColumnInt64(1)}) }, before.UnixNano(), int64(n))
		if err != nil {
			return progress{}, err
		}
		removed := map[string]int64{}
		left := n
		for _, f := range feeds {
			if left == 0 {
				break
			}
			rows, seen, err := removeFeedEvents(t, f.feed, f.floor, before, left)
			if err != nil {
				return progress{}, err
			}
			removed["feed_events"] += rows
			removed["seen"] += seen
			left -= int(rows)
		}
		return progress{rows: removed, more: left == 0}, nil
	}
}

func removeFeedEvents(t *tx, feed, floor int64, before time.Time, limit int) (rows, seen int64, err error) {
	first, upTo, ended := place(feed, domain.Seq(floor)), place(feed, domain.Seq(floor)), false
	err = query(t.conn, `SELECT place, decided_at FROM feed_events WHERE place > ? AND place < ? ORDER BY place LIMIT ?`, func(s *sqlite.Stmt) {
		if ended = ended || s.ColumnInt64(1) >= before.UnixNano(); !ended {
			upTo = s.ColumnInt64(0)
		}
	}, first, place(feed+1, 0), int64(limit))
	if err != nil {
		return 0, 0, err
	}
	if err := query(t.conn, `DELETE FROM feed_events WHERE place > ? AND place <= ?`, nil, first, upTo); err != nil {
		return 0, 0, err
	}
	rows = int64(t.conn.Changes())
	if err := query(t.conn, `DELETE FROM seen WHERE place > ? AND place <= ?`, nil, first, upTo); err != nil {
		return 0, 0, err
	}
	seen = int64(t.conn.Changes())
	return rows, seen, query(t.conn, `UPDATE feeds SET floor = ? WHERE id = ?`, nil, int64(seqOf(upTo)), feed)
}

// oldLeads removes leads that have not changed for long, a waiting one with the event held for it. It
// walks from the oldest to the first that came into being too lately to be old.
func oldLeads(before time.Time) removal {
	return func(t *tx, n int, from int64) (progress, error) {
		type old struct{ n, held int64 }
		var leads []old
		walked, last, ended := 0, from, false
		err := query(t.conn, `SELECT n, received_at, updated_at, held_seq FROM leads WHERE n > ? ORDER BY n LIMIT ?`, func(s *sqlite.Stmt) {
			if ended = ended || s.ColumnInt64(1) >= before.UnixNano(); ended {
				return
			}
			walked++
			last = s.ColumnInt64(0)
			if s.ColumnInt64(2) < before.UnixNano() {
				leads = append(leads, old{last, s.ColumnInt64(3)})
			}
		}, from, int64(n))
		if err != nil {
			return progress{}, err
		}
		for _, l := range leads {
			if err := query(t.conn, `DELETE FROM leads WHERE n = ?`, nil, l.n); err != nil {
				return progress{}, err
			}
			if err := query(t.conn, `DELETE FROM held_events WHERE seq = ?`, nil, l.held); err != nil {
				return progress{}, err
			}
		}
		p := progress{rows: map[string]int64{"leads": int64(len(leads))}, more: !ended && walked == n}
		if p.more {
			p.to = last
		}
		return p, nil
	}
}
