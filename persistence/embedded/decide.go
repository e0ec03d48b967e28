package embedded

import (
	"context"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/groupcommit"
	"zombiezen.com/go/sqlite"
)

// Decide settles a pending event; see domain.Store.
func (s *Store) Decide(ctx context.Context, d domain.Decision) (domain.Decided, error) {
	if err := checkDecision(&d); err != nil {
		return domain.Decided{}, err
	}
	a, err := s.writer.Do(ctx, op{decide: &d})
	if err != nil {
		return domain.Decided{}, err
	}
	return *a.decided, nil
}

// decide checks in the contract's order, and writes only once nothing can refuse any more.
func (t *tx) decide(d *domain.Decision) (res groupcommit.Result[answer], err error) {
	if t.fenced(d.Fence) {
		res.Err = domain.ErrFenced
		return res, nil
	}
	if err := t.step(stepRead); err != nil {
		return res, err
	}
	got := &domain.Decided{Outcome: domain.Done}
	res.Value.decided = got
	defer func() { res.Outcome = string(got.Outcome) }()

	pending, held, err := t.whereIsEvent(d.EventSeq)
	if err != nil {
		return res, err
	}
	if !pending && !held {
		got.Outcome = domain.AlreadyDecided
		return res, nil
	}
	row, err := t.lead(d.Lead)
	if err != nil {
		return res, err
	}
	if row.lead.Revision != d.Expect || (d.Verb == domain.Assign && row.lead.Buyer != "") { // a lead keeps its buyer
		got.Outcome, got.Lead = domain.Stale, row.lead
		return res, nil
	}
	switch d.Verb {
	case domain.Assign:
		return res, t.assign(d, row, got)
	case domain.Update:
		return res, t.update(d, row, got)
	case domain.Hold:
		return res, t.hold(d, pending, got)
	default: // Ignore
		return res, t.settle(d.EventSeq)
	}
}

func (t *tx) whereIsEvent(seq int64) (pending, held bool, err error) {
	if pending, err = exists(t.findPending, seq); err != nil || pending {
		return pending, false, err
	}
	held, err = exists(t.findHeld, seq)
	return false, held, err
}

func exists(s *sqlite.Stmt, key int64) (bool, error) {
	s.BindInt64(1, key)
	found, err := s.Step()
	if resetErr := s.Reset(); err == nil {
		err = resetErr
	}
	return found, err
}

func (t *tx) lead(key domain.LeadKey) (row leadRow, err error) {
	s := t.findLead
	s.BindText(1, string(key.Account))
	s.BindText(2, string(key.Lead))
	found, err := s.Step()
	if found {
		row = scanLead(s)
	}
	if resetErr := s.Reset(); err == nil {
		err = resetErr
	}
	if err != nil {
		return row, fmt.Errorf("find lead: %w", err)
	}
	return row, nil
}

// assign gives the lead to the buyer, unless the buyer's day is full.
func (t *tx) assign(d *domain.Decision, row leadRow, got *domain.Decided) error {
	feed, err := t.feed(domain.BuyerKey{Account: d.Lead.Account, Buyer: d.Buyer})
	if err != nil {
		return err
	}
	day, count := feed.on(d.Day)
	got.Day, got.Count = day, count
	if d.Cap > 0 && count >= d.Cap {
		got.Outcome = domain.CapReached
		return nil
	}
	got.Count++
	feed.count(day, got.Count)
	heldSeq := row.lead.HeldSeq
	lead := row.lead
	if row.n == 0 {
		lead = born(d)
	}
	lead.State, lead.Buyer, lead.Campaign, lead.HeldSeq = domain.Assigned, d.Buyer, d.Campaign, 0
	lead.AssignSeq, lead.AssignedAt = feed.head+1, d.At
	got.Lead = changed(lead, d)
	if got.Event, err = t.announce(feed, domain.LeadAssigned, &got.Lead, d); err != nil {
		return err
	}
	if err := t.writeLead(row.n, feed.id, &got.Lead); err != nil {
		return err
	}
	if heldSeq != 0 && heldSeq != d.EventSeq { // it waited for this very moment
		if err := t.settle(heldSeq); err != nil {
			return err
		}
	}
	return t.settle(d.EventSeq)
}

// update lays a later event over the lead, and tells the buyer if there is one.
func (t *tx) update(d *domain.Decision, row leadRow, got *domain.Decided) error {
	got.Lead = changed(row.lead, d)
	if got.Lead.HeldSeq == d.EventSeq {
		got.Lead.HeldSeq = 0
	}
	var feedID int64
	if got.Lead.Buyer != "" {
		feed, err := t.feed(domain.BuyerKey{Account: d.Lead.Account, Buyer: got.Lead.Buyer})
		if err != nil {
			return err
		}
		feedID = feed.id
		if got.Event, err = t.announce(feed, domain.LeadUpdated, &got.Lead, d); err != nil {
			return err
		}
	}
	if err := t.writeLead(row.n, feedID, &got.Lead); err != nil {
		return err
	}
	return t.settle(d.EventSeq)
}

// hold brings the lead into being without a buyer; its event goes on waiting with it.
func (t *tx) hold(d *domain.Decision, pending bool, got *domain.Decided) error {
	lead := born(d)
	lead.State, lead.HeldSeq = domain.Waiting, d.EventSeq
	got.Lead = changed(lead, d)
	if err := t.writeLead(0, 0, &got.Lead); err != nil {
		return err
	}
	if !pending { // held already, for a lead that retention has removed since
		return nil
	}
	if err := t.step(stepHold); err != nil {
		return err
	}
	b := bind{stmt: t.movePending}
	if err := b.int(d.EventSeq).run(); err != nil {
		return fmt.Errorf("hold event: %w", err)
	}
	b = bind{stmt: t.deletePending}
	return b.int(d.EventSeq).run()
}

// settle takes an event from what is pending, held or not.
func (t *tx) settle(seq int64) error {
	if err := t.step(stepSettle); err != nil {
		return err
	}
	b := bind{stmt: t.deletePending}
	if err := b.int(seq).run(); err != nil {
		return fmt.Errorf("settle event: %w", err)
	}
	if t.conn.Changes() > 0 {
		return nil
	}
	b = bind{stmt: t.deleteHeld}
	if err := b.int(seq).run(); err != nil {
		return fmt.Errorf("settle held event: %w", err)
	}
	return nil
}

// born is a lead at its first decision.
func born(d *domain.Decision) domain.Lead {
	return domain.Lead{
		Account: d.Lead.Account, ID: d.Lead.Lead, Campaign: d.Campaign, Source: d.Source, ReceivedAt: d.ReceivedAt,
	}
}

// changed is the lead after d: what every decision changes alike.
func changed(lead domain.Lead, d *domain.Decision) domain.Lead {
	lead.Revision++
	lead.Contact = d.Contact
	lead.UpdatedAt = d.At
	return lead
}

// writeLead writes the lead to row n, or to a new row if n is 0. A feed of 0 is no buyer.
func (t *tx) writeLead(n, feed int64, l *domain.Lead) error {
	if err := t.step(stepLead); err != nil {
		return err
	}
	b := bind{stmt: t.updateLead}
	if n == 0 {
		b.stmt = t.insertLead
		b.text(string(l.Account)).text(string(l.ID))
	}
	b.int(l.Revision)
	if feed == 0 {
		b.null()
	} else {
		b.int(place(feed, l.AssignSeq))
	}
	b.int(int64(l.LastSeq)).int(l.HeldSeq).text(string(l.Campaign))
	if n == 0 {
		b.text(string(l.Source)).time(l.ReceivedAt)
	}
	b.time(l.AssignedAt).time(l.UpdatedAt).bytes(l.Contact)
	if n != 0 {
		b.int(n)
	}
	if err := b.run(); err != nil {
		return fmt.Errorf("write lead: %w", err)
	}
	return nil
}
