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
// older than what it has claimed.
//
//	table changed ─┐                          ┌─▶ Claim ──▶ Held
//	abandoned ─────┼─▶ look at all partitions ┼─▶ Leaving, then Stop
//	emptied ───────┤   (256: microseconds)    └─▶ Held?  drop what is not ours any more
//	time ──────────┘
type keeper struct {
	cfg    Config
	log    *slog.Logger
	m      *metrics
	ledger Ledger
	router *router
	node   domain.NodeID
	herald *herald

	dirty   chan struct{} // holds one
	results chan result
	stop    context.CancelFunc
	done    chan struct{}

	draining atomic.Bool
	reread   atomic.Bool // as soon as possible
	blocked  atomic.Pointer[error]
	settled  signal // nothing of what is proposed to us is waiting to be held
	emptied  signal // every partition is Foreign

	// Of the goroutine alone.
	busy     bool
	failures int
	retryAt  time.Time
	rereadAt time.Time
	lastSeen *table
}

// result is what the ledger answered.
type result struct {
	claimed []domain.Partition // nil: it was asked what we hold
	fences  []domain.Fence
	err     error
}

func newKeeper(cfg Config, deps Deps, m *metrics, r *router, node domain.NodeID, h *herald) *keeper {
	return &keeper{
		cfg: cfg, log: deps.Log, m: m, ledger: deps.Ledger, router: r, node: node, herald: h,
		dirty: make(chan struct{}, 1), results: make(chan result, 1), done: make(chan struct{}),
	}
}

func (k *keeper) start() {
	ctx, cancel := context.WithCancel(context.Background())
	k.stop = cancel
	go k.run(ctx)
}

// close ends the keeper and waits for its last call to the ledger.
func (k *keeper) close() {
	if k.stop != nil {
		k.stop()
		<-k.done
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

// obstacle is why partitions stay in Claiming, when it is more than a matter of milliseconds.
func (k *keeper) obstacle() error {
	if k.draining.Load() {
		return errStopping
	}
	if e := k.blocked.Load(); e != nil {
		return *e
	}
	return nil
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
		case res := <-k.results:
			k.busy = false
			k.apply(res, time.Now())
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
		k.herald.changed()
	}
	var want []domain.Partition
	waiting, alive := 0, 0
	for i := range k.router.parts {
		p := &k.router.parts[i]
		switch k.step(p, t, now) {
		case claiming:
			waiting++
			if !now.Before(p.claimAt) {
				want = append(want, p.n)
			}
		case held, draining:
			alive++
		}
	}
	k.settled.set(t.local && waiting == 0)
	k.emptied.set(waiting+alive == 0)
	k.ask(ctx, want, now)
}

// step moves one partition and returns where it stands.
func (k *keeper) step(p *partition, t *table, now time.Time) state {
	owner := t.owner[p.n]
	ours := owner != nil && owner.local && !k.draining.Load()
	s, _ := p.now()
	if s == held && !ours {
		p.leave(false, now)
		k.herald.changed()
		s = draining
	}
	if s == draining {
		done, cut := p.empty(now, k.cfg.BusyGrace, k.cfg.DrainLimit)
		if cut > 0 {
			k.log.Warn("activations did not stop and were cut off", "partition", p.n, "activations", cut)
			k.m.cut.Add(float64(cut))
		}
		if done {
			s = foreign
		}
	}
	if s == foreign && ours && p.move(foreign, claiming) {
		s = claiming
	}
	if s == claiming && !ours && p.move(claiming, foreign) {
		s = foreign
	}
	return s
}

// ask starts a call to the ledger, unless one is under way.
func (k *keeper) ask(ctx context.Context, want []domain.Partition, now time.Time) {
	if k.busy || ctx.Err() != nil {
		return
	}
	reread := k.reread.Load() || now.After(k.rereadAt)
	switch {
	case now.Before(k.retryAt):
	case reread:
		k.reread.Store(false)
		k.rereadAt = now.Add(k.cfg.Reread)
		k.call(ctx, func(c context.Context) result {
			fences, err := k.ledger.Held(c, k.node)
			return result{fences: fences, err: err}
		})
	case len(want) > 0:
		k.call(ctx, func(c context.Context) result {
			fences, err := k.ledger.Claim(c, k.node, want)
			return result{claimed: want, fences: fences, err: err}
		})
	}
}

func (k *keeper) call(ctx context.Context, do func(context.Context) result) {
	k.busy = true
	go func() {
		c, cancel := context.WithTimeout(ctx, k.cfg.LedgerTimeout)
		defer cancel()
		k.results <- do(c)
	}()
}

func (k *keeper) apply(res result, now time.Time) {
	if res.err != nil {
		k.failed(res, now)
		return
	}
	if k.failures > 0 {
		k.log.Info("the ledger answers again")
	}
	k.failures = 0
	k.blocked.Store(nil)
	if res.claimed == nil {
		k.compare(res.fences, now)
		return
	}
	var ours []domain.Fence
	for _, f := range res.fences {
		if k.router.parts[f.Partition].hold(f, now) {
			ours = append(ours, f)
		}
	}
	if len(ours) > 0 {
		k.log.Info("partitions held", "claimed", len(ours))
		k.herald.held(ours)
	}
}

// compare drops what the ledger no longer says is ours: another node has claimed it, and whatever is
// still alive here cannot commit.
func (k *keeper) compare(fences []domain.Fence, now time.Time) {
	var epochs [domain.Partitions]int64
	for _, f := range fences {
		epochs[f.Partition] = f.Epoch
	}
	lost := 0
	for i := range k.router.parts {
		p := &k.router.parts[i]
		if s, f := p.now(); s == held && epochs[i] != f.Epoch && p.abandon(f, now) {
			lost++
		}
	}
	if lost > 0 {
		k.m.fenced.Add(float64(lost))
		k.log.Warn("partitions were claimed by another node", "dropped", lost)
		k.herald.changed()
	}
}

// failed remembers that the ledger does not answer: the next call waits up to 100ms, doubling to 2s.
func (k *keeper) failed(res result, now time.Time) {
	if k.failures == 0 {
		k.log.Warn("the ledger does not answer", "claiming", len(res.claimed), "error", res.err)
	}
	k.m.ledgerFailures.Inc()
	k.retryAt = now.Add(jitter(min(100*time.Millisecond<<min(k.failures, 5), 2*time.Second)))
	k.failures++
	k.blocked.Store(&res.err)
	if res.claimed == nil {
		k.reread.Store(true)
	}
}
