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
	where, err := t.whereIsEvent(d.EventSeq)
	if err != nil {
		return res, err
	}
	got := &domain.Decided{Outcome: domain.AlreadyDecided}
	if where != eventGone {
		got, err = t.rule(d, where)
	}
	res.Value.decided, res.Outcome = got, string(got.Outcome)
	return res, err
}

// rule carries d out if the lead and the cap allow it.
func (t *tx) rule(d *domain.Decision, where whereabouts) (*domain.Decided, error) {
	got := &domain.Decided{Outcome: domain.Done}
	if d.Source == domain.PixelSource && d.Basis < t.basis {
		got.Outcome = domain.Outdated
		return got, nil
	}
	row, err := t.lead(d.Lead)
	if err != nil {
		return got, err
	}
	if row.lead.Revision != d.Expect || (d.Verb == domain.Assign && row.lead.Buyer != "") { // a lead keeps its buyer
		got.Outcome, got.Lead = domain.Stale, row.lead
		return got, nil
	}
	switch d.Verb {
	case domain.Assign:
		err = t.assign(d, row, where, got)
	case domain.Update:
		err = t.update(d, row, where, got)
	case domain.Hold:
		err = t.hold(d, where, got)
	default: // Ignore
		err = t.settle(d.EventSeq, where)
	}
	if err == nil && got.Outcome == domain.Done {
		got.Announced, err = t.keepAnnouncements(d.Announce)
	}
	return got, err
}

// whereabouts is where a decision finds its event.
type whereabouts uint8

const (
	eventGone    whereabouts = iota // decided before
	eventNew                        // came with the decision: it has no row among those that wait
	eventPending                    // waits to be decided
	eventHeld                       // waits for a buyer
)

func (t *tx) whereIsEvent(seq int64) (whereabouts, error) {
	if pending, err := exists(t.findPending, seq); err != nil || pending {
		return eventPending, err
	}
	if held, err := exists(t.findHeld, seq); err != nil || held {
		return eventHeld, err
	}
	return eventGone, nil
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
func (t *tx) assign(d *domain.Decision, row leadRow, where whereabouts, got *domain.Decided) error {
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
		if err := t.settle(heldSeq, eventHeld); err != nil {
			return err
		}
	}
	return t.settle(d.EventSeq, where)
}

// update lays a later event over the lead, and tells the buyer if there is one.
func (t *tx) update(d *domain.Decision, row leadRow, where whereabouts, got *domain.Decided) error {
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
	return t.settle(d.EventSeq, where)
}

// hold brings the lead into being without a buyer; its event goes on waiting with it. An event held
// already waits for a lead that retention has removed since; a new one is put there by ride.
func (t *tx) hold(d *domain.Decision, where whereabouts, got *domain.Decided) error {
	lead := born(d)
	lead.State, lead.HeldSeq = domain.Waiting, d.EventSeq
	got.Lead = changed(lead, d)
	if err := t.writeLead(0, 0, &got.Lead); err != nil {
		return err
	}
	if where != eventPending {
		return nil
	}
	return t.moveToHeld(d.EventSeq)
}

func (t *tx) moveToHeld(seq int64) error {
	if err := t.step(stepHold); err != nil {
		return err
	}
	b := bind{stmt: t.movePending}
	if err := b.int(seq).run(); err != nil {
		return fmt.Errorf("hold event: %w", err)
	}
	b = bind{stmt: t.deletePending}
	return b.int(seq).run()
}

// settle takes an event from those that wait.
func (t *tx) settle(seq int64, where whereabouts) error {
	if where == eventNew {
		return nil
	}
	if err := t.step(stepSettle); err != nil {
		return err
	}
	b := bind{stmt: t.deletePending}
	if where == eventHeld {
		b.stmt = t.deleteHeld
	}
	if err := b.int(seq).run(); err != nil {
		return fmt.Errorf("settle event: %w", err)
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
	lead.EventSeq = max(lead.EventSeq, d.EventSeq)
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
	b.int(int64(l.LastSeq)).int(l.HeldSeq).int(l.EventSeq).text(string(l.Campaign))
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
