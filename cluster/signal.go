package cluster

import (
	"context"
	"sync"
)

// signal is a condition that others can wait for.
type signal struct {
	mu sync.Mutex
	on bool
	ch chan struct{}
}

func (s *signal) set(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = on
	if on && s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

func (s *signal) is() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on
}

// wait returns once the condition has been seen to hold.
func (s *signal) wait(ctx context.Context) error {
	s.mu.Lock()
	if s.on {
		s.mu.Unlock()
		return nil
	}
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	ch := s.ch
	s.mu.Unlock()
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
