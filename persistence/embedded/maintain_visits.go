package embedded

import (
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
)

// linkTold is how long an erased link's key stays to be told: a node reads on every second or so, and one that
// was away for a day has begun anew.
const linkTold = 24 * time.Hour

// oldByBirth removes rows of a table whose last change is old. It walks from the oldest to the first that was
// born too lately to be old, like oldLeads: an index by the last change would be moved with every hit.
func oldByBirth(table string, before time.Time) removal {
	walk := fmt.Sprintf(`SELECT n, born_at, updated_at FROM %s WHERE n > ? ORDER BY n LIMIT ?`, table)
	return func(t *tx, n int, from int64) (progress, error) {
		var old []int64
		walked, last, ended := 0, from, false
		err := query(t.conn, walk, func(s *sqlite.Stmt) {
			if ended = ended || s.ColumnInt64(1) >= before.UnixNano(); ended {
				return
			}
			walked++
			last = s.ColumnInt64(0)
			if s.ColumnInt64(2) < before.UnixNano() {
				old = append(old, last)
			}
		}, from, int64(n))
		if err != nil {
			return progress{}, err
		}
		for _, row := range old {
			if err := query(t.conn, fmt.Sprintf(`DELETE FROM %s WHERE n = ?`, table), nil, row); err != nil {
				return progress{}, err
			}
		}
		p := progress{rows: map[string]int64{table: int64(len(old))}, more: !ended && walked == n}
		if p.more {
			p.to = last
		}
		return p, nil
	}
}

// oldInOrder removes from the old end of a table whose numbers rise with time, as oldEvents does.
func oldInOrder(table string, before time.Time) removal {
	sql := fmt.Sprintf(`DELETE FROM %[1]s WHERE seq IN (
		SELECT seq FROM (SELECT seq, at FROM %[1]s ORDER BY seq LIMIT ?) WHERE at < ? LIMIT ?)`, table)
	return func(t *tx, n int, _ int64) (progress, error) {
		err := query(t.conn, sql, nil, int64(2*n), before.UnixNano(), int64(n))
		removed := t.conn.Changes()
		return progress{rows: map[string]int64{table: int64(removed)}, more: removed == n}, err
	}
}

// toldLinks removes what erased links have left, once everybody has been told.
func toldLinks(before time.Time) removal {
	return tombstones("links", `DELETE FROM links WHERE seq IN (SELECT seq FROM links WHERE removed = 1 AND at < ? LIMIT ?)`, before)
}

// oldRemovals removes suppressions that are no longer in force, once no node can hold them any more.
func oldRemovals(before time.Time) removal {
	return tombstones("suppressions", `DELETE FROM suppressions WHERE id IN (
		SELECT id FROM suppressions WHERE removed = 1 AND changed_at < ? LIMIT ?)`, before)
}

func tombstones(table, sql string, before time.Time) removal {
	return func(t *tx, n int, _ int64) (progress, error) {
		err := query(t.conn, sql, nil, before.UnixNano(), int64(n))
		removed := t.conn.Changes()
		return progress{rows: map[string]int64{table: int64(removed)}, more: removed == n}, err
	}
}
