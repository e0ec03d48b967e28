package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
)

// Judge settles sightings of one lead: see domain.Judgement.
func (s *Store) Judge(ctx context.Context, j domain.Judgement) (domain.Judged, error) {
	op, err := newJudgement("judge", j)
	if err != nil {
		return domain.Judged{}, err
	}
	r, err := s.writer.Do(ctx, opOfJudgement(op))
	return r.judged, err
}

// judgeOp is a judgement with its JSON made.
type judgeOp struct {
	domain.Judgement
	after []byte
	enter []byte // the event that is to be decided; nil: none
}

func opOfJudgement(j *judgeOp) op { return op{judge: j} }

func newJudgement(doing string, j domain.Judgement) (*judgeOp, error) {
	if err := checkJudgement(doing, &j); err != nil {
		return nil, err
	}
	made := &judgeOp{Judgement: j}
	made.Announce = atMicros(j.Announce)
	var err error
	if made.after, err = pack(doing, j.After); err != nil {
		return nil, err
	}
	if j.Enter != nil {
		e := j.Enter.Event
		e.Body, e.ReceivedAt, e.OccurredAt = nil, micro(e.ReceivedAt), micro(e.OccurredAt)
		if made.enter, err = pack(doing, e); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// touches lists what must not be touched twice in one statement.
func (j *judgeOp) touches() []any {
	things := []any{acquaintanceKey(j.Lead)}
	for _, n := range j.Settle {
		things = append(things, sightingKey(n))
	}
	if j.Enter != nil {
		things = append(things, pendingKey(j.Enter.Seq))
	}
	return things
}

// judge queues the judgements of a wave.
func (p *pipeline) judge(wave []int) {
	var c judgementColumns
	for _, n := range wave {
		if j := p.b.ops[n].judge; j != nil {
			c.add(n, j)
		}
	}
	if len(c.of) == 0 {
		return
	}
	sql, args := sqlJudge, append([]any{p.b.id, c.part, c.epoch, c.basis, c.expect, c.account, c.lead, c.lastAt, c.after, c.unmet, c.settle,
		c.enterSeq, c.enterAt, c.enter}, c.said.args()...)
	if c.said.owed.len() > 0 {
		sql, args = sqlJudgeOwing, append(args, c.said.owed.args()...)
	}
	p.queue(sql, func(rows pgx.Rows) error {
		var r verdictRow
		if err := r.scan(rows); err != nil {
			return fmt.Errorf("read judgement: %w", err)
		}
		row := r.ord
		if r.outcome == rowOwed {
			row = c.said.row(r.ord)
		}
		n := c.of[row-1]
		got, j := p.judged[n], p.b.ops[n].judge
		err := r.into(&got, j, &c.said)
		p.judged[n] = got
		return err
	}, args...)
}

// judgementColumns are judgements as the arrays that judge.sql takes.
type judgementColumns struct {
	of                   []int // the op of each row
	part                 []int16
	epoch, basis, expect []int64
	account, lead        []string
	lastAt               []time.Time
	after                [][]byte
	unmet                []bool
	settle               []string // each an array: of arrays of many lengths there is no array
	enterSeq             []pgtype.Int8
	enterAt              []pgtype.Timestamptz
	enter                [][]byte
	said                 announcementColumns
}

func (c *judgementColumns) add(n int, j *judgeOp) {
	c.of = append(c.of, n)
	c.part = append(c.part, int16(j.Fence.Partition))
	c.epoch = append(c.epoch, j.Fence.Epoch)
	c.basis = append(c.basis, j.Basis)
	c.expect = append(c.expect, j.Expect)
	c.account = append(c.account, string(j.Lead.Account))
	c.lead = append(c.lead, string(j.Lead.Lead))
	c.lastAt = append(c.lastAt, j.After.LastAt)
	c.after = append(c.after, j.after)
	c.unmet = append(c.unmet, j.Unmet)
	settle := []byte{'{'}
	for i, s := range j.Settle {
		if i > 0 {
			settle = append(settle, ',')
		}
		settle = strconv.AppendInt(settle, s, 10)
	}
	c.settle = append(c.settle, string(append(settle, '}')))
	var seq pgtype.Int8
	var at pgtype.Timestamptz
	if j.Enter != nil {
		seq = pgtype.Int8{Int64: j.Enter.Seq, Valid: true}
		at = pgtype.Timestamptz{Time: j.Enter.Event.ReceivedAt, Valid: true}
	}
	c.enterSeq, c.enterAt, c.enter = append(c.enterSeq, seq), append(c.enterAt, at), append(c.enter, j.enter)
	c.said.add(len(c.of), j.Announce)
}

// verdictRow is a row that judge.sql answers with: what became of a judgement, the number of one of its
// announcements, or a delivery that one of them owes.
type verdictRow struct {
	ord             int64
	outcome         string
	basis, revision int64
	body            []byte
	nth, seq        int64
	due             pgtype.Timestamptz
}

func (r *verdictRow) scan(rows pgx.Rows) error {
	return rows.Scan(&r.ord, &r.outcome, &r.basis, &r.revision, &r.body, &r.nth, &r.seq, &r.due)
}

func (r *verdictRow) into(out *domain.Judged, j *judgeOp, c *announcementColumns) error {
	switch r.outcome {
	case rowSaid:
		c.said(&out.Announced, j.Announce, r.nth, r.seq)
		return nil
	case rowOwed: // see statements.go for its columns
		c.owes(&out.Announced, j.Announce, r.ord, owedRow{place: r.nth, n: r.seq, behind: r.basis > 0, due: r.due})
		return nil
	}
	out.Outcome, out.Basis = domain.Outcome(r.outcome), r.basis
	switch out.Outcome {
	case domain.Done:
		if j.Unmet {
			return nil
		}
		out.Acquaintance = j.After
	case domain.Stale:
		if r.revision == 0 {
			return nil
		}
		if err := unpack("judge", r.body, &out.Acquaintance); err != nil {
			return err
		}
	default:
		return nil
	}
	out.Acquaintance.Revision = r.revision
	return nil
}
