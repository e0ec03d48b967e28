package actors

import (
	"context"
	"sync"
	"sync/atomic"
)

// Work runs what must not block a mailbox, and lets shutdown wait for it. Its callers bound it: an
// actor has at most one of each kind of work under way, and the store refuses beyond its own limit.
type Work struct {
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	running atomic.Int64
	next    chan func(context.Context) // to a goroutine that has done its work
	idle    atomic.Int64               // of these
}

// maxIdle is how many goroutines stay for more work: as many as wait for a commit at a time on a node that is busy. A new
// one grows its stack from 2 KB while it encodes or asks the store, in steps that copy it each time: a quarter of the
// processor time of encoding a visit (go test -run '^$' -bench Work ./actors). Kept, 16 KB of stack each are 8 MB.
const maxIdle = 512

// NewWork is an empty group. Its context ends with Stop.
func NewWork() *Work {
	ctx, cancel := context.WithCancel(context.Background())
	return &Work{ctx: ctx, cancel: cancel, next: make(chan func(context.Context))}
}

// Go runs f in a goroutine of its own.
func (w *Work) Go(f func(context.Context)) {
	w.running.Add(1)
	w.wg.Add(1)
	select {
	case w.next <- f:
	default:
		go w.run(f)
	}
}

// run does f, and what else comes.
func (w *Work) run(f func(context.Context)) {
	for {
		w.do(f)
		if w.idle.Add(1) > maxIdle {
			w.idle.Add(-1)
			return
		}
		select {
		case f = <-w.next:
			w.idle.Add(-1)
		case <-w.ctx.Done():
			return
		}
	}
}

func (w *Work) do(f func(context.Context)) {
	defer w.wg.Done()
	defer w.running.Add(-1)
	f(w.ctx)
}

// Running is how much is under way.
func (w *Work) Running() int64 { return w.running.Load() }

// Stop cancels what is under way and waits for it.
func (w *Work) Stop() {
	w.cancel()
	w.wg.Wait()
}

// Wait waits for what is under way, without cancelling it, or until ctx ends.
func (w *Work) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { w.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
