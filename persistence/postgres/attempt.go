package postgres

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// RecordAttempt keeps a receipt and moves its delivery on: see domain.DeliveryStore.
func (s *Store) RecordAttempt(ctx context.Context, a domain.Attempted) (domain.AttemptRecorded, error) {
	made, err := newAttempt("record attempt", a)
	if err != nil {
		return domain.AttemptRecorded{}, err
	}
	r, err := s.writer.Do(ctx, op{attempt: made})
	return r.attempted, err
}

// attemptOp is a settled attempt with its JSON made.
type attemptOp struct {
	domain.Attempted
	state   int16
	endedAt time.Time
	spec    []byte // the receipt without its body
}

func newAttempt(doing string, a domain.Attempted) (*attemptOp, error) {
	if err := checkAttempt(doing, &a); err != nil {
		return nil, err
	}
	made := &attemptOp{Attempted: a, state: stateNumber(a.State), endedAt: micro(a.Receipt.EndedAt())}
	made.NextAt, made.ReleaseAt = micro(a.NextAt), micro(a.ReleaseAt)
	r := &made.Receipt
	r.ScheduledAt, r.At, r.NextAt = micro(r.ScheduledAt), micro(r.At), micro(r.NextAt)
	// They tell what a foreign server said. Whatever that was, the attempt has to be recorded.
	r.Reason, made.Disable = check.Legible(r.Reason), check.Legible(a.Disable)
	made.Announce = atMicros(a.Announce)
	bare := *r
	bare.Delivery, bare.Number, bare.Body = 0, 0, nil // columns
	var err error
	made.spec, err = pack(doing, bare)
	return made, err
}

func checkAttempt(op string, a *domain.Attempted) error {
	if err := check.Texts(op, check.Given("account", string(a.Key.Account)), check.Given("endpoint", string(a.Key.Endpoint)),
		check.Given("lead", string(a.Lead)), check.Optional("receipt.error", string(a.Receipt.Error))); err != nil {
		return err
	}
	pending, r := a.State == domain.DeliveryPending, &a.Receipt
	switch {
	case stateNumber(a.State) < 0:
		return domain.FailField(op, "state", "is unknown")
	case pending && a.NextAt.IsZero():
		return domain.FailField(op, "next_at", "a delivery that stays pending has a next attempt")
	case pending && r.Number == 0:
		return domain.FailField(op, "receipt.number", "a delivery stays pending because of an attempt")
	case a.Class >= domain.Classes:
		return domain.FailField(op, "class", "is unknown")
	case r.Number < 0 || r.Number > math.MaxInt32:
		return domain.FailField(op, "receipt.number", "is out of range")
	case r.Status < 0 || r.Status > math.MaxInt16:
		return domain.FailField(op, "receipt.status", "is out of range")
	case len(r.Body) > domain.MaxExcerpt:
		return domain.FailField(op, "receipt.body", "is too long")
	case r.At.IsZero():
		return domain.FailField(op, "receipt.at", "must be given")
	}
	return checkAnnouncements(op, a.Announce)
}

// attempt queues the attempts of a wave.
func (p *pipeline) attempt(wave []int) {
	var c attemptColumns
	for _, n := range wave {
		if a := p.b.ops[n].attempt; a != nil {
			c.add(n, a)
		}
	}
	if len(c.of) == 0 {
		return
	}
	sql, args := sqlAttempt, []any{p.b.id, c.part, c.epoch, c.account, c.endpoint, c.delivery, c.lead, c.expect, c.state, c.next, c.class, c.release,
		c.number, c.at, c.ended, c.status, c.kind, c.reason, c.fails, c.ofEndpoint, c.disable, c.spec, c.body, c.toldFrom, c.toldTo}
	if c.said.len() > 0 {
		sql, args = sqlAttemptOwing, append(append(args, c.said.args()...), c.said.owed.args()...)
	}
	p.queue(sql, func(rows pgx.Rows) error {
		var r settledRow
		if err := rows.Scan(&r.ord, &r.outcome, &r.one, &r.two, &r.behind, &r.due); err != nil {
			return fmt.Errorf("read what became of an attempt: %w", err)
		}
		row := r.ord
		if r.outcome == rowOwed {
			row = c.said.row(r.ord)
		}
		n := c.of[row-1]
		got := p.attempted[n]
		r.into(&got, p.b.ops[n].attempt, &c.said)
		p.attempted[n] = got
		return nil
	}, args...)
}

// settledRow is a row that attempt.sql answers with: what became of an attempt, the delivery that is due now, the number
// of an announcement, or a delivery that one of them owes.
type settledRow struct {
	ord      int64
	outcome  string
	one, two int64 // see statements.go
	behind   bool
	due      pgtype.Timestamptz
}

func (r *settledRow) into(out *domain.AttemptRecorded, a *attemptOp, c *announcementColumns) {
	switch r.outcome {
	case rowNext:
		out.Next = r.one
	case rowSaid:
		c.said(&out.Announced, a.Announce, r.one, r.two)
	case rowOwed:
		c.owes(&out.Announced, a.Announce, r.ord, owedRow{place: r.one, n: r.two, behind: r.behind, due: r.due})
	default:
		out.Outcome, out.Told = domain.Outcome(r.outcome), domain.Told(r.one)
	}
}

// rowNext is attempt.sql's word for the delivery that is due now.
const rowNext = "next"

// attemptColumns are attempts as the arrays that attempt.sql takes.
type attemptColumns struct {
	of                                             []int // the op of each row
	part, state, class, status                     []int16
	epoch, delivery, expect                        []int64
	number                                         []int32
	account, endpoint, lead, kind, reason, disable []string
	next, release                                  []pgtype.Timestamptz
	at, ended                                      []time.Time
	fails, ofEndpoint                              []bool
	spec, body                                     [][]byte
	toldFrom, toldTo                               []int16
	said                                           announcementColumns
}

func (c *attemptColumns) add(n int, a *attemptOp) {
	r := &a.Receipt
	c.of = append(c.of, n)
	c.part = append(c.part, int16(a.Fence.Partition))
	c.epoch = append(c.epoch, a.Fence.Epoch)
	c.account = append(c.account, string(a.Key.Account))
	c.endpoint = append(c.endpoint, string(a.Key.Endpoint))
	c.delivery = append(c.delivery, a.Delivery)
	c.lead = append(c.lead, string(a.Lead))
	c.expect = append(c.expect, a.Expect)
	c.state = append(c.state, a.state)
	c.next = append(c.next, timestamp(a.NextAt))
	c.class = append(c.class, int16(a.Class))
	c.release = append(c.release, timestamp(a.ReleaseAt))
	c.number = append(c.number, int32(r.Number))
	c.at = append(c.at, r.At)
	c.ended = append(c.ended, a.endedAt)
	c.status = append(c.status, int16(r.Status))
	c.kind = append(c.kind, string(r.Error))
	c.reason = append(c.reason, r.Reason)
	c.fails = append(c.fails, r.Error != "" && (a.State == domain.DeliveryPending || a.State == domain.DeliveryExhausted))
	c.ofEndpoint = append(c.ofEndpoint, r.Number > 0 && r.Error.OfEndpoint())
	c.disable = append(c.disable, a.Disable)
	c.spec = append(c.spec, a.spec)
	c.body = append(c.body, bytesOf(r.Body))
	c.toldFrom, c.toldTo = append(c.toldFrom, int16(a.Told.From)), append(c.toldTo, int16(a.Told.To))
	c.said.add(len(c.of), a.Announce)
}
