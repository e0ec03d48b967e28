package embedded

import (
	"context"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/groupcommit"
)

// Receive keeps an event once; see domain.Store.
func (s *Store) Receive(ctx context.Context, f domain.Fence, e domain.Event) (domain.Received, error) {
	r := &receive{f, e}
	if err := r.check(); err != nil {
		return domain.Received{}, err
	}
	a, err := s.writer.Do(ctx, op{receive: r})
	return a.received, err
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
	if e.Effect != domain.Record {
		if err := t.keepPending(seq, r); err != nil {
			return res, err
		}
	}
	res.Value.received.Seq = seq
	res.Outcome = outcomeStored
	return res, nil
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
