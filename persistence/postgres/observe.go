package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
)

// Observe is one step of a visitor's lane: see domain.Observation.
func (s *Store) Observe(ctx context.Context, o domain.Observation) (domain.Observed, error) {
	op, err := newObservation("observe", o)
	if err != nil {
		return domain.Observed{}, err
	}
	r, err := s.writer.Do(ctx, opOf(op))
	return r.observed, err
}

// observeOp is an observation with its JSON made: that is the caller's time, not the commit's.
type observeOp struct {
	domain.Observation
	key   pgtype.UUID // of the hit's event
	visit []byte
	owed  []byte // without the visit, which goes over once
}

func opOf(o *observeOp) op { return op{observe: o} }

func newObservation(doing string, o domain.Observation) (*observeOp, error) {
	if err := checkObservation(doing, &o); err != nil {
		return nil, err
	}
	made := &observeOp{Observation: o}
	if o.Hit != nil {
		hit := *o.Hit
		hit.ReceivedAt, hit.OccurredAt = micro(hit.ReceivedAt), micro(hit.OccurredAt)
		made.Hit = &hit
		made.key = pgtype.UUID{Bytes: keyOf(domain.Event{Account: hit.Account, Source: domain.PixelSource, ID: hit.ID}), Valid: true}
	}
	var err error
	if made.visit, err = pack(doing, o.Visit); err != nil {
		return nil, err
	}
	if o.Owed != nil {
		owed := *o.Owed
		owed.Visit = domain.Visit{}
		if made.owed, err = pack(doing, owed); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// touches lists what must not be touched twice in one statement.
func (o *observeOp) touches() []any {
	things := append(touchesOf(o.Learn), o.Visit.Key())
	if o.key.Valid {
		things = append(things, eventKey(o.key.Bytes))
	}
	return things
}

// hasBasis says whether an op is refused under newer suppressions.
func (o op) hasBasis() bool { return o.observe != nil || o.judge != nil }

// observe queues the observations of a wave.
func (p *pipeline) observe(wave []int) {
	var c observationColumns
	for _, n := range wave {
		if o := p.b.ops[n].observe; o != nil {
			c.add(n, o)
		}
	}
	if len(c.of) == 0 {
		return
	}
	p.queue(sqlObserve, func(rows pgx.Rows) error {
		var r sight
		if err := r.scan(rows); err != nil {
			return fmt.Errorf("read observation: %w", err)
		}
		n := c.of[r.ord-1]
		got, err := r.observed(p.b.ops[n].observe)
		p.observed[n] = got
		return err
	}, p.b.id, c.part, c.epoch, c.basis, c.expect, c.account, c.visitor, c.person, c.lastAt, c.body,
		c.key, c.eventID, c.kind, c.lane, c.hit, c.occurred, c.received, c.owedPart, c.owedLead, c.owedDue, c.owed)
}

// observationColumns are observations as the arrays that observe.sql takes.
type observationColumns struct {
	of                       []int // the op of each row
	part                     []int16
	epoch, basis, expect     []int64
	account, visitor, person []string
	lastAt                   []time.Time
	body                     [][]byte
	key                      []pgtype.UUID // null: no hit
	eventID, kind, lane      []string
	hit                      [][]byte
	occurred, received       []pgtype.Timestamptz
	owedPart                 []pgtype.Int2 // null: nothing is owed
	owedLead                 []string
	owedDue                  []pgtype.Timestamptz
	owed                     [][]byte
}

func (c *observationColumns) add(n int, o *observeOp) {
	c.of = append(c.of, n)
	c.part = append(c.part, int16(o.Fence.Partition))
	c.epoch = append(c.epoch, o.Fence.Epoch)
	c.basis = append(c.basis, o.Basis)
	c.expect = append(c.expect, o.Expect)
	c.account = append(c.account, string(o.Visit.Account))
	c.visitor = append(c.visitor, string(o.Visit.Visitor))
	c.person = append(c.person, string(o.Visit.Person))
	c.lastAt = append(c.lastAt, o.Visit.LastAt)
	c.body = append(c.body, o.visit)
	var hit domain.Hit
	if o.Hit != nil {
		hit = *o.Hit
	}
	c.key = append(c.key, o.key)
	c.eventID = append(c.eventID, string(hit.ID))
	c.kind = append(c.kind, string(hit.Type))
	c.lane = append(c.lane, string(domain.LeadOfVisitor(hit.Visitor)))
	c.hit = append(c.hit, bytesOf(hit.Body))
	c.occurred = append(c.occurred, timestamp(hit.OccurredAt))
	c.received = append(c.received, pgtype.Timestamptz{Time: hit.ReceivedAt, Valid: o.Hit != nil})
	var owed domain.Sighting
	if o.Owed != nil {
		owed = *o.Owed
	}
	c.owedPart = append(c.owedPart, pgtype.Int2{Int16: int16(owed.Partition), Valid: o.Owed != nil})
	c.owedLead = append(c.owedLead, string(owed.Lead))
	c.owedDue = append(c.owedDue, pgtype.Timestamptz{Time: owed.DueAt, Valid: o.Owed != nil})
	c.owed = append(c.owed, bytesOf(o.owed))
}

// sight is a row that observe.sql answers with.
type sight struct {
	ord                               int64
	outcome                           string
	basis, seq, owed, revision, event int64
	body                              []byte
}

func (r *sight) scan(rows pgx.Rows) error {
	return rows.Scan(&r.ord, &r.outcome, &r.basis, &r.seq, &r.owed, &r.revision, &r.event, &r.body)
}

func (r *sight) observed(o *observeOp) (domain.Observed, error) {
	out := domain.Observed{Outcome: domain.Outcome(r.outcome), Basis: r.basis, Seq: r.seq, Owed: r.owed}
	switch out.Outcome {
	case domain.Done:
		out.Visit = o.Visit
	case domain.Stale:
		if r.revision == 0 {
			return out, nil
		}
		if err := unpack("observe", r.body, &out.Visit); err != nil {
			return out, err
		}
	default:
		return out, nil
	}
	out.Visit.Revision, out.Visit.EventSeq = r.revision, r.event
	return out, nil
}

// pack is the stored form of what is kept whole.
func pack(doing string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, domain.Fail(doing, domain.Invalid, err)
	}
	return b, nil
}

func unpack(doing string, b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return domain.Fail(doing, domain.Internal, err)
	}
	return nil
}
