package cluster

import (
	"sync"

	"github.com/leadwire/leadwire/actors/domain"
)

// herald tells the node's owner what happened, from one goroutine, merging what piles up while a
// callback runs.
type herald struct {
	onHeld   func([]domain.Fence)
	onChange func()

	mu     sync.Mutex
	fences []domain.Fence
	change bool
	dirty  chan struct{} // holds one
	stop   chan struct{}
	done   chan struct{}
}

func newHerald(deps Deps) *herald {
	return &herald{
		onHeld: deps.OnHeld, onChange: deps.OnChange,
		dirty: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
}

func (h *herald) held(fences []domain.Fence) {
	h.mu.Lock()
	h.fences = append(h.fences, fences...)
	h.change = true
	h.mu.Unlock()
	h.poke()
}

func (h *herald) changed() {
	h.mu.Lock()
	h.change = true
	h.mu.Unlock()
	h.poke()
}

func (h *herald) poke() {
	select {
	case h.dirty <- struct{}{}:
	default:
	}
}

func (h *herald) run() {
	defer close(h.done)
	for {
		select {
		case <-h.stop:
			return
		case <-h.dirty:
			h.tell()
		}
	}
}

func (h *herald) tell() {
	h.mu.Lock()
	fences, change := h.fences, h.change
	h.fences, h.change = nil, false
	h.mu.Unlock()
	if len(fences) > 0 && h.onHeld != nil {
		h.onHeld(fences)
	}
	if change && h.onChange != nil {
		h.onChange()
	}
}

// close waits for a callback that runs, and tells nothing more.
func (h *herald) close() {
	close(h.stop)
	<-h.done
}
