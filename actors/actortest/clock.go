package actortest

import (
	"slices"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Clock stands still until a test moves it.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer
	run    sync.WaitGroup
}

type timer struct {
	clock *Clock
	at    time.Time
	f     func()
}

// NewClock starts at now.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now is the time the test has set.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc runs f when the clock has been moved past d from now.
func (c *Clock) AfterFunc(d time.Duration, f func()) domain.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{c, c.now.Add(d), f}
	c.timers = append(c.timers, t)
	return t
}

// Stop keeps a timer from firing.
func (t *timer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	i := slices.Index(t.clock.timers, t)
	if i < 0 {
		return false
	}
	t.clock.timers = slices.Delete(t.clock.timers, i, i+1)
	return true
}

// step moves to the next timer that is due by until, and runs it; false when there is none, with the
// clock at until.
func (c *Clock) step(until time.Time) bool {
	c.mu.Lock()
	var next *timer
	for _, t := range c.timers {
		if !t.at.After(until) && (next == nil || t.at.Before(next.at)) {
			next = t
		}
	}
	if next == nil {
		c.now = until
		c.mu.Unlock()
		return false
	}
	c.timers = slices.DeleteFunc(c.timers, func(t *timer) bool { return t == next })
	if next.at.After(c.now) {
		c.now = next.at
	}
	c.mu.Unlock()
	c.run.Go(next.f)
	c.run.Wait()
	return true
}

// Tick moves the clock and runs what comes due, without waiting for quiet: for a node that cannot
// become quiet before time passes.
func (c *Clock) Tick(d time.Duration) {
	for until := c.Now().Add(d); c.step(until); {
	}
}

// leap moves the clock past the timers between, which are all run late.
func (c *Clock) leap(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	until := c.now
	c.mu.Unlock()
	c.step(until)
}
