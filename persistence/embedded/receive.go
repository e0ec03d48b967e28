package embedded

import (
	"context"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"github.com/leadwire/leadwire/persistence/groupcommit"
)

// Receive keeps an event once; see domain.Store.
func (s *Store) Receive(ctx context.Context, f domain.Fence, e domain.Event) (domain.Received, error) {
	r := &receive{fence: f, event: e}
	if err := check.Event("receive event", &r.event); err != nil {
		return domain.Received{}, err
	}
	a, err := s.writer.Do(ctx, op{receive: r})
	return a.received, err
}

// Admit keeps an event once and decides it in the same commit; see domain.Store.
func (s *Store) Admit(ctx context.Context, f domain.Fence, e domain.Event, d domain.Decision) (domain.Admitted, error) {
	d.Fence = f
	r := &receive{f, e, &d}
	if err := check.Event("receive event", &r.event); err != nil {
		return domain.Admitted{}, err
	}
	if e.Effect == domain.Record {
		return domain.Admitted{}, domain.FailField("admit event", "effect", "concerns no lead: there is nothing to decide")
	}
	if err := checkDecision(&d); err != nil {
		return domain.Admitted{}, err
	}
	a, err := s.writer.Do(ctx, op{receive: r})
	out := domain.Admitted{Received: a.received}
	if a.decided != nil {
		out.Decided = *a.decided
	}
	return out, err
}

func (t *tx) receive(r *receive) (res groupcommit.Result[answer], err error) {
	if t.fenced(r.fence) {
		res.Err = domain.ErrFenced
		return res, nil
	}
	if err := t.step(stepKey); err != nil {
		return res, err
	}
	e := &r.event
	key := bind{stmt: t.insertKey}
	key.text(string(e.Account)).text(string(e.Source)).text(string(e.ID)).time(e.ReceivedAt)
	if err := key.run(); err != nil {
		return res, fmt.Errorf("insert event key: %w", err)
	}
	if t.conn.Changes() == 0 {
		res.Value.received.Duplicate = true
		res.Outcome = outcomeDuplicate
		return res, nil
	}
	seq := t.conn.LastInsertRowID()
	if err := t.keepEvent(seq, e); err != nil {
		return res, err
	}
	res.Value.received.Seq = seq
	res.Outcome = outcomeStored
	if r.rider != nil {
		err = t.ride(seq, r, &res) // a statement of its own: it writes to res
		return res, err
	}
	if e.Effect != domain.Record {
		return res, t.keepPending(seq, r)
	}
	return res, nil
}

// ride tries the decision that came with a new event. The event is pending only if the decision leaves it
// so: the usual one costs no row there.
func (t *tx) ride(seq int64, r *receive, res *groupcommit.Result[answer]) error {
	if err := t.step(stepRead); err != nil {
		return err
	}
	r.rider.EventSeq = seq
	got, err := t.rule(r.rider, eventNew)
	res.Value.decided, res.Outcome = got, string(got.Outcome)
	if err != nil {
		return err
	}
	if got.Outcome != domain.Done {
		return t.keepPending(seq, r)
	}
	if r.rider.Verb == domain.Hold {
		if err := t.keepPending(seq, r); err != nil {
			return err
		}
		return t.moveToHeld(seq)
	}
	return nil
}

func (t *tx) keepEvent(seq int64, e *domain.Event) error {
	if err := t.step(stepEvent); err != nil {
		return err
	}
	b := bind{stmt: t.insertEvent}
	b.int(seq).time(e.ReceivedAt).time(e.OccurredAt).text(e.Type).text(string(e.Effect)).text(string(e.Lead)).bytes(e.Body)
	if err := b.run(); err != nil {
		return fmt.Errorf("insert event: %w", err)
	}
	return nil
}

func (t *tx) keepPending(seq int64, r *receive) error {
	if err := t.step(stepPending); err != nil {
		return err
	}
	e := &r.event
	weak := int64(0)
	if e.WeakID {
		weak = 1
	}
	b := bind{stmt: t.insertPending}
	b.int(seq).int(int64(r.fence.Partition)).text(string(e.Account)).text(string(e.Source)).text(string(e.ID)).int(weak).
		text(e.Type).text(string(e.Effect)).text(string(e.Lead)).text(string(e.Campaign)).bytes(e.Contact).
		time(e.OccurredAt).time(e.ReceivedAt)
	if err := b.run(); err != nil {
		return fmt.Errorf("insert pending event: %w", err)
	}
	return nil
}
