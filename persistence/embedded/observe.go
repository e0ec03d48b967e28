package embedded

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/groupcommit"
	"zombiezen.com/go/sqlite"
)

// observe is an observation on its way through the writer, with what can be prepared outside of it.
type observe struct {
	domain.Observation
	visit    []byte // JSON of Visit
	sighting []byte // JSON of Owed, without its visit
}

// observed is the answer, with the visit still as it lies in the file.
type observed struct {
	domain.Observed
	stale visitRow
}

// Observe keeps one step of a visitor's lane; see domain.VisitStore. The visit becomes JSON here, in the
// caller's goroutine: the writer has better things to do.
func (s *Store) Observe(ctx context.Context, in domain.Observation) (domain.Observed, error) {
	o := &observe{Observation: in}
	if err := o.prepare(); err != nil {
		return domain.Observed{}, err
	}
	a, err := s.writer.Do(ctx, op{observe: o})
	if err != nil {
		return domain.Observed{}, err
	}
	got := a.observed.Observed
	switch got.Outcome {
	case domain.Done:
		revision, seq := got.Visit.Revision, got.Visit.EventSeq
		got.Visit = in.Visit
		got.Visit.Revision, got.Visit.EventSeq = revision, seq
	case domain.Stale:
		got.Visit, err = a.observed.stale.decode()
	}
	return got, err
}

func (o *observe) prepare() (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if o.visit, err = json.Marshal(o.Visit); err != nil {
		return domain.Fail("observe hit", domain.Invalid, err)
	}
	if o.Owed != nil {
		o.sighting, err = encodeSighting(o.Owed)
	}
	return err
}

func (o *observe) check() error {
	const op = "observe hit"
	if err := checkTexts(op,
		text{"account", string(o.Visit.Account), false}, text{"visitor", string(o.Visit.Visitor), false},
		text{"person", string(o.Visit.Person), true},
	); err != nil {
		return err
	}
	if h := o.Hit; h != nil {
		if h.Account != o.Visit.Account || h.Visitor != o.Visit.Visitor {
			return domain.FailField(op, "hit", "is not the visit's visitor's")
		}
		if err := checkTexts(op, text{"id", string(h.ID), false}, text{"type", string(h.Type), false}); err != nil {
			return err
		}
	}
	if s := o.Owed; s != nil {
		if s.Account != o.Visit.Account {
			return domain.FailField(op, "owed", "is not the visit's account's")
		}
		if err := checkTexts(op, text{"lead", string(s.Lead), false}); err != nil {
			return err
		}
	}
	return checkLinks(op, o.Learn)
}

// observe checks in the contract's order, and writes only once nothing can refuse any more. The event's key
// comes before the basis and the revision, yet most hits are new and fit: so the key is tried by writing it,
// last, and looked up only if something else has refused.
func (t *tx) observe(o *observe) (res groupcommit.Result[answer], err error) {
	if t.fenced(o.Fence) {
		res.Err = domain.ErrFenced
		return res, nil
	}
	if err := t.step(stepRead); err != nil {
		return res, err
	}
	got := &observed{Observed: domain.Observed{Outcome: domain.Done, Basis: t.basis}}
	row, err := t.findVisit(o.Visit.Key())
	if err != nil {
		return res, err
	}
	switch {
	case o.Basis < t.basis:
		got.Outcome = domain.Outdated
	case row.revision != o.Expect:
		got.Outcome, got.stale = domain.Stale, row
	}
	if got.Outcome != domain.Done {
		err = t.refuse(o, row, got)
	} else {
		err = t.keepObservation(o, row, got)
	}
	res.Value.observed, res.Outcome = got, string(got.Outcome)
	return res, err
}

// refuse finds out whether the hit is known, and reads the visit for who is stale.
func (t *tx) refuse(o *observe, row visitRow, got *observed) (err error) {
	if o.Hit != nil {
		known, err := t.hitKnown(o.Hit)
		if err != nil {
			return err
		}
		if known {
			got.Outcome = domain.Duplicated
			return nil
		}
	}
	if got.Outcome == domain.Stale && row.n != 0 {
		got.stale.visit, err = t.readVisit(row.n)
	}
	return err
}

func (t *tx) keepObservation(o *observe, row visitRow, got *observed) error {
	seq := row.eventSeq
	if o.Hit != nil {
		fresh, err := t.keepHit(o.Hit, row.eventSeq)
		if err != nil {
			return err
		}
		if fresh == 0 {
			got.Outcome = domain.Duplicated
			return nil
		}
		seq, got.Seq = fresh, fresh
	}
	got.Visit.Revision, got.Visit.EventSeq = row.revision+1, seq
	if err := t.writeVisit(row, o, seq); err != nil {
		return err
	}
	for _, l := range o.Learn {
		learned, err := t.learn(l)
		if err != nil {
			return err
		}
		got.Links = append(got.Links, learned)
	}
	if o.Owed == nil {
		return nil
	}
	n, err := t.owe(o, row.revision+1, seq)
	got.Owed = n
	return err
}

// keepHit keeps the hit as an event, and answers its number; 0 when its key was there.
func (t *tx) keepHit(h *domain.Hit, prev int64) (seq int64, err error) {
	if err := t.step(stepKey); err != nil {
		return 0, err
	}
	key := bind{stmt: t.insertKey}
	key.text(string(h.Account)).text(string(domain.PixelSource)).text(string(h.ID)).time(h.ReceivedAt)
	if err := key.run(); err != nil {
		return 0, fmt.Errorf("insert event key: %w", err)
	}
	if t.conn.Changes() == 0 {
		return 0, nil
	}
	seq = t.conn.LastInsertRowID()
	if err := t.step(stepEvent); err != nil {
		return 0, err
	}
	b := bind{stmt: t.insertHit}
	b.int(seq).time(h.ReceivedAt).time(h.OccurredAt).text(string(h.Type)).text(string(domain.Record)).
		text(string(domain.LeadOfVisitor(h.Visitor))).bytes(h.Body).int(prev)
	if err := b.run(); err != nil {
		return 0, fmt.Errorf("insert hit: %w", err)
	}
	return seq, nil
}

func (t *tx) hitKnown(h *domain.Hit) (known bool, err error) {
	err = query(t.conn, `SELECT 1 FROM event_keys WHERE event_id = ? AND source = ? AND account = ?`,
		func(*sqlite.Stmt) { known = true }, string(h.ID), string(domain.PixelSource), string(h.Account))
	if err != nil {
		return false, fmt.Errorf("find event key: %w", err)
	}
	return known, nil
}
