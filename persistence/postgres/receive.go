package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// Receive keeps an event: see domain.Store.
func (s *Store) Receive(ctx context.Context, f domain.Fence, e domain.Event) (domain.Received, error) {
	const doing = "receive event"
	if err := check.Event(doing, &e); err != nil {
		return domain.Received{}, err
	}
	e.ReceivedAt, e.OccurredAt = micro(e.ReceivedAt), micro(e.OccurredAt)
	r, err := s.writer.Do(ctx, op{receive: &receiveOp{fence: f, event: e, key: keyOf(e)}})
	return r.received, err
}

// Admit keeps an event and tries its decision in the same commit: see domain.Store.
func (s *Store) Admit(ctx context.Context, f domain.Fence, e domain.Event, d domain.Decision) (domain.Admitted, error) {
	const doing = "admit event"
	d.Fence, d.EventSeq = f, 0
	if err := check.Event(doing, &e); err != nil {
		return domain.Admitted{}, err
	}
	if e.Effect == domain.Record {
		return domain.Admitted{}, domain.FailField(doing, "effect", "concerns no lead: there is nothing to decide")
	}
	if err := checkDecision(doing, &d); err != nil {
		return domain.Admitted{}, err
	}
	e.ReceivedAt, e.OccurredAt = micro(e.ReceivedAt), micro(e.OccurredAt)
	d.ReceivedAt, d.At, d.Announce = micro(d.ReceivedAt), micro(d.At), atMicros(d.Announce)
	r, err := s.writer.Do(ctx, op{receive: &receiveOp{fence: f, event: e, key: keyOf(e)}, decide: &d})
	if err == nil && r.decided.Event.Seq > 0 {
		r.decided.Event.CommittedAt = s.opts.Clock.Now()
	}
	return domain.Admitted{Received: r.received, Decided: r.decided}, err
}

// receive queues the events of a wave.
func (p *pipeline) receive(wave []int) {
	var c eventColumns
	for _, n := range wave {
		if r := p.b.ops[n].receive; r != nil {
			c.add(n, r)
		}
	}
	if len(c.of) == 0 {
		return
	}
	p.queue(sqlReceive, func(rows pgx.Rows) error {
		var ord, seq int64
		if err := rows.Scan(&ord, &seq); err != nil {
			return fmt.Errorf("read stored event: %w", err)
		}
		p.stored[c.of[ord-1]] = seq
		return nil
	}, p.b.id, c.part, c.epoch, c.key, c.account, c.source, c.id, c.weak, c.kind, c.effect, c.lead, c.campaign,
		c.contact, c.body, c.occurred, c.received)
}

// eventColumns are events as the arrays that receive.sql takes.
type eventColumns struct {
	of                                                []int // the op of each row
	part                                              []int16
	epoch                                             []int64
	key                                               [][16]byte
	account, source, id, kind, effect, lead, campaign []string
	weak                                              []bool
	contact, body                                     [][]byte
	occurred                                          []pgtype.Timestamptz
	received                                          []time.Time
}

func (c *eventColumns) add(n int, r *receiveOp) {
	e := &r.event
	c.of = append(c.of, n)
	c.part = append(c.part, int16(r.fence.Partition))
	c.epoch = append(c.epoch, r.fence.Epoch)
	c.key = append(c.key, r.key)
	c.account = append(c.account, string(e.Account))
	c.source = append(c.source, string(e.Source))
	c.id = append(c.id, string(e.ID))
	c.weak = append(c.weak, e.WeakID)
	c.kind = append(c.kind, e.Type)
	c.effect = append(c.effect, string(e.Effect))
	c.lead = append(c.lead, string(e.Lead))
	c.campaign = append(c.campaign, string(e.Campaign))
	c.contact = append(c.contact, bytesOf(e.Contact))
	c.body = append(c.body, bytesOf(e.Body))
	c.occurred = append(c.occurred, timestamp(e.OccurredAt))
	c.received = append(c.received, e.ReceivedAt)
}

// timestamp is NULL for the zero time.
func timestamp(t time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()}
}

// instant reads it back, in UTC.
func instant(t pgtype.Timestamptz) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return t.Time.UTC()
}
