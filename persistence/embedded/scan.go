package embedded

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// nanos is how a time stands in the file; 0 is "none".
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// columns reads a row from left to right, so that a list of columns and its reader stay in step.
type columns struct {
	stmt *sqlite.Stmt
	next int
}

func (c *columns) int() int64 {
	c.next++
	return c.stmt.ColumnInt64(c.next - 1)
}

func (c *columns) text() string {
	c.next++
	return c.stmt.ColumnText(c.next - 1)
}

func (c *columns) bool() bool { return c.int() != 0 }

func (c *columns) time() time.Time { return fromNanos(c.int()) }

// bytes copies a blob; nil when it is empty.
func (c *columns) bytes() []byte {
	i := c.next
	c.next++
	n := c.stmt.ColumnLen(i)
	if n == 0 {
		return nil
	}
	b := make([]byte, n)
	return b[:c.stmt.ColumnBytes(i, b)]
}

// bind writes parameters from left to right.
type bind struct {
	stmt *sqlite.Stmt
	last int
}

func (b *bind) int(v int64) *bind {
	b.last++
	b.stmt.BindInt64(b.last, v)
	return b
}

func (b *bind) text(v string) *bind {
	b.last++
	b.stmt.BindText(b.last, v)
	return b
}

func (b *bind) bytes(v []byte) *bind {
	b.last++
	b.stmt.BindBytes(b.last, v)
	return b
}

func (b *bind) null() *bind {
	b.last++
	b.stmt.BindNull(b.last)
	return b
}

func (b *bind) bool(v bool) *bind {
	if v {
		return b.int(1)
	}
	return b.int(0)
}

func (b *bind) time(t time.Time) *bind { return b.int(nanos(t)) }

func (b *bind) run() error { return run(b.stmt) }

// leadRow is a lead with its place in the file; n is 0 when there is none.
type leadRow struct {
	n    int64
	lead domain.Lead
}

func scanLead(s *sqlite.Stmt) leadRow {
	c := columns{stmt: s}
	r := leadRow{n: c.int()}
	r.lead = domain.Lead{
		Account: domain.AccountID(c.text()), ID: domain.LeadID(c.text()), Revision: c.int(),
		Buyer: domain.BuyerID(c.text()), AssignSeq: seqOf(c.int()), LastSeq: domain.Seq(c.int()), HeldSeq: c.int(),
		EventSeq: c.int(),
		Campaign: domain.CampaignID(c.text()), Source: domain.SourceID(c.text()),
		ReceivedAt: c.time(), AssignedAt: c.time(), UpdatedAt: c.time(), Contact: c.bytes(),
	}
	r.lead.State = domain.Waiting
	if r.lead.Buyer != "" {
		r.lead.State = domain.Assigned
	}
	return r
}
