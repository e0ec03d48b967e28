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
}

// NewWork is an empty group. Its context ends with Stop.
func NewWork() *Work {
	ctx, cancel := context.WithCancel(context.Background())
	return &Work{ctx: ctx, cancel: cancel}
}

// Go runs f in a goroutine of its own.
func (w *Work) Go(f func(context.Context)) {
	w.running.Add(1)
	w.wg.Go(func() {
		defer w.running.Add(-1)
		f(w.ctx)
	})
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
