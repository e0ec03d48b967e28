package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
)

// Decide settles a pending event: see domain.Store.
func (s *Store) Decide(ctx context.Context, d domain.Decision) (domain.Decided, error) {
	const doing = "decide"
	if err := checkDecision(doing, &d); err != nil {
		return domain.Decided{}, err
	}
	d.ReceivedAt, d.At, d.Announce = micro(d.ReceivedAt), micro(d.At), atMicros(d.Announce)
	r, err := s.writer.Do(ctx, op{decide: &d})
	if err == nil && r.decided.Event.Seq > 0 {
		r.decided.Event.CommittedAt = s.opts.Clock.Now()
	}
	return r.decided, err
}

// decide queues the decisions of a wave.
func (p *pipeline) decide(wave []int) {
	var c decisionColumns
	for _, n := range wave {
		if d := p.b.ops[n].decide; d != nil && !p.repeats[n] {
			c.add(n, d)
			c.cameWith(p.b.ops[n].receive)
		}
	}
	if len(c.of) == 0 {
		return
	}
	sql, args := sqlDecide, []any{p.b.id, c.part, c.epoch, c.eventSeq, c.verb, c.account, c.lead, c.expect, c.source, c.eventID, c.campaign, c.contact,
		c.buyer, c.cap, c.day, c.trace, c.received, c.at, c.eventKey, c.basis}
	if c.said.len() > 0 {
		sql, args = sqlDecideAnnouncing, append(args, c.said.args()...)
	}
	if c.said.owed.len() > 0 {
		sql, args = sqlDecideOwing, append(args, c.said.owed.args()...)
	}
	p.queue(sql, func(rows pgx.Rows) error {
		var r ruling
		if err := r.scan(rows); err != nil {
			return fmt.Errorf("read ruling: %w", err)
		}
		if r.outcome == rowSaid || r.outcome == rowOwed {
			p.announcedByDecision(&c, &r)
			return nil
		}
		n := c.of[r.ord-1]
		switch {
		case r.outcome != outcomeNoFeed:
		case p.b.ops[n].admits(): // its event is kept: it is decided alone, once the buyer has a row
			p.strangers = append(p.strangers, n)
			return nil
		default:
			p.noFeed = append(p.noFeed, n)
			return nil
		}
		got := r.decided(p.b.ops[n].decide)
		got.Announced = p.decided[n].Announced
		p.decided[n] = got
		return nil
	}, args...)
}

// The words that mark other rows than outcomes: the number of an announcement, and a delivery that it owes.
const (
	rowSaid = "said"
	rowOwed = "owed"
)

// announcedByDecision takes such a row: see statements.go for its columns.
func (p *pipeline) announcedByDecision(c *decisionColumns, r *ruling) {
	nth := r.ord // of a delivery; an announcement's row says whose it is first
	if r.outcome == rowSaid {
		nth = r.feedSeq
	}
	n := c.of[c.said.row(nth)-1]
	got, all := p.decided[n], p.b.ops[n].decide.Announce
	if r.outcome == rowSaid {
		c.said.said(&got.Announced, all, nth, r.count)
	} else {
		c.said.owes(&got.Announced, all, nth, owedRow{place: r.feedSeq, n: r.count, behind: r.revision > 0, due: r.receivedAt})
	}
	p.decided[n] = got
}

// outcomeNoFeed is decide.sql's word for a buyer without a row in feeds: nothing was written.
const outcomeNoFeed = "no_feed"

var errNoFeed = errors.New("the buyer's feed row does not stay")

// decisionColumns are decisions as the arrays that decide.sql takes.
type decisionColumns struct {
	of                                                         []int // the op of each row
	part                                                       []int16
	epoch, eventSeq, expect, cap                               []int64
	verb, account, lead, source, eventID, campaign, buyer, day []string
	contact, trace                                             [][]byte
	received, at                                               []time.Time
	eventKey                                                   []pgtype.UUID // of an event that comes with its decision
	basis                                                      []pgtype.Int8 // of those that have one
	said                                                       announcementColumns
}

func (c *decisionColumns) add(n int, d *domain.Decision) {
	c.of = append(c.of, n)
	c.part = append(c.part, int16(d.Fence.Partition))
	c.epoch = append(c.epoch, d.Fence.Epoch)
	c.eventSeq = append(c.eventSeq, d.EventSeq)
	c.verb = append(c.verb, string(d.Verb))
	c.account = append(c.account, string(d.Lead.Account))
	c.lead = append(c.lead, string(d.Lead.Lead))
	c.expect = append(c.expect, d.Expect)
	c.source = append(c.source, string(d.Source))
	c.eventID = append(c.eventID, string(d.EventID))
	c.campaign = append(c.campaign, string(d.Campaign))
	c.contact = append(c.contact, bytesOf(d.Contact))
	c.buyer = append(c.buyer, string(d.Buyer))
	c.cap = append(c.cap, int64(d.Cap))
	c.day = append(c.day, d.Day)
	c.trace = append(c.trace, bytesOf(d.Trace))
	c.received = append(c.received, d.ReceivedAt)
	c.at = append(c.at, d.At)
	c.basis = append(c.basis, pgtype.Int8{Int64: d.Basis, Valid: d.Source == domain.PixelSource})
	c.said.add(len(c.of), d.Announce)
}

// cameWith notes the event that came with the decision added last; nil when it has been waiting.
func (c *decisionColumns) cameWith(r *receiveOp) {
	var key pgtype.UUID
	if r != nil {
		key = pgtype.UUID{Bytes: r.key, Valid: true}
	}
	c.eventKey = append(c.eventKey, key)
}

// ruling is a row that decide.sql answers with.
type ruling struct {
	ord                                   int64
	outcome                               string
	feedSeq, count                        int64
	day                                   string
	revision                              int64
	state, campaign, buyer, source        string
	contact                               []byte
	heldSeq, eventSeq, assignSeq, lastSeq int64
	receivedAt, assignedAt, formerUpdated pgtype.Timestamptz
}

func (r *ruling) scan(rows pgx.Rows) error {
	return rows.Scan(&r.ord, &r.outcome, &r.feedSeq, &r.count, &r.day, &r.revision, &r.state, &r.campaign, &r.buyer,
		&r.contact, &r.source, &r.heldSeq, &r.eventSeq, &r.assignSeq, &r.lastSeq, &r.receivedAt, &r.assignedAt, &r.formerUpdated)
}

func (r *ruling) decided(d *domain.Decision) domain.Decided {
	out := domain.Decided{Outcome: domain.Outcome(r.outcome)}
	switch out.Outcome {
	case domain.CapReached:
		out.Count, out.Day = int(r.count), r.day
	case domain.Stale:
		if r.revision > 0 {
			out.Lead = r.lead(d, r.contact, instant(r.formerUpdated))
		}
	case domain.Done:
		if d.Verb != domain.Ignore {
			out.Lead = r.lead(d, d.Contact, d.At)
		}
		if r.feedSeq > 0 {
			out.Event = announcement(d, out.Lead, domain.Seq(r.feedSeq))
		}
		if d.Verb == domain.Assign {
			out.Count, out.Day = int(r.count), r.day
		}
	}
	return out
}

func (r *ruling) lead(d *domain.Decision, contact json.RawMessage, updated time.Time) domain.Lead {
	return domain.Lead{
		Account: d.Lead.Account, ID: d.Lead.Lead, State: domain.LeadState(r.state), Revision: r.revision,
		Campaign: domain.CampaignID(r.campaign), Buyer: domain.BuyerID(r.buyer), Contact: contact,
		Source: domain.SourceID(r.source), HeldSeq: r.heldSeq, EventSeq: r.eventSeq, AssignSeq: domain.Seq(r.assignSeq), LastSeq: domain.Seq(r.lastSeq),
		ReceivedAt: instant(r.receivedAt), AssignedAt: instant(r.assignedAt), UpdatedAt: updated,
	}
}

// announcement is the feed event of a decision that was done.
func announcement(d *domain.Decision, lead domain.Lead, seq domain.Seq) domain.FeedEvent {
	kind := domain.LeadUpdated
	if d.Verb == domain.Assign {
		kind = domain.LeadAssigned
	}
	return domain.FeedEvent{
		Account: lead.Account, Buyer: lead.Buyer, Seq: seq, Type: kind, Lead: lead.ID, Campaign: lead.Campaign,
		Source: d.Source, EventID: d.EventID, Contact: d.Contact, ReceivedAt: d.ReceivedAt, DecidedAt: d.At,
	}
}
