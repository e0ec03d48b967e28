package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// batch is what one commit takes. Its slices are reused from one commit to the next.
type batch[Op, Res any] struct {
	ops     []Op
	replies []chan Result[Res]
}

func (b *batch[Op, Res]) clear() {
	clear(b.ops) // the operations' bodies must not outlive their commit
	clear(b.replies)
	b.ops, b.replies = b.ops[:0], b.replies[:0]
}

// take moves the head of the queue into b, up to the batch's limits, and says whether there was any. Operations that nobody
// waits for any more are passed over.
func (w *Writer[Op, Res]) take(b *batch[Op, Res]) bool {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	n, size := 0, 0
	for ; n < len(w.queue) && len(b.ops) < w.cfg.MaxOps; n++ {
		e := w.queue[n]
		if e.state == withdrawn {
			w.left--
			w.release(e)
			continue
		}
		if e.over(now) {
			w.passOver(e)
			continue
		}
		if size+e.size > w.cfg.MaxBytes {
			break
		}
		size += e.size
		e.state = taken
		b.ops = append(b.ops, e.op)
		b.replies = append(b.replies, e.reply)
	}
	rest := copy(w.queue, w.queue[n:])
	clear(w.queue[rest:])
	w.queue = w.queue[:rest]
	w.bytes -= size
	w.metrics.depth(len(w.queue), w.bytes)
	if len(b.ops) == 0 {
		return false
	}
	w.began = now
	return true
}

// commit answers every operation of ops. A batch that is refused as Invalid, or in which the store
// panics, is halved until the operation at fault stands alone.
func (w *Writer[Op, Res]) commit(ctx context.Context, ops []Op, replies []chan Result[Res]) {
	results, err := w.try(ctx, ops)
	switch {
	case err == nil:
		for i, reply := range replies {
			w.answer(ops[i], reply, results[i])
		}
	case len(ops) > 1 && separable(err):
		half := len(ops) / 2
		w.commit(ctx, ops[:half], replies[:half])
		w.commit(ctx, ops[half:], replies[half:])
	default:
		for i, reply := range replies {
			w.answer(ops[i], reply, Result[Res]{Err: err})
		}
	}
}

func (w *Writer[Op, Res]) answer(op Op, reply chan Result[Res], r Result[Res]) {
	outcome := r.Outcome
	switch {
	case outcome != "":
	case r.Err != nil:
		outcome = outcomeOf(domain.CodeOf(r.Err))
	default:
		outcome = "ok"
	}
	w.metrics.count(w.work.Kind(op), outcome)
	reply <- r
}

// panicked is a commit that did not return. It may be one operation's fault, so it is separable; what
// was already written is found again by its keys.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("commit panicked: %v", p.value) }

func separable(err error) bool {
	if domain.CodeOf(err) == domain.Invalid {
		return true
	}
	_, ok := errors.AsType[panicked](err)
	return ok
}

// try calls Commit once, and turns a panic or a wrong number of results into an error.
func (w *Writer[Op, Res]) try(ctx context.Context, ops []Op) (results []Result[Res], err error) {
	start := w.deps.Clock.Now()
	defer func() {
		if v := recover(); v != nil {
			w.deps.Log.Error("a commit panicked", "writer", w.cfg.Name, "ops", len(ops), "panic", v, "stack", string(debug.Stack()))
			results, err = nil, domain.Fail("commit", domain.Internal, panicked{v})
		}
		w.metrics.committed(len(ops), w.deps.Clock.Now().Sub(start), err == nil)
	}()
	results, err = w.work.Commit(ctx, ops)
	if err == nil && len(results) != len(ops) {
		err = domain.Fail("commit", domain.Internal, fmt.Errorf("%d results for %d operations", len(results), len(ops)))
	}
	return results, err
}
