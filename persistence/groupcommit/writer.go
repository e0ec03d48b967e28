package groupcommit

import (
	"context"
	"errors"
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
	replies sync.Pool // of chan Result[Res], each with room for one, so that answering never blocks

	mu     sync.Mutex
	queue  []entry[Op, Res]
	bytes  int // of the queue
	closed bool

	wake chan struct{} // holds one: "look at the queue"
	done chan struct{} // closed when the last batch is answered
}

type entry[Op, Res any] struct {
	op    Op
	size  int
	reply chan Result[Res]
}

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
	w.replies.New = func() any { return make(chan Result[Res], 1) }
	go w.run()
	return w, nil
}

// Do hands over an operation and waits for its result. At the queue's limit, and after Close, it
// answers Unavailable at once and nothing was written. When ctx ends first it answers Unavailable too,
// but then the operation may still be committed: the caller has to treat the outcome as unknown.
func (w *Writer[Op, Res]) Do(ctx context.Context, op Op) (Res, error) {
	var none Res
	if err := ctx.Err(); err != nil {
		return none, domain.Fail("queue for commit", domain.Unavailable, err)
	}
	reply := w.replies.Get().(chan Result[Res])
	if err := w.enqueue(op, reply); err != nil {
		w.replies.Put(reply)
		return none, err
	}
	select {
	case r := <-reply:
		w.replies.Put(reply)
		return r.Value, r.Err
	case <-ctx.Done(): // the writer will still answer into reply, so it cannot be used again
		return none, domain.Fail("wait for commit", domain.Unavailable, errors.Join(errUnknown, ctx.Err()))
	}
}

var (
	errUnknown = errors.New("gave up waiting; whether it was committed is unknown")
	errFull    = errors.New("the writer's queue is full")
	errClosed  = errors.New("the store is closed")
	errTooBig  = errors.New("larger than a whole batch may be")
)

func (w *Writer[Op, Res]) enqueue(op Op, reply chan Result[Res]) error {
	size := w.work.Size(op)
	if size > w.cfg.MaxBytes {
		w.metrics.count(w.work.Kind(op), outcomeOf(domain.Invalid))
		return domain.Fail("queue for commit", domain.Invalid, errTooBig)
	}
	w.mu.Lock()
	if w.closed || len(w.queue) >= w.cfg.QueueOps || w.bytes+size > w.cfg.QueueBytes {
		reason := errFull
		if w.closed {
			reason = errClosed
		}
		w.mu.Unlock()
		w.metrics.count(w.work.Kind(op), outcomeRefused)
		return domain.Fail("queue for commit", domain.Unavailable, reason)
	}
	w.queue = append(w.queue, entry[Op, Res]{op, size, reply})
	w.bytes += size
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
