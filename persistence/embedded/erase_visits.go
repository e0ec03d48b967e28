package embedded

import (
	"context"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// eraseVisits removes visits with all their hits. A hit points to the one before it; the row goes with the
// last of them, so that a failure on the way loses no track of what is left.
func (x *erasure) eraseVisits(ctx context.Context) error {
	for _, v := range x.Visitors {
		if err := x.bites(ctx, visitorsHits(domain.VisitorKey{Account: x.Account, Visitor: v})); err != nil {
			return err
		}
	}
	return nil
}

func visitorsHits(key domain.VisitorKey) removal {
	lead := string(domain.LeadOfVisitor(key.Visitor))
	return func(t *tx, n int, _ int64) (progress, error) {
		p := progress{rows: map[string]int64{}}
		row, err := t.findVisit(key)
		if err != nil || row.n == 0 {
			return p, err
		}
		next := row.eventSeq
		for range n {
			seq, found := next, false
			err := query(t.conn, `SELECT prev FROM events WHERE seq = ? AND lead = ?`, func(s *sqlite.Stmt) {
				next, found = s.ColumnInt64(0), true
			}, seq, lead)
			if err != nil {
				return p, err
			}
			if !found { // the first, or retention has taken those before
				if err := query(t.conn, `DELETE FROM visits WHERE n = ?`, nil, row.n); err != nil {
					return p, err
				}
				p.rows["visits"] = 1
				return p, nil
			}
			if err := query(t.conn, `DELETE FROM events WHERE seq = ?`, nil, seq); err != nil {
				return p, err
			}
			p.rows["events"]++
		}
		p.more = true
		return p, query(t.conn, `UPDATE visits SET event_seq = ? WHERE n = ?`, nil, next, row.n)
	}
}

const (
	sqlLinksOfPerson = `SELECT ` + linkColumns + ` FROM links WHERE person = ? AND removed = 0 AND account = ? LIMIT ?`
	sqlLinkOfKey     = `SELECT ` + linkColumns + ` FROM links WHERE value = ? AND kind = ? AND account = ?`
)

// eraseLinks takes links away by person, by key and by visitor. What stays of one is its key, under a new
// number, so that nodes that hold it in memory learn to drop it; after a day that goes too (see toldLinks).
func (x *erasure) eraseLinks(ctx context.Context) error {
	for _, person := range x.Persons {
		err := x.bites(ctx, func(t *tx, n int, _ int64) (progress, error) {
			gone, err := t.removeLinks(sqlLinksOfPerson, string(person), string(x.Account), int64(n))
			return progress{rows: map[string]int64{"links": int64(gone)}, more: gone == n}, err
		})
		if err != nil {
			return err
		}
	}
	keys := x.Keys[:len(x.Keys):len(x.Keys)]
	for _, v := range x.Visitors {
		keys = append(keys, domain.Key{Kind: domain.KeyVisitor, Value: string(v)})
	}
	return x.bites(ctx, func(t *tx, n int, from int64) (progress, error) {
		p := progress{rows: map[string]int64{}}
		to := min(from+int64(n), int64(len(keys)))
		for _, k := range keys[from:to] {
			gone, err := t.removeLinks(sqlLinkOfKey, k.Value, string(k.Kind), string(x.Account))
			if err != nil {
				return p, err
			}
			p.rows["links"] += int64(gone)
		}
		if p.more = to < int64(len(keys)); p.more {
			p.to = to
		}
		return p, nil
	})
}

// removeLinks leaves of what sql finds only the key.
func (t *tx) removeLinks(sql string, args ...any) (gone int, err error) {
	var found []domain.Link
	err = query(t.conn, sql, func(s *sqlite.Stmt) {
		if l := scanLink(s); !l.Removed {
			found = append(found, l)
		}
	}, args...)
	if err != nil {
		return 0, err
	}
	for _, l := range found {
		_, err := t.replaceLink(domain.Link{Account: l.Account, Key: l.Key, At: t.clock.Now(), Removed: true})
		if err != nil {
			return 0, err
		}
	}
	return len(found), nil
}
