package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
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
	keys  []eventKey // of the hits' events
	visit []byte
	owed  [][]byte // without the visit
}

func opOf(o *observeOp) op { return op{observe: o} }

func newObservation(doing string, o domain.Observation) (*observeOp, error) {
	if err := checkObservation(doing, &o); err != nil {
		return nil, err
	}
	made := &observeOp{Observation: o}
	made.Hits = slices.Clone(o.Hits)
	for i := range made.Hits {
		h := &made.Hits[i]
		h.ReceivedAt, h.OccurredAt = micro(h.ReceivedAt), micro(h.OccurredAt)
		made.keys = append(made.keys, keyOf(domain.Event{Account: h.Account, Source: domain.PixelSource, ID: h.ID}))
	}
	var err error
	if made.visit, err = pack(doing, o.Visit); err != nil {
		return nil, err
	}
	for _, owed := range o.Owed {
		owed.Visit = domain.Visit{}
		body, err := pack(doing, owed)
		if err != nil {
			return nil, err
		}
		made.owed = append(made.owed, body)
	}
	return made, nil
}

// touches lists what must not be touched twice in one statement.
func (o *observeOp) touches() []any {
	things := append(touchesOf(o.Learn), o.Visit.Key())
	for _, key := range o.keys {
		things = append(things, key)
	}
	return things
}

// hasBasis says whether an op is refused under newer suppressions: all but what is an account's own.
func (o op) hasBasis() bool {
	return o.observe != nil || o.judge != nil || o.learn != nil || o.decide != nil && o.decide.Source == domain.PixelSource
}

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
		got, o := p.observed[n], p.b.ops[n].observe
		var err error
		switch {
		case r.outcome != "":
			err = r.into(&got, o)
		case r.hit > 0:
			r.intoHit(&got, int(r.hit-c.last[r.ord-1])+len(o.Hits)-1)
		default:
			got.Owed = append(got.Owed, r.number)
		}
		p.observed[n] = got
		return err
	}, append(append([]any{p.b.id, c.part, c.epoch, c.basis, c.expect, c.account, c.visitor, c.person, c.lastAt, c.body, c.last},
		c.hits.args()...), c.owed.args()...)...)
	if c.many {
		p.queue(sqlGiveBack, nil)
	}
}

// sight is a row that observe.sql answers with: what became of an observation, or, without an outcome, the
// number of one of its events or sightings.
type sight struct {
	ord                    int64
	outcome                string
	basis, revision, event int64
	body                   []byte
	hit, number            int64
	known                  bool
}

func (r *sight) scan(rows pgx.Rows) error {
	return rows.Scan(&r.ord, &r.outcome, &r.basis, &r.revision, &r.event, &r.body, &r.hit, &r.number, &r.known)
}

func (r *sight) into(out *domain.Observed, o *observeOp) error {
	out.Outcome, out.Basis = domain.Outcome(r.outcome), r.basis
	switch out.Outcome {
	case domain.Done:
		out.Visit = o.Visit
		out.Seqs = make([]int64, len(o.Hits))
	case domain.Duplicated:
		out.Known = make([]bool, len(o.Hits))
		return nil
	case domain.Stale:
		if r.revision == 0 {
			return nil
		}
		if err := unpack("observe", r.body, &out.Visit); err != nil {
			return err
		}
	default:
		return nil
	}
	out.Visit.Revision, out.Visit.EventSeq = r.revision, r.event
	return nil
}

// intoHit takes what is said of the i-th hit; the row of its observation came before.
func (r *sight) intoHit(out *domain.Observed, i int) {
	switch out.Outcome {
	case domain.Done:
		out.Seqs[i] = r.number
	case domain.Duplicated:
		out.Known[i] = r.known
	}
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
