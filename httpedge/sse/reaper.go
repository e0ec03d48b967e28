package sse

import "sync"

// reaper detaches closed streams from their feeds and uncounts them, in a goroutine of its own. Its list
// is as long as there are streams, and PerNode bounds those.
type reaper struct {
	mu   sync.Mutex
	list []*sink
	wake chan struct{} // holds one
}

func newReaper() *reaper { return &reaper{wake: make(chan struct{}, 1)} }

func (r *reaper) add(s *sink) {
	r.mu.Lock()
	r.list = append(r.list, s)
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *reaper) takeAll() []*sink {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.list
	r.list = nil
	return all
}

// run reaps until done, and then what is left.
func (r *reaper) run(done <-chan struct{}, reap func(*sink)) {
	for ended := false; !ended; {
		select {
		case <-r.wake:
		case <-done:
			ended = true
		}
		for _, s := range r.takeAll() {
			reap(s)
		}
	}
}
