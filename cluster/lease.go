package cluster

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// lease is this node's right to hold partitions, and so to act. It is prolonged at the ledger five times in its length.
// Where that fails the node stops acting before the ledger lets anybody else begin: the length counts here from before
// the ledger was asked and there from when it was, and a tenth less.
//
//	        asked          answered                        we stop     others may begin
//	here    ├───────────────────────────────────────────────┤
//	ledger       ├──────────────────────────────────────────────────────────┤
//	        ◀───────────────── 9/10 of Config.Lease ────────▶◀── margin ───▶
//
// The margin is for clocks that do not run at the same speed, 5 % between the two, and for noticing, one beat of the keeper.
// Neither clock has to be right.
type lease struct {
	length  time.Duration
	log     *slog.Logger
	m       *metrics
	ledger  Ledger
	self    func() domain.NodeLease // as it is now
	look    func()                  // something about it has changed
	regroup func()                  // who is missing has changed

	mu       sync.Mutex
	until    time.Time // zero: we never had one
	term     int64     // how often it has begun
	living   []domain.NodeLease
	doubts   int                         // renewals in a row that found us outvoted
	outAt    time.Time                   // since when we stand down
	seen     map[domain.NodeID]time.Time // members: when their lease was last known to live, or that we should look for it
	missing  map[domain.NodeID]bool      // of them, those that have had none for longer than its length
	failures int
	err      error

	stop context.CancelFunc
	done chan struct{}
}

const (
	renewals   = 5 // in the length of a lease
	marginPart = 10
	// leastMargin is two beats of the keeper: one to see that the lease is over, one to stop.
	leastMargin = 2 * beat
	// outvotedAfter is how many renewals in a row must find a node outvoted: views of the membership differ for a moment
	// whenever somebody comes or goes.
	outvotedAfter = 2
)

func newLease(cfg Config, deps Deps, m *metrics) *lease {
	return &lease{length: cfg.Lease, log: deps.Log, m: m, ledger: deps.Ledger, regroup: func() {}, done: make(chan struct{})}
}

func (l *lease) start() {
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	go l.run(ctx)
}

// close ends the renewals; what is left of the lease runs out, unless it is resigned.
func (l *lease) close() {
	if l.stop != nil {
		l.stop()
		<-l.done
	}
}

func (l *lease) run(ctx context.Context) {
	defer close(l.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(l.renew(ctx))
	}
}

// renew asks once, and says when to ask again.
func (l *lease) renew(ctx context.Context) time.Duration {
	own := l.self()
	own.TTL = l.length
	sent := time.Now()
	c, cancel := context.WithTimeout(ctx, 2*l.length/renewals) // two tries before it is over
	living, err := l.ledger.Renew(c, own)
	cancel()
	if ctx.Err() != nil {
		return l.length
	}
	defer l.look()
	if err == nil && l.took(own, living, sent) {
		l.regroup()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err = err; err != nil {
		if l.failures++; l.failures == 1 {
			l.log.Warn("our lease cannot be renewed", "left", time.Until(l.until).Round(time.Millisecond).String(), "error", err)
		}
		l.m.ledgerFailures.Inc()
		return jitter(min(100*time.Millisecond<<min(l.failures, 4), l.length/renewals))
	}
	l.failures = 0
	return time.Until(sent.Add(l.length / renewals))
}

// took takes over what the ledger answered, and says whether other members are missing than before.
func (l *lease) took(own domain.NodeLease, living []domain.NodeLease, sent time.Time) (changed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// An answer that comes while the lease lives was given while it lived at the ledger as well. One that comes later leaves
	// a gap, in which others may have taken over.
	if !l.livesAt(time.Now()) {
		l.term++
		clear(l.seen) // and in which nobody may have reached the ledger
	}
	l.until = sent.Add(l.length - margin(l.length))
	l.living = living
	switch {
	case !outvoted(own, living):
		l.doubts = 0
	default:
		if l.doubts++; l.doubts == outvotedAfter {
			l.outAt = sent
		}
	}
	seen, missing := map[domain.NodeID]time.Time{}, map[domain.NodeID]bool{}
	for _, node := range own.View {
		seen[node] = l.seen[node]
		if seen[node].IsZero() || slices.ContainsFunc(living, func(o domain.NodeLease) bool { return o.Node == node }) {
			seen[node] = sent
		}
		if sent.Sub(seen[node]) > l.length {
			missing[node] = true
		}
	}
	changed = !maps.Equal(missing, l.missing)
	l.seen, l.missing = seen, missing
	return changed
}

// misses says whether a member has had no lease for longer than one lasts, while we had ours: it does not reach the ledger.
func (l *lease) misses(node domain.NodeID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.missing[node]
}

// livesAt is called with the lock. Both clocks have to agree: one stands still while a machine sleeps, the other is set.
func (l *lease) livesAt(now time.Time) bool {
	return now.Before(l.until) && now.Round(0).Before(l.until.Round(0))
}

// held says whether we may act now, and since which beginning.
func (l *lease) held(now time.Time) (term int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.term, l.livesAt(now)
}

// left is how long we may act without a renewal.
func (l *lease) left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, time.Until(l.until))
}

var (
	errOutvoted = errors.New("this node does not see the others, and they are more")
	errNoLease  = errors.New("the ledger has granted us no lease")
)

// obstacle is why this node may do nothing; nil when it may.
func (l *lease) obstacle() error {
	if l.standsDown() {
		return errOutvoted
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.livesAt(time.Now()):
		return nil
	case l.err != nil:
		return l.err
	default:
		return errNoLease
	}
}

// standsDown says whether others have the better claim to everything, for as long as we do not see each other.
func (l *lease) standsDown() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.doubts >= outvotedAfter
}

// standsDownFor is for how long it has been so; 0: it is not.
func (l *lease) standsDownFor(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.doubts < outvotedAfter {
		return 0
	}
	return now.Sub(l.outAt)
}

// listed are the leases that live, ours included, as the ledger listed them last.
func (l *lease) listed() []domain.NodeLease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.living)
}

// margin is how much earlier we stop than others may begin.
func margin(length time.Duration) time.Duration { return max(length/marginPart, leastMargin) }

// outvoted says whether somebody lives who is no member to us, and we none to them, and more of those that work are on their
// side; of two sides of the same size that with the lowest name stays. So where the network has come apart, and every
// part still reaches the ledger, one of them does the work and the rest hands it over.
//
// Who has missed two renewals may be dead, and who has our address is: a process that was here before us. Neither counts, nor
// who has withdrawn.
func outvoted(own domain.NodeLease, living []domain.NodeLease) bool {
	counts := func(l domain.NodeLease) bool {
		return !l.Withdrawn && (l.Node == own.Node || l.Address != own.Address && l.TTL > own.TTL*(renewals-2)/renewals)
	}
	side := func(view []domain.NodeID) (n int, first domain.NodeID) {
		for _, l := range living { // by node
			if counts(l) && slices.Contains(view, l.Node) {
				if n++; n == 1 {
					first = l.Node
				}
			}
		}
		return n, first
	}
	ours, lowest := side(own.View)
	for _, l := range living {
		if !counts(l) || slices.Contains(own.View, l.Node) || slices.Contains(l.View, own.Node) {
			continue
		}
		if theirs, first := side(l.View); theirs > ours || theirs == ours && first < lowest {
			return true
		}
	}
	return false
}
