package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// visitRow is what the writer needs of a visit; n is 0 when there is none. visit is read only when somebody
// asks for it.
type visitRow struct {
	n, revision, eventSeq int64
	person                string
	visit                 []byte
}

// decode puts the visit together; the zero Visit when there is none.
func (r visitRow) decode() (v domain.Visit, err error) {
	if r.visit == nil {
		return v, nil
	}
	if err := json.Unmarshal(r.visit, &v); err != nil {
		return v, domain.Fail("read visit", domain.Internal, err)
	}
	v.Revision, v.EventSeq = r.revision, r.eventSeq
	return v, nil
}

func (t *tx) findVisit(key domain.VisitorKey) (row visitRow, err error) {
	s := t.stmts.findVisit
	s.BindText(1, string(key.Visitor))
	s.BindText(2, string(key.Account))
	found, err := s.Step()
	if found {
		c := columns{stmt: s}
		row = visitRow{n: c.int(), revision: c.int(), eventSeq: c.int(), person: c.text()}
	}
	if resetErr := s.Reset(); err == nil {
		err = resetErr
	}
	if err != nil {
		return row, fmt.Errorf("find visit: %w", err)
	}
	return row, nil
}

func (t *tx) readVisit(n int64) (visit []byte, err error) {
	err = query(t.conn, `SELECT visit FROM visits WHERE n = ?`, func(s *sqlite.Stmt) {
		c := columns{stmt: s}
		visit = c.bytes()
	}, n)
	return visit, err
}

// writeVisit rewrites the row, or makes it. The person is set only when it changes: a statement that names
// it would look at its index with every hit.
func (t *tx) writeVisit(row visitRow, o *observe, seq int64) error {
	if err := t.step(stepVisit); err != nil {
		return err
	}
	v := &o.Visit
	b := bind{stmt: t.updateVisit}
	switch {
	case row.n == 0:
		b.stmt = t.insertVisit
		b.text(string(v.Account)).text(string(v.Visitor)).text(string(v.Person)).time(v.LastAt)
	case row.person != string(v.Person):
		b.stmt = t.updateVisitor
		b.text(string(v.Person))
	}
	b.int(row.revision + 1).int(seq).time(v.LastAt).bytes(o.visit)
	if row.n != 0 {
		b.int(row.n)
	}
	if err := b.run(); err != nil {
		return fmt.Errorf("write visit: %w", err)
	}
	return nil
}

const sqlVisit = `SELECT n, revision, event_seq, visit FROM visits WHERE visitor = ? AND account = ?`

// Visit reads a visitor's row; see domain.VisitStore.
func (s *Store) Visit(ctx context.Context, key domain.VisitorKey) (domain.Visit, error) {
	const op = "read visit"
	var row visitRow
	err := s.read(ctx, op, func(c *sqlite.Conn) error {
		return query(c, sqlVisit, func(s *sqlite.Stmt) {
			c := columns{stmt: s}
			row = visitRow{n: c.int(), revision: c.int(), eventSeq: c.int(), visit: c.bytes()}
		}, string(key.Visitor), string(key.Account))
	})
	if err == nil && row.n == 0 {
		err = domain.Fail(op, domain.NotFound, errors.New("no such visitor"))
	}
	if err != nil {
		return domain.Visit{}, err
	}
	return row.decode()
}

const sqlVisitorsOf = `SELECT visitor FROM visits WHERE person = ? AND person <> '' AND account = ?`

// VisitorsOf lists who was resolved to any of the persons; see domain.VisitStore.
func (s *Store) VisitorsOf(ctx context.Context, account domain.AccountID, persons []domain.PersonID) (visitors []domain.VisitorID, err error) {
	asked := map[domain.PersonID]bool{}
	err = s.read(ctx, "list visitors", func(c *sqlite.Conn) error {
		for _, p := range persons {
			if asked[p] {
				continue
			}
			asked[p] = true
			err := query(c, sqlVisitorsOf, func(s *sqlite.Stmt) {
				visitors = append(visitors, domain.VisitorID(s.ColumnText(0)))
			}, string(p), string(account))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return visitors, err
}
