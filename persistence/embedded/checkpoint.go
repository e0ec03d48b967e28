package embedded

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// checkpointer moves the write-ahead log into the file. SQLite would let the commit that passes a
// limit do it, and a whole batch would wait for tens of milliseconds of random writes. Here it takes
// two steps:
//
//	log is long ──▶ on a connection of its own, beside the commits: what is in the log, and then what
//	                came while that took
//	            ──▶ on the writer's connection, between two batches: the little that is left
//
// The second step finds the log at rest, so the next commit begins it anew; without it a busy store's
// log would grow for ever. Nothing depends on a checkpoint but the log's length: one that fails is
// tried again later.
type checkpointer struct {
	conn    *sqlite.Conn // its own
	writer  *sqlite.Conn
	opts    Options
	metrics *metrics

	ops    int          // operations since the last one; the writer's goroutine only
	every  atomic.Int64 // operations after which the log is long; follows what was measured
	finish atomic.Bool  // the first step is done
	wake   chan int     // carries the operations since the last one
	jobs   chan job     // to be done between two batches; holds one
	done   chan struct{}
}

// pagesPerOp is how many pages an operation alone in its commit leaves in the log: the first guess.
const pagesPerOp = 8

func newCheckpointer(path string, writer *sqlite.Conn, opts Options, m *metrics) (*checkpointer, error) {
	conn, err := openConn(path, sqlite.OpenReadWrite, pragmas[:])
	if err != nil {
		return nil, err
	}
	c := &checkpointer{
		conn: conn, writer: writer, opts: opts, metrics: m,
		wake: make(chan int, 1), jobs: make(chan job, 1), done: make(chan struct{}),
	}
	c.every.Store(int64(max(1, opts.CheckpointPages/pagesPerOp)))
	go c.run()
	return c, nil
}

// note counts operations in. It never blocks.
func (c *checkpointer) note(ops int) {
	c.ops += ops
	if int64(c.ops) < c.every.Load() {
		return
	}
	select {
	case c.wake <- c.ops:
		c.ops = 0
	default: // one is under way
	}
}

// job is something that wants the writer's connection to itself.
type job struct {
	do   func() error
	done chan error // holds one
}

// idle runs do between two batches, on the writer's goroutine. nudge makes a batch, in case there is no
// traffic.
func (c *checkpointer) idle(ctx context.Context, nudge func(context.Context) error, do func() error) error {
	j := job{do, make(chan error, 1)}
	select {
	case c.jobs <- j:
	case <-ctx.Done():
		return domain.Fail("wait for the writer", domain.Unavailable, ctx.Err())
	}
	if err := nudge(ctx); err != nil {
		select {
		case <-c.jobs: // not begun: whoever comes next must not find it
			return err
		case err := <-j.done:
			return err
		}
	}
	return <-j.done
}

// between is the second step, and the place for jobs.
func (c *checkpointer) between() {
	select {
	case j := <-c.jobs:
		j.done <- j.do()
	default:
	}
	if c.finish.CompareAndSwap(true, false) {
		c.checkpoint(c.writer, partRest)
	}
}

func (c *checkpointer) run() {
	defer close(c.done)
	for ops := range c.wake {
		pages, ok := c.checkpoint(c.conn, partBulk)
		if !ok {
			continue
		}
		c.adapt(ops, pages)
		if _, ok := c.checkpoint(c.conn, partBulk); ok { // shorter, so that the rest is shorter still
			c.finish.Store(true)
		}
	}
}

// adapt learns how many operations fill the log: lone commits write whole pages for little, full
// batches share them.
func (c *checkpointer) adapt(ops, pages int) {
	if pages < 1 {
		return
	}
	next := int64(ops) * int64(c.opts.CheckpointPages) / int64(pages)
	least := int64(max(1, c.opts.CheckpointPages/pagesPerOp/8))
	c.every.Store(min(max(next, least), 64*least))
}

// checkpoint moves what no reader still needs, and answers how long the log was.
func (c *checkpointer) checkpoint(conn *sqlite.Conn, part string) (pages int, ok bool) {
	start := time.Now()
	moved := 0
	err := query(conn, `PRAGMA wal_checkpoint(PASSIVE)`, func(s *sqlite.Stmt) {
		pages, moved = s.ColumnInt(1), s.ColumnInt(2)
	})
	c.metrics.checkpointed(part, time.Since(start), pages, moved, err)
	if err != nil {
		c.opts.Log.Warn("checkpoint did not finish; the log stays longer until the next", "part", part, "error", err)
		return 0, false
	}
	return pages, true
}

// close waits for the step under way. The writer has to be at rest.
func (c *checkpointer) close() {
	close(c.wake)
	<-c.done
	_ = c.conn.Close()
}
