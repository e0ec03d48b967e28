package cluster

import (
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

const defaultIdleAfter = time.Minute

// sweeper finds activations that nobody has spoken to for a while, without a timer per activation: it
// walks the partitions, a few per tick, and asks what looks idle to say on its own turn whether it is.
//
// The shortest IdleAfter of all kinds sets the pace: 32 ticks make a round, four rounds make an
// IdleAfter. With the default minute that is a tick every 469ms over 8 partitions. The same tick keeps
// the time that the router writes on activations, so no message costs a reading of the clock, and
// "idle" is wrong by one tick at most.
type sweeper struct {
	r      *router
	clock  domain.Clock
	period time.Duration

	mu     sync.Mutex
	timer  domain.Timer
	next   int
	closed bool
	active sync.WaitGroup
}

const (
	ticksPerRound = 32
	partsPerTick  = domain.Partitions / ticksPerRound
	roundsPerIdle = 4
)

func newSweeper(r *router, clock domain.Clock) *sweeper {
	shortest := time.Duration(0)
	for _, k := range r.byName {
		if k.IdleAfter > 0 && (shortest == 0 || k.IdleAfter < shortest) {
			shortest = k.IdleAfter
		}
	}
	if shortest == 0 {
		shortest = defaultIdleAfter
	}
	r.clock.Store(clock.Now().UnixNano())
	return &sweeper{r: r, clock: clock, period: max(shortest/(ticksPerRound*roundsPerIdle), time.Millisecond)}
}

func (s *sweeper) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arm()
}

// arm is called with the lock.
func (s *sweeper) arm() {
	if !s.closed {
		s.timer = s.clock.AfterFunc(s.period, s.tick)
	}
}

func (s *sweeper) tick() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.active.Add(1)
	from := s.next
	s.next = (s.next + partsPerTick) % domain.Partitions
	s.arm()
	s.mu.Unlock()
	defer s.active.Done()
	now := s.clock.Now()
	s.r.clock.Store(now.UnixNano())
	for i := from; i < from+partsPerTick; i++ {
		s.r.sweep(&s.r.parts[i], now)
	}
}

func (s *sweeper) close() {
	s.mu.Lock()
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	s.active.Wait()
}

// sweep asks the idle activations of one partition to leave. They decide on their own turn.
func (r *router) sweep(p *partition, now time.Time) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.state != held {
		return
	}
	for _, a := range p.live {
		if a.kind.IdleAfter < 0 {
			continue
		}
		if last, quiet := a.idleSince(); quiet && now.UnixNano()-last >= int64(a.kind.IdleAfter) {
			a.postDirect(idleCheck{})
		}
	}
	r.m.swept.Inc()
}
