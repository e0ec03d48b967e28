package embedded

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

const (
	sqlOldAnnouncements         = `SELECT seq, at FROM announcements WHERE seq > ? ORDER BY seq LIMIT ?`
	sqlDeliveriesOfAnnouncement = `SELECT n, state, ended_at FROM deliveries WHERE announcement = ?`
	sqlRemoveReceipts           = `DELETE FROM receipts WHERE place IN (SELECT place FROM receipts WHERE place > ? AND place < ? LIMIT ?)`
)

// oldAnnouncements removes announcements with what was delivered of them. It walks from the old end: what somebody is
// still owed may stand there for long, and each announcement stays as long as one of its deliveries does, which has
// its event and its payload from it. The walk ends where none of a bite is old.
func oldAnnouncements(before time.Time) removal {
	return func(t *tx, n int, from int64) (progress, error) {
		var seqs []int64
		walked, last := 0, from
		err := query(t.conn, sqlOldAnnouncements, func(s *sqlite.Stmt) {
			walked++
			last = s.ColumnInt64(0)
			if s.ColumnInt64(1) < before.UnixNano() {
				seqs = append(seqs, last)
			}
		}, from, int64(n))
		if err != nil {
			return progress{}, err
		}
		r := remover{tx: t, left: n, rows: map[string]int64{}}
		for _, seq := range seqs {
			if err := r.announcement(seq, func(d endedDelivery) bool { return d.state != statePending && d.endedAt < before.UnixNano() }); err != nil {
				return progress{}, err
			}
			if r.left == 0 { // the next one goes on with this one, or finds it gone
				return progress{rows: r.rows, more: true, to: seq - 1}, nil
			}
		}
		p := progress{rows: r.rows, more: walked == n && len(seqs) > 0}
		if p.more {
			p.to = last
		}
		return p, nil
	}
}

// oldReplays removes replays that have ended, when what they owed goes too.
func oldReplays(before time.Time) removal {
	return func(t *tx, n int, _ int64) (progress, error) {
		err := query(t.conn, `DELETE FROM replays WHERE n IN (SELECT n FROM replays WHERE state <> 0 AND ended_at < ? LIMIT ?)`, nil, before.UnixNano(), int64(n))
		removed := t.conn.Changes()
		return progress{rows: map[string]int64{"replays": int64(removed)}, more: removed == n}, err
	}
}

type endedDelivery struct{ n, state, endedAt int64 }

// remover takes announcements away with all that hangs on them, no more than left rows together.
type remover struct {
	tx   *tx
	left int
	rows map[string]int64
}

// announcement removes those deliveries of an announcement that may go, and then itself if none is left. With left
// at 0 afterwards it is not known to be done.
func (r *remover) announcement(seq int64, may func(endedDelivery) bool) error {
	var all []endedDelivery
	err := query(r.tx.conn, sqlDeliveriesOfAnnouncement, func(s *sqlite.Stmt) {
		c := columns{stmt: s}
		all = append(all, endedDelivery{c.int(), c.int(), c.int()})
	}, seq)
	if err != nil {
		return err
	}
	kept := false
	for _, d := range all {
		if !may(d) {
			kept = true
			continue
		}
		if d.state == statePending { // whoever is behind it goes on without it
			row, err := r.tx.delivery(d.n)
			if err != nil {
				return err
			}
			if _, err := r.tx.end(row, domain.DeliveryCancelled, nanos(r.tx.clock.Now())); err != nil {
				return err
			}
		}
		for _, from := range []struct {
			table, sql string
			args       []any
		}{
			{"receipts", sqlRemoveReceipts, []any{receiptPlace(d.n, 0), receiptPlace(d.n+1, 0), int64(r.left)}},
			{"deliveries", `DELETE FROM deliveries WHERE n = ?`, []any{d.n}},
		} {
			if err := r.remove(from.table, from.sql, from.args...); err != nil || r.left == 0 {
				return err
			}
		}
	}
	if kept {
		return nil
	}
	return r.remove("announcements", `DELETE FROM announcements WHERE seq = ?`, seq)
}

func (r *remover) remove(table, sql string, args ...any) error {
	if err := query(r.tx.conn, sql, nil, args...); err != nil {
		return err
	}
	n := r.tx.conn.Changes()
	r.rows[table] += int64(n)
	r.left -= n
	return nil
}
