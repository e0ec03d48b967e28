package cluster

import (
	"runtime"
	"sync/atomic"
	"time"
)

// workers are the goroutines that actors take their turns on. One that has finished waits for the next
// actor that has something to do: its stack has already grown to what an actor needs, and growing it
// anew was half the price of a message. There is never an actor that waits for a worker: when none is
// free, one more is started.
type workers struct {
	ready chan *activation // without a buffer: sending succeeds when somebody waits
	stop  chan struct{}
	empty chan struct{} // holds one; the last worker has gone
	all   atomic.Int32
	idle  atomic.Int32
	spare int32 // how many may wait
}

func newWorkers() *workers {
	return &workers{
		ready: make(chan *activation), stop: make(chan struct{}), empty: make(chan struct{}, 1),
		spare: int32(max(16, 4*runtime.GOMAXPROCS(0))),
	}
}

func (w *workers) schedule(a *activation) {
	select {
	case w.ready <- a:
	default:
		w.all.Add(1)
		go w.work(a)
	}
}

func (w *workers) work(a *activation) {
	defer w.leave()
	for {
		a.run()
		if w.idle.Add(1) > w.spare {
			w.idle.Add(-1)
			return
		}
		select {
		case a = <-w.ready:
			w.idle.Add(-1)
		case <-w.stop:
			return
		}
	}
}

func (w *workers) leave() {
	if w.all.Add(-1) == 0 {
		select {
		case w.empty <- struct{}{}:
		default:
		}
	}
}

// release lets the workers go and waits for those that are at work, but not for ever: an actor that
// blocks in Receive would keep its worker.
func (w *workers) release(limit time.Duration) (left int) {
	close(w.stop)
	t := time.NewTimer(limit)
	defer t.Stop()
	for w.all.Load() > 0 {
		select {
		case <-w.empty:
		case <-t.C:
			return int(w.all.Load())
		}
	}
	return 0
}
