package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"github.com/leadwire/leadwire/persistence/groupcommit"
)

// observe is an observation on its way through the writer, with what can be prepared outside of it.
type observe struct {
	domain.Observation
	visit     []byte   // JSON of Visit
	sightings [][]byte // JSON of Owed, without their visit
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
	o.sightings = make([][]byte, len(o.Owed))
	for i := range o.Owed {
		if o.sightings[i], err = encodeSighting(&o.Owed[i]); err != nil {
			return err
		}
	}
	return nil
}

func (o *observe) check() error {
	const op = "observe hit"
	if err := check.Texts(op,
		check.Given("account", string(o.Visit.Account)), check.Given("visitor", string(o.Visit.Visitor)),
		check.Optional("person", string(o.Visit.Person)),
	); err != nil {
		return err
	}
	if len(o.Hits) > domain.MaxHits {
		return domain.FailField(op, "hits", fmt.Sprintf("are more than %d", domain.MaxHits))
	}
	for i := range o.Hits {
		h := &o.Hits[i]
		if h.Account != o.Visit.Account || h.Visitor != o.Visit.Visitor {
			return domain.FailField(op, "hit", "is not the visit's visitor's")
		}
		if o.HitOf(h.ID) != i {
			return domain.FailField(op, "hits", "have an id twice")
		}
		if err := check.Texts(op, check.Given("id", string(h.ID)), check.Given("type", string(h.Type))); err != nil {
			return err
		}
	}
	for i := range o.Owed {
		s := &o.Owed[i]
		if s.Account != o.Visit.Account {
			return domain.FailField(op, "owed", "is not the visit's account's")
		}
		if err := check.Texts(op, check.Given("lead", string(s.Lead))); err != nil {
			return err
		}
	}
	return checkLinks(op, o.Learn)
}

// observe checks in the contract's order, and writes only once nothing can refuse any more. The events' keys
// come before the basis and the revision, yet most hits are new and fit: so the keys are tried by writing them,
// last, and looked up only if something has refused.
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

// refuse finds out whether hits are known, and reads the visit for who is stale.
func (t *tx) refuse(o *observe, row visitRow, got *observed) error {
	known, err := t.hitsKnown(o.Hits)
	if err != nil {
		return err
	}
	if slices.Contains(known, true) {
		got.Outcome, got.Known = domain.Duplicated, known
		return nil
	}
	if got.Outcome == domain.Stale && row.n != 0 {
		got.stale.visit, err = t.readVisit(row.n)
	}
	return err
}

func (t *tx) keepObservation(o *observe, row visitRow, got *observed) (err error) {
	if got.Seqs, err = t.takeKeys(o.Hits); err != nil {
		return err
	}
	if len(got.Seqs) < len(o.Hits) {
		got.Outcome, got.Seqs = domain.Duplicated, nil
		got.Known, err = t.hitsKnown(o.Hits)
		return err
	}
	newest := row.eventSeq
	for i, seq := range got.Seqs {
		if err := t.keepHit(&o.Hits[i], seq, newest); err != nil {
			return err
		}
		newest = seq
	}
	got.Visit.Revision, got.Visit.EventSeq = row.revision+1, newest
	if err := t.writeVisit(row, o, newest); err != nil {
		return err
	}
	for _, l := range o.Learn {
		learned, err := t.learn(l)
		if err != nil {
			return err
		}
		got.Links = append(got.Links, learned)
	}
	return t.oweAll(o, got)
}

// oweAll puts down what each hit owes, under the number of its own event.
func (t *tx) oweAll(o *observe, got *observed) error {
	for i := range o.Owed {
		seq := got.Visit.EventSeq
		if hit := o.HitOf(o.Owed[i].EventID); hit >= 0 {
			seq = got.Seqs[hit]
		}
		n, err := t.owe(o, i, got.Visit.Revision, seq)
		if err != nil {
			return err
		}
		got.Owed = append(got.Owed, n)
	}
	return nil
}
