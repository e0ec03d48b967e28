package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Work is what a store brings.
type Work[Op, Res any] struct {
	// Commit makes a batch durable and answers each operation, in the batch's order. It is called by
	// one goroutine, one call at a time. A nil error means that every result stands. An error speaks
	// for the whole batch: Invalid promises that nothing was written, so the batch is halved and tried
	// again; any other code goes to every caller as it is. Commit does its own safe retries first. The
	// slice of operations is reused after Commit returns; the slice it returns may be reused by it.
	Commit func(ctx context.Context, ops []Op) ([]Result[Res], error)
	// Between runs between two batches, when the first is answered and the next still gathers: the
	// place for upkeep that nobody should have to wait for with an answer ready. Nil: nothing.
	Between func()
	// Size is about how many bytes the operation keeps in memory and writes.
	Size func(Op) int
	// Kind names the operation in the metrics; one of the keys of Config.Outcomes.
	Kind func(Op) string
}

// Result is the answer to one operation.
type Result[Res any] struct {
	Value Res
	// Err refuses this operation alone (fenced, not found); its neighbours stand.
	Err error
	// Outcome is for the metrics; empty: "ok", or the code of Err.
	Outcome string
}

// Writer gathers operations and commits them in batches.
type Writer[Op, Res any] struct {
	cfg     Config
	deps    Deps
	work    Work[Op, Res]
	metrics *metrics
	entries sync.Pool // of *entry[Op, Res]

	mu     sync.Mutex
	queue  []*entry[Op, Res]
	left   int // of the queue: withdrawn
	bytes  int // of the others
	closed bool
	began  time.Time     // the commit under way; zero: none is
	took   time.Duration // a commit, lately

	wake chan struct{} // holds one: "look at the queue"
	done chan struct{} // closed when the last batch is answered
}

// entry is an operation in the queue, and its way back.
type entry[Op, Res any] struct {
	ctx   context.Context // of whoever waits for it
	op    Op
	size  int
	state state
	reply chan Result[Res] // with room for one, so that answering never blocks
}

// state says whose an entry is.
type state uint8

const (
	queued    state = iota
	taken           // by a commit, which answers it
	withdrawn       // by its caller, who has its answer
)

// New starts a writer. Close ends it.
func New[Op, Res any](cfg Config, deps Deps, work Work[Op, Res]) (*Writer[Op, Res], error) {
	cfg, deps = cfg.withDefaults(), deps.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(cfg, deps.Registerer)
	if err != nil {
		return nil, err
	}
	w := &Writer[Op, Res]{
		cfg: cfg, deps: deps, work: work, metrics: m,
		wake: make(chan struct{}, 1),
		done: make(chan struct{}),
	}
	w.entries.New = func() any { return &entry[Op, Res]{reply: make(chan Result[Res], 1)} }
	go w.run()
	return w, nil
}

// Do hands over an operation and waits for its result. At the queue's limit, and after Close, it
// answers Unavailable at once and nothing was written. When ctx ends before a commit has taken the operation up, it is
// withdrawn: Unavailable, and it will not be written. When ctx ends later the answer is Unavailable too, but then the
// operation may still be committed: the caller has to treat the outcome as unknown.
func (w *Writer[Op, Res]) Do(ctx context.Context, op Op) (Res, error) {
	var none Res
	if err := ctx.Err(); err != nil {
		return none, domain.Fail("queue for commit", domain.Unavailable, err)
	}
	e := w.entries.Get().(*entry[Op, Res])
	e.ctx, e.op, e.size, e.state = ctx, op, w.work.Size(op), queued
	if err := w.enqueue(e); err != nil {
		w.release(e)
		return none, err
	}
	select {
	case r := <-e.reply:
		w.release(e)
		return r.Value, r.Err
	case <-ctx.Done():
	}
	if w.withdraw(e) {
		return none, gaveUp(ctx, errWithdrawn)
	}
	return none, gaveUp(ctx, errUnknown) // the writer will still answer into e, so it cannot be used again
}

func gaveUp(ctx context.Context, what error) error {
	why := ctx.Err()
	if why == nil {
		why = context.DeadlineExceeded
	}
	return domain.Fail("wait for commit", domain.Unavailable, errors.Join(what, why))
}

// release keeps an entry that nobody else has for the next operation.
func (w *Writer[Op, Res]) release(e *entry[Op, Res]) {
	var none Op
	e.ctx, e.op = nil, none
	w.entries.Put(e)
}

var (
	errUnknown = errors.New("gave up waiting; whether it was committed is unknown")
	// errWithdrawn stands for an operation that will never be written.
	errWithdrawn = fmt.Errorf("gave up waiting: %w", domain.ErrNotWritten)

	errFull   = fmt.Errorf("the writer's queue is full: %w", domain.ErrNotWritten)
	errClosed = fmt.Errorf("the store is closed: %w", domain.ErrNotWritten)
	errTooBig = errors.New("larger than a whole batch may be")
)

func (w *Writer[Op, Res]) enqueue(e *entry[Op, Res]) error {
	if e.size > w.cfg.MaxBytes {
		w.metrics.count(w.work.Kind(e.op), outcomeOf(domain.Invalid))
		return domain.Fail("queue for commit", domain.Invalid, errTooBig)
	}
	w.mu.Lock()
	w.makeRoom()
	if w.closed || len(w.queue) >= w.cfg.QueueOps || w.bytes+e.size > w.cfg.QueueBytes {
		reason := errFull
		if w.closed {
			reason = errClosed
		}
		w.mu.Unlock()
		w.metrics.count(w.work.Kind(e.op), outcomeRefused)
		return domain.Fail("queue for commit", domain.Unavailable, reason)
	}
	w.queue = append(w.queue, e)
	w.bytes += e.size
	w.metrics.depth(len(w.queue), w.bytes)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return nil
}

// Close refuses what comes from now on, commits what is queued, and returns when all is answered. A
// second call waits for the same.
func (w *Writer[Op, Res]) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	<-w.done
}

// run owns the commits. It ends when the writer is closed and its queue is empty.
func (w *Writer[Op, Res]) run() {
	defer close(w.done)
	defer w.metrics.unregister()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b := &batch[Op, Res]{}
	var last time.Time
	for range w.wake {
		for {
			w.gather(last)
			if !w.take(b) {
				break
			}
			last = time.Now()
			w.commit(ctx, b.ops, b.replies)
			b.clear()
			if w.work.Between != nil {
				w.work.Between()
			}
			w.ended(last)
			runtime.Gosched() // let the callers just answered bring their next operation into this batch
		}
		if w.finished() {
			return
		}
	}
}

// gather waits until the next commit may begin. The time is the machine's and not Deps.Clock's: on a clock that
// a test moves, the wait would be for the test.
func (w *Writer[Op, Res]) gather(last time.Time) {
	wait := w.cfg.Spacing - time.Since(last)
	if wait <= 0 {
		return
	}
	w.mu.Lock()
	ready := w.closed || len(w.queue) == 0 || len(w.queue) >= w.cfg.MaxOps
	w.mu.Unlock()
	if !ready {
		time.Sleep(wait)
	}
}

func (w *Writer[Op, Res]) finished() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed && len(w.queue) == 0
}
