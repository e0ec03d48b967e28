package cluster

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/actors/domain"
)

// state is where a partition stands on this node.
//
//	Foreign ──proposed to us──▶ Claiming ──granted──▶ Held ──moved, fenced or stopping──▶ Draining
//	   ▲                            │                                                       │
//	   └───────proposed elsewhere───┴────────────────◀──────────────empty───────────────────┘
//
// A Held partition that is to move is marked as moving first, and works on until nothing is under way in it.
type state uint8

const (
	foreign  state = iota // another node's
	claiming              // ours, says membership; the ledger has not said so yet
	held                  // ours; the only state in which anything is activated
	draining              // no longer ours; what is alive is stopping
	states                // how many there are
)

func (s state) String() string {
	return [states]string{"foreign", "claiming", "held", "draining"}[s]
}

// partition is one of the 256 and the activations in it. Its lock orders what concerns the whole
// partition: posting takes it for reading, activating and letting go for writing. No code of an
// actor ever runs under it.
type partition struct {
	mu    sync.RWMutex
	n     domain.Partition
	state state
	fence domain.Fence
	term  int64 // of the lease that it is held under
	live  map[key]*activation

	// Messages posted to its activations and handled by them, ever.
	posted  atomic.Int64
	handled atomic.Int64

	moving atomic.Bool            // it is to go, and stays held until what hands over has settled
	detour atomic.Pointer[member] // who holds it while we are claiming it; nil: nobody is known to

	props []*actor.Props // by kind; made when the kind is first activated here
	next  *activation    // the mailbox that the runtime is about to ask for

	// For the keeper.
	since   time.Time // when Held or Draining began
	leaves  time.Time // when moving began
	hard    bool      // Draining has stopped waiting for what is busy
	taken   bool      // the ledger names another holder: there is nothing to give back
	fenced  int       // times in a row that it was lost soon after it was held
	claimAt time.Time // not before then: another node wants it as well
}

type key struct{ kind, id string }

// hold makes a granted partition Held, if it still waits for that.
func (p *partition) hold(f domain.Fence, term int64, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != claiming {
		return false
	}
	p.state, p.fence, p.term, p.since = held, f, term, now
	p.moving.Store(false)
	p.taken = false
	p.detour.Store(nil)
	return true
}

// prepare tells what hands over that the partition is to go, if it is still held.
func (p *partition) prepare(now time.Time) bool {
	p.mu.Lock()
	is := p.state == held
	if is {
		p.leaves = now
		p.moving.Store(true)
	}
	p.mu.Unlock()
	if is {
		p.tellSettlers(&Moving{})
	}
	return is
}

// stay takes prepare back, if it is still held.
func (p *partition) stay() bool {
	p.moving.Store(false)
	p.tellSettlers(&Staying{})
	return p.isHeld()
}

func (p *partition) tellSettlers(msg any) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, a := range p.live {
		if a.kind.HandsOver {
			a.settled.Store(false)
			a.postDirect(msg)
		}
	}
}

// settled says whether nothing that hands over has anything under way.
func (p *partition) settled() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, a := range p.live {
		if a.kind.HandsOver && !a.settled.Load() {
			return false
		}
	}
	return true
}

// leave turns Held into Draining. A fenced partition's activations stop before their next message;
// those of a moved one finish what is queued.
func (p *partition) leave(fenced bool, now time.Time) bool {
	p.mu.Lock()
	if p.state != held {
		p.mu.Unlock()
		return false
	}
	p.drainLocked(fenced, now)
	return true
}

// abandon drops the partition if it is still held by the grant that was refused.
func (p *partition) abandon(f domain.Fence, now time.Time) bool {
	p.mu.Lock()
	if p.state != held || p.fence != f {
		p.mu.Unlock()
		return false
	}
	p.taken = true
	p.drainLocked(true, now)
	return true
}

// drainLocked is called with the lock and gives it back.
func (p *partition) drainLocked(fenced bool, now time.Time) {
	if fenced && now.Sub(p.since) > contendedFor {
		p.fenced = 0
	}
	if fenced {
		p.fenced++
		p.claimAt = now.Add(contention(p.fenced))
	}
	p.state, p.since, p.hard = draining, now, fenced
	p.moving.Store(false)
	activations := p.activations()
	p.mu.Unlock()
	for _, a := range activations {
		if fenced {
			a.halt()
		} else {
			a.postDirect(leave{})
		}
	}
}

// empty turns a Draining partition that has nothing alive into a Foreign one. What is still alive
// after the grace is stopped, and after the limit cut off: it cannot commit any more.
func (p *partition) empty(now time.Time, grace, limit time.Duration) (done bool, cut int) {
	p.mu.Lock()
	if p.state != draining {
		p.mu.Unlock()
		return false, 0
	}
	age := now.Sub(p.since)
	var halt, lost []*activation
	switch {
	case len(p.live) == 0:
	case age >= limit:
		lost = p.activations()
		clear(p.live)
	case age >= grace && !p.hard:
		p.hard = true
		halt = p.activations()
	}
	if done = len(p.live) == 0; done {
		p.state = foreign
	}
	p.mu.Unlock()
	for _, a := range halt {
		a.halt()
	}
	for _, a := range lost {
		a.halt()
		a.kind.live.Add(-1)
	}
	return done, len(lost)
}

func (p *partition) activations() []*activation {
	out := make([]*activation, 0, len(p.live))
	for _, a := range p.live {
		out = append(out, a)
	}
	return out
}

// move sets the state of a partition in which nothing is alive.
func (p *partition) move(from, to state) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state != from {
		return false
	}
	p.state = to
	return true
}

func (p *partition) isHeld() bool {
	s, _ := p.now()
	return s == held
}

func (p *partition) now() (state, domain.Fence) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.state, p.fence
}

// contendedFor is how soon after its grant a partition must be lost for that to count as two nodes
// claiming it from each other.
const contendedFor = 10 * time.Second

// contention is how long to wait before claiming a partition again that has just been lost: not at
// all the first time, then 100ms doubling to 2s, so that two nodes with different views of the
// cluster do not take it from each other at the rate of their commits.
func contention(lost int) time.Duration {
	if lost <= 1 {
		return 0
	}
	return jitter(min(100*time.Millisecond<<min(lost-2, 8), 2*time.Second))
}
