package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"github.com/leadwire/leadwire/persistence/groupcommit"
	"zombiezen.com/go/sqlite"
)

// judge is a judgement on its way through the writer.
type judge struct {
	domain.Judgement
	after []byte   // JSON of After
	enter *receive // Enter, as what waits
}

// judged is the answer, with a stale acquaintance still as it lies in the file.
type judged struct {
	domain.Judged
	stale acquaintanceRow
}

// acquaintanceRow is an acquaintance in the file; n is 0 when there is none.
type acquaintanceRow struct {
	n, revision int64
	spec        []byte
}

func (r acquaintanceRow) decode() (a domain.Acquaintance, err error) {
	if r.n == 0 {
		return a, nil
	}
	if err := json.Unmarshal(r.spec, &a); err != nil {
		return a, domain.Fail("read acquaintance", domain.Internal, err)
	}
	a.Revision = r.revision
	return a, nil
}

// Judge settles sightings; see domain.VisitStore.
func (s *Store) Judge(ctx context.Context, in domain.Judgement) (domain.Judged, error) {
	j := &judge{Judgement: in}
	if err := j.prepare(); err != nil {
		return domain.Judged{}, err
	}
	a, err := s.writer.Do(ctx, op{judge: j})
	if err != nil {
		return domain.Judged{}, err
	}
	got := a.judged.Judged
	if got.Outcome == domain.Stale {
		got.Acquaintance, err = a.judged.stale.decode()
	}
	return got, err
}

func (j *judge) prepare() (err error) {
	const op = "judge sightings"
	switch {
	case len(j.Settle) == 0:
		return domain.FailField(op, "settle", "names no sighting")
	case j.Unmet && (len(j.Announce) > 0 || j.Enter != nil):
		return domain.FailField(op, "unmet", "nobody that is not to be remembered can be announced")
	case j.After.Key() != j.Lead:
		return domain.FailField(op, "after", "is not the lead's")
	}
	if err := check.Texts(op, check.Given("account", string(j.Lead.Account)), check.Given("lead", string(j.Lead.Lead))); err != nil {
		return err
	}
	if err := checkAnnouncements(op, j.Announce); err != nil {
		return err
	}
	if j.Enter != nil {
		j.enter = &receive{fence: j.Fence, event: j.Enter.Event}
		if err := check.Event("receive event", &j.enter.event); err != nil {
			return err
		}
	}
	if j.after, err = json.Marshal(j.After); err != nil {
		return domain.Fail(op, domain.Invalid, err)
	}
	return nil
}

// judge checks in the contract's order, and writes only once nothing can refuse any more.
func (t *tx) judge(j *judge) (res groupcommit.Result[answer], err error) {
	if t.fenced(j.Fence) {
		res.Err = domain.ErrFenced
		return res, nil
	}
	if err := t.step(stepRead); err != nil {
		return res, err
	}
	got := &judged{Judged: domain.Judged{Outcome: domain.Done, Basis: t.basis}}
	there, err := t.allOwed(j)
	if err != nil {
		return res, err
	}
	row, err := t.acquaintance(j.Lead)
	if err != nil {
		return res, err
	}
	switch {
	case !there:
		got.Outcome = domain.AlreadyDecided
	case j.Basis < t.basis:
		got.Outcome = domain.Outdated
	case row.revision != j.Expect:
		got.Outcome, got.stale = domain.Stale, row
	default:
		err = t.keepJudgement(j, row, got)
	}
	res.Value.judged, res.Outcome = got, string(got.Outcome)
	return res, err
}

// allOwed says whether every sighting is there and the lead's.
func (t *tx) allOwed(j *judge) (bool, error) {
	for _, n := range j.Settle {
		s := t.findSighting
		s.BindInt64(1, n)
		s.BindText(2, string(j.Lead.Lead))
		s.BindText(3, string(j.Lead.Account))
		found, err := s.Step()
		if resetErr := s.Reset(); err == nil {
			err = resetErr
		}
		if err != nil || !found {
			return false, err
		}
	}
	return true, nil
}

func (t *tx) keepJudgement(j *judge, row acquaintanceRow, got *judged) error {
	if err := t.step(stepSettleSighting); err != nil {
		return err
	}
	for _, n := range j.Settle {
		b := bind{stmt: t.deleteSighting}
		if err := b.int(n).run(); err != nil {
			return fmt.Errorf("settle sighting: %w", err)
		}
	}
	if j.Unmet {
		return nil
	}
	if err := t.writeAcquaintance(j, row); err != nil {
		return err
	}
	got.Acquaintance = j.After
	got.Acquaintance.Revision = row.revision + 1
	var err error
	if got.Announced, err = t.keepAnnouncements(j.Announce); err != nil {
		return err
	}
	if j.enter == nil {
		return nil
	}
	return t.enterCampaign(j.Enter.Seq, j.enter)
}

// enterCampaign puts the event among those that wait. One that waits already goes on waiting: its hit was
// judged for another lead too, and an event is decided once.
func (t *tx) enterCampaign(seq int64, r *receive) error {
	where, err := t.whereIsEvent(seq)
	if err != nil || where != eventGone {
		return err
	}
	return t.keepPending(seq, r)
}

func (t *tx) writeAcquaintance(j *judge, row acquaintanceRow) error {
	if err := t.step(stepAcquaintance); err != nil {
		return err
	}
	b := bind{stmt: t.updateAcquaintance}
	if row.n == 0 {
		b.stmt = t.insertAcquaintance
		b.text(string(j.Lead.Account)).text(string(j.Lead.Lead)).time(j.After.LastAt)
	}
	b.int(row.revision + 1).time(j.After.LastAt).bytes(j.after)
	if row.n != 0 {
		b.int(row.n)
	}
	if err := b.run(); err != nil {
		return fmt.Errorf("write acquaintance: %w", err)
	}
	return nil
}

func scanAcquaintance(s *sqlite.Stmt) acquaintanceRow {
	c := columns{stmt: s}
	return acquaintanceRow{n: c.int(), revision: c.int(), spec: c.bytes()}
}

func (t *tx) acquaintance(key domain.LeadKey) (row acquaintanceRow, err error) {
	s := t.findAcquaintance
	s.BindText(1, string(key.Lead))
	s.BindText(2, string(key.Account))
	found, err := s.Step()
	if found {
		row = scanAcquaintance(s)
	}
	if resetErr := s.Reset(); err == nil {
		err = resetErr
	}
	if err != nil {
		return row, fmt.Errorf("find acquaintance: %w", err)
	}
	return row, nil
}

const sqlAcquaintance = `SELECT n, revision, spec FROM acquaintances WHERE lead = ? AND account = ?`

// Acquaintance reads one; see domain.VisitStore.
func (s *Store) Acquaintance(ctx context.Context, key domain.LeadKey) (domain.Acquaintance, error) {
	const op = "read acquaintance"
	var row acquaintanceRow
	err := s.read(ctx, op, func(c *sqlite.Conn) error {
		return query(c, sqlAcquaintance, func(s *sqlite.Stmt) { row = scanAcquaintance(s) }, string(key.Lead), string(key.Account))
	})
	if err == nil && row.n == 0 {
		err = domain.Fail(op, domain.NotFound, errors.New("no such acquaintance"))
	}
	if err != nil {
		return domain.Acquaintance{}, err
	}
	return row.decode()
}
