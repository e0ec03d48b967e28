package cluster

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// keeper moves partitions between their states. It is one goroutine with one select; calls to the
// ledger, which may take seconds, run beside it, one at a time, so that what it reads there is never
// older than what it has claimed. The lease that all this stands on is renewed beside both.
//
//	table changed ─┐                          ┌─▶ Claim ──▶ Held, or who holds it
//	lease renewed ─┤                          ├─▶ Moving, Leaving, then Stop ──▶ GiveBack
//	abandoned ─────┼─▶ look at all partitions ┤
//	settled ───────┤   (256: microseconds)    └─▶ Holdings?  drop what is not ours any more
//	emptied ───────┤
//	a turn, time ──┘
type keeper struct {
	cfg     Config
	log     *slog.Logger
	m       *metrics
	ledger  Ledger
	router  *router
	node    domain.NodeID
	lease   *lease
	herald  *herald
	history *history
	tell    func() // the others, that partitions have changed hands

	dirty   chan struct{}                 // holds one
	results chan func(now time.Time) bool // what the ledger answered; false: it failed
	stop    context.CancelFunc
	done    chan struct{}

	draining atomic.Bool
	hurried  atomic.Bool // what is under way is not waited for
	reread   atomic.Bool // as soon as possible
	turned   atomic.Bool // partitions have changed hands elsewhere
	blocked  atomic.Pointer[error]
	served   signal // whatever is proposed to us is held, by us or by somebody we know
	emptied  signal // every partition is Foreign, and the ledger knows, if it can be reached

	// Of the goroutine alone.
	busy     bool
	turns    int // heard
	term     int64
	leased   bool // when it looked last
	failures int
	retryAt  time.Time
	rereadAt time.Time
	lastSeen *table
	emptyNow []domain.Fence // to be given back
	emptyAt  time.Time      // since when the first of them is
}

func newKeeper(cfg Config, deps Deps, m *metrics, r *router, node domain.NodeID, h *herald) *keeper {
	return &keeper{
		cfg: cfg, log: deps.Log, m: m, ledger: deps.Ledger, router: r, node: node, herald: h, lease: newLease(cfg, deps, m),
		history: &history{}, tell: func() {}, dirty: make(chan struct{}, 1), results: make(chan func(time.Time) bool, 1), done: make(chan struct{}),
	}
}

func (k *keeper) start() {
	ctx, cancel := context.WithCancel(context.Background())
	k.stop = cancel
	k.lease.look = k.poke
	k.lease.start()
	go k.run(ctx)
}

// close ends the keeper and waits for its last call to the ledger.
func (k *keeper) close() {
	if k.stop != nil {
		k.stop()
		<-k.done
		k.lease.close()
	}
}

// poke makes the keeper look again. It never blocks.
func (k *keeper) poke() {
	select {
	case k.dirty <- struct{}{}:
	default:
	}
}

// doubt makes the keeper ask the ledger at once what is still ours.
func (k *keeper) doubt() {
	k.reread.Store(true)
	k.poke()
}

// turn hears that partitions have changed hands on other nodes.
func (k *keeper) turn() {
	k.turned.Store(true)
	k.poke()
}

// obstacle is why partitions stay in Claiming, when it is more than a matter of milliseconds.
func (k *keeper) obstacle() error {
	if k.draining.Load() {
		return errStopping
	}
	if err := k.lease.obstacle(); err != nil {
		return err
	}
	if e := k.blocked.Load(); e != nil {
		return *e
	}
	return nil
}

// acts says whether what a fence stands for may be done now.
func (k *keeper) acts(f domain.Fence) bool {
	term, ok := k.lease.held(time.Now())
	if !ok {
		return false
	}
	p := &k.router.parts[f.Partition]
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.state == held && p.fence == f && p.term == term
}

// beat is how often the keeper looks at the clock. A gap that is much longer means that the process
// was stopped, and that others may have taken over.
const (
	beat         = 100 * time.Millisecond
	pauseNoticed = 500 * time.Millisecond
)

func (k *keeper) run(ctx context.Context) {
	defer close(k.done)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	last := time.Now().Round(0) // wall time: the monotonic clock stands still while a machine sleeps
	k.rereadAt = time.Now().Add(k.cfg.Reread)
	for {
		k.look(ctx, time.Now())
		select {
		case <-ctx.Done():
			if k.busy {
				<-k.results
			}
			return
		case <-k.dirty:
		case apply := <-k.results:
			k.busy = false
			if now := time.Now(); apply(now) {
				k.answered()
			}
		case <-ticker.C:
			now := time.Now().Round(0)
			if gap := now.Sub(last); gap > pauseNoticed {
				k.log.Warn("this process was paused", "gap", gap)
				k.reread.Store(true)
			}
			last = now
		}
	}
}

// look moves every partition as far as it can go without waiting.
func (k *keeper) look(ctx context.Context, now time.Time) {
	t := k.router.table.Load()
	if t != k.lastSeen {
		k.lastSeen = t
		k.forgetDetours(t)
		k.herald.changed()
	}
	turned := k.turned.Swap(false)
	if turned {
		k.turns++
		k.herald.changed()
	}
	term, leased := k.lease.held(now)
	if !leased || term != k.term {
		k.lapsed(now, k.leased)
	}
	k.term, k.leased = term, leased
	may := leased && !k.draining.Load() && !k.lease.standsDown()
	var want []domain.Partition
	waiting, unserved, alive, emptying := 0, 0, 0, 0
	for i := range k.router.parts {
		p := &k.router.parts[i]
		owner := t.owner[i]
		switch k.step(p, may && owner != nil && owner.local, now) {
		case claiming:
			waiting++
			if p.detour.Load() == nil {
				unserved++
			}
			if turned && p.fenced == 0 {
				p.claimAt = now
			}
			if !now.Before(p.claimAt) {
				want = append(want, p.n)
			}
		case draining:
			emptying++
		case held:
			alive++
		}
	}
	k.served.set(may && unserved == 0 || k.lease.standsDownFor(now) > k.cfg.Lease) // it will have its share once they see each other
	if k.draining.Load() {                                                         // the resignation says it of all at once
		k.emptyNow = nil
	}
	told := len(k.emptyNow) == 0 && !k.busy || !leased || k.failures > 0 // or it cannot be told
	k.emptied.set(waiting+alive+emptying == 0 && told)
	if leased {
		k.ask(ctx, want, emptying == 0, now)
	}
}
