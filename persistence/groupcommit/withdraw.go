package groupcommit

import "time"

// outcomeWithdrawn is an operation that was not written because nobody waited for it any more.
const outcomeWithdrawn = "withdrawn"

// withdraw takes an operation back, unless a commit has taken it up. Its place in the queue comes free with the next batch,
// or when there is no other: until then it is remembered by size and number, and its body is let go of.
func (w *Writer[Op, Res]) withdraw(e *entry[Op, Res]) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.state != queued {
		return false
	}
	w.metrics.count(w.work.Kind(e.op), outcomeWithdrawn)
	var none Op
	e.state, e.op = withdrawn, none
	w.left++
	w.bytes -= e.size
	w.metrics.depth(len(w.queue), w.bytes)
	return true
}

// makeRoom takes what was withdrawn out of a queue that is full, once it is a 64th of it: so a commit that hangs does not keep the
// places of those who have left, and whoever finds the queue full pays for looking through 64 of it on average.
func (w *Writer[Op, Res]) makeRoom() {
	if len(w.queue) < w.cfg.QueueOps || w.left < max(1, w.cfg.QueueOps/64) {
		return
	}
	kept := w.queue[:0]
	for _, e := range w.queue {
		if e.state == withdrawn {
			w.release(e)
		} else {
			kept = append(kept, e)
		}
	}
	clear(w.queue[len(kept):])
	w.queue, w.left = kept, 0
	w.metrics.depth(len(w.queue), w.bytes)
}

// over says whether whoever waits for an operation has gone by now. The deadline is looked at because a process that is short
// of processors ends contexts late, and would write meanwhile what nobody reads.
func (e *entry[Op, Res]) over(now time.Time) bool {
	if e.ctx.Err() != nil {
		return true
	}
	deadline, ok := e.ctx.Deadline()
	return ok && !now.Before(deadline)
}

// passOver answers an operation whose caller has gone and may not have noticed yet.
func (w *Writer[Op, Res]) passOver(e *entry[Op, Res]) {
	w.metrics.count(w.work.Kind(e.op), outcomeWithdrawn)
	w.bytes -= e.size
	e.state = taken
	e.reply <- Result[Res]{Err: gaveUp(e.ctx, errWithdrawn)}
}

// Wait is about how long an operation would wait that was handed over now: what the commit under way has taken so far, and
// for all that wait as many commits as they need, each as long as the last ones took, with what was done
// between them. It is 0 when nothing waits and none is under way. The time is the machine's, as in gather.
func (w *Writer[Op, Res]) Wait() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	commits := max(ceil(len(w.queue)-w.left, w.cfg.MaxOps), ceil(w.bytes, w.cfg.MaxBytes))
	wait := time.Duration(commits) * w.took
	if !w.began.IsZero() {
		wait += time.Since(w.began)
	}
	return wait
}

// ended notes that a commit which began then is over.
func (w *Writer[Op, Res]) ended(began time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = time.Time{}
	w.took = (w.took + time.Since(began)) / 2 // one that is slow by chance is forgotten within a few
}

func ceil(n, by int) int { return (n + by - 1) / by }
