package sse

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Drain ends all streams so that their clients come back spread over time, and elsewhere: each at a
// random moment of the window is asked to return in 0.3 to 1.5 s and closed. New streams are refused
// from the first moment. It returns when none is left; if ctx ends before, the others are closed at once
// and the error is Unavailable.
func (s *Server) Drain(ctx context.Context, window time.Duration) error {
	empty := s.limits.drain()
	streams := s.wheel.all()
	s.deps.Log.Info("streams draining", "streams", len(streams), "window", window)
	for _, f := range farewells(streams, window, time.Now()) {
		if !wait(ctx, time.Until(f.at)) {
			break
		}
		f.to.finish(goodbye(), byDrain)
	}
	select {
	case <-empty:
		s.deps.Log.Info("streams drained")
		return nil
	case <-ctx.Done():
	}
	for _, k := range s.wheel.all() {
		k.finish(goodbye(), byDrain)
	}
	for _, k := range s.wheel.all() {
		k.end(byDrain)
	}
	return domain.Fail("drain streams", domain.Unavailable, ctx.Err())
}

type farewell struct {
	to *sink
	at time.Time
}

func farewells(streams []*sink, window time.Duration, now time.Time) []farewell {
	all := make([]farewell, len(streams))
	for i, k := range streams {
		all[i] = farewell{k, now.Add(rand.N(max(window, 1)))}
	}
	slices.SortFunc(all, func(a, b farewell) int { return a.at.Compare(b.at) })
	return all
}

// goodbye tells a client when to come back. A browser keeps to it, with no code in the page.
func goodbye() []byte {
	return append(retry(300*time.Millisecond+rand.N(1200*time.Millisecond)), lastChunk...)
}

func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Close ends all streams at once and waits for every goroutine. Streams that come later are closed.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return nil
	}
	s.stopped = true
	s.mu.Unlock()
	for _, k := range s.wheel.all() {
		k.end(byShutdown)
	}
	if s.poller != nil {
		s.poller.close()
	}
	close(s.done)
	s.tracked.Wait() // whatever could still end a stream
	s.reaping.Wait()
	s.reapRest()
	return nil
}

// reapRest reaps what ended while the reaper stopped.
func (s *Server) reapRest() {
	for _, k := range s.reaper.takeAll() {
		s.reap(k)
	}
}
