package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
)

// observationColumns are observations as the arrays that observe.sql takes. Their hits and sightings are rows of
// their own, which say whose they are.
type observationColumns struct {
	of                       []int // the op of each row
	many                     bool  // one has several hits
	part                     []int16
	epoch, basis, expect     []int64
	account, visitor, person []string
	lastAt                   []time.Time
	body                     [][]byte
	last                     []int64 // the last row of its hits, from 1; 0: it has none
	hits                     hitColumns
	owed                     owedColumns
}

func (c *observationColumns) add(n int, o *observeOp) {
	c.of = append(c.of, n)
	c.many = c.many || len(o.Hits) > 1
	c.part = append(c.part, int16(o.Fence.Partition))
	c.epoch = append(c.epoch, o.Fence.Epoch)
	c.basis = append(c.basis, o.Basis)
	c.expect = append(c.expect, o.Expect)
	c.account = append(c.account, string(o.Visit.Account))
	c.visitor = append(c.visitor, string(o.Visit.Visitor))
	c.person = append(c.person, string(o.Visit.Person))
	c.lastAt = append(c.lastAt, o.Visit.LastAt)
	c.body = append(c.body, o.visit)
	first, ord := len(c.hits.of), int64(len(c.of))
	for i := range o.Hits {
		c.hits.add(ord, o.keys[i], &o.Hits[i])
	}
	last := int64(0)
	if len(o.Hits) > 0 {
		last = int64(len(c.hits.of))
	}
	c.last = append(c.last, last)
	for i := range o.Owed {
		hit := int64(o.HitOf(o.Owed[i].EventID) + 1)
		if hit > 0 {
			hit += int64(first)
		}
		c.owed.add(ord, hit, o, i)
	}
}

type hitColumns struct {
	of                           []int64 // the row of its observation, from 1
	key                          [][16]byte
	account, eventID, kind, lane []string
	body                         [][]byte
	occurred                     []pgtype.Timestamptz
	received                     []time.Time
}

func (c *hitColumns) add(of int64, key eventKey, h *domain.Hit) {
	c.of = append(c.of, of)
	c.key = append(c.key, key)
	c.account = append(c.account, string(h.Account))
	c.eventID = append(c.eventID, string(h.ID))
	c.kind = append(c.kind, string(h.Type))
	c.lane = append(c.lane, string(domain.LeadOfVisitor(h.Visitor)))
	c.body = append(c.body, bytesOf(h.Body))
	c.occurred = append(c.occurred, timestamp(h.OccurredAt))
	c.received = append(c.received, h.ReceivedAt)
}

func (c *hitColumns) args() []any {
	return []any{c.of, c.key, c.account, c.eventID, c.kind, c.lane, c.body, c.occurred, c.received}
}

// owedColumns bring their visit along, though it is in the observation: to look for it there, the statement would
// have to join rows of the batch.
type owedColumns struct {
	of, hit, revision      []int64 // hit: the row of its own, from 1; 0: none of these
	part                   []int16
	account, visitor, lead []string
	due                    []time.Time
	visit, body            [][]byte
}

func (c *owedColumns) add(of, hit int64, o *observeOp, i int) {
	s := &o.Owed[i]
	c.of = append(c.of, of)
	c.hit = append(c.hit, hit)
	c.revision = append(c.revision, o.Expect+1)
	c.part = append(c.part, int16(s.Partition))
	c.account = append(c.account, string(o.Visit.Account))
	c.visitor = append(c.visitor, string(o.Visit.Visitor))
	c.lead = append(c.lead, string(s.Lead))
	c.due = append(c.due, s.DueAt)
	c.visit = append(c.visit, o.visit)
	c.body = append(c.body, o.owed[i])
}

func (c *owedColumns) args() []any {
	return []any{c.of, c.hit, c.revision, c.part, c.account, c.visitor, c.lead, c.due, c.visit, c.body}
}
