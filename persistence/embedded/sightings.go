package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// bareSighting is a sighting without its visit, which stands beside it as the visit's own bytes: nothing is
// encoded twice.
type bareSighting struct {
	domain.Sighting
	Visit *struct{} `json:"visit,omitempty"` // hides the other
}

func encodeSighting(s *domain.Sighting) ([]byte, error) {
	b, err := json.Marshal(bareSighting{Sighting: *s})
	if err != nil {
		return nil, domain.Fail("observe hit", domain.Invalid, err)
	}
	return b, nil
}

// owe puts the i-th sighting down for its lead.
func (t *tx) owe(o *observe, i int, revision, seq int64) (n int64, err error) {
	if err := t.step(stepSighting); err != nil {
		return 0, err
	}
	s := &o.Owed[i]
	b := bind{stmt: t.insertSighting}
	b.int(int64(s.Partition)).time(s.DueAt).text(string(s.Account)).text(string(s.Lead)).text(string(o.Visit.Visitor)).
		int(revision).int(seq).bytes(o.sightings[i]).bytes(o.visit)
	if err := b.run(); err != nil {
		return 0, fmt.Errorf("insert sighting: %w", err)
	}
	return t.conn.LastInsertRowID(), nil
}

const (
	// INDEXED BY, because the table's own order would do as well, at twenty times the pages.
	sqlOwed     = `SELECT n, p FROM sightings INDEXED BY sightings_walk WHERE n > ? AND due_at <= ? ORDER BY n LIMIT ?`
	sqlSighting = `SELECT n, revision, event_seq, spec, visit FROM sightings WHERE n = ?`
)

// Owed lists sightings that are due; see domain.VisitStore. Like Undecided it walks all and picks the asked
// partitions.
func (s *Store) Owed(ctx context.Context, partitions []domain.Partition, due time.Time, after int64, limit int) (found []domain.Sighting, err error) {
	if len(partitions) == 0 || limit <= 0 {
		return nil, nil
	}
	var wanted [domain.Partitions]bool
	for _, p := range partitions {
		wanted[p] = true
	}
	err = s.read(ctx, "list owed sightings", func(c *sqlite.Conn) (err error) {
		end := sqlitex.Transaction(c) // what the walk found is still there when it is read
		defer end(&err)
		for len(found) < limit {
			seen, picked := 0, []int64(nil)
			err := query(c, sqlOwed, func(s *sqlite.Stmt) {
				seen++
				after = s.ColumnInt64(0)
				if wanted[s.ColumnInt(1)] && len(found)+len(picked) < limit {
					picked = append(picked, after)
				}
			}, after, due.UnixNano(), int64(limit))
			if err != nil {
				return err
			}
			for _, n := range picked {
				one, err := readSighting(c, n)
				if err != nil {
					return err
				}
				found = append(found, one)
			}
			if seen < limit {
				return nil
			}
		}
		return nil
	})
	return found, err
}

func readSighting(c *sqlite.Conn, n int64) (s domain.Sighting, err error) {
	var spec []byte
	var visit visitRow
	err = query(c, sqlSighting, func(s *sqlite.Stmt) {
		c := columns{stmt: s}
		visit.n, visit.revision, visit.eventSeq, spec, visit.visit = c.int(), c.int(), c.int(), c.bytes(), c.bytes()
	}, n)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(spec, &s); err != nil {
		return s, domain.Fail("read sighting", domain.Internal, err)
	}
	s.N, s.EventSeq = n, visit.eventSeq
	s.Visit, err = visit.decode()
	return s, err
}
