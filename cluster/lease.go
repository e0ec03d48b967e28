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
	length time.Duration
	log    *slog.Logger
	m      *metrics
	ledger Ledger
	self   func() domain.NodeLease // as it is now
	look   func()                  // something about it has changed
	sorted func()                  // who is absent has changed

	mu       sync.Mutex
	until    time.Time // zero: we never had one
	term     int64     // how often it has begun
	living   []domain.NodeLease
	doubts   int                         // renewals in a row that found us outvoted
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
	// outvotedAfter is how many renewals in a row must find a node outvoted: views of the membership differ for a moment
	// whenever somebody comes or goes.
	outvotedAfter = 2
)

func newLease(cfg Config, deps Deps, m *metrics) *lease {
	return &lease{length: cfg.Lease, log: deps.Log, m: m, ledger: deps.Ledger, sorted: func() {}, done: make(chan struct{})}
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
		l.sorted()
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
	if !l.livesAt(sent) { // a gap, in which others may have taken over
		l.term++
		clear(l.seen) // and in which nobody may have reached the ledger
	}
	l.until = sent.Add(l.length - l.length/marginPart)
	l.living = living
	if outvoted(own, living) {
		l.doubts++
	} else {
		l.doubts = 0
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

// lacks says whether a member has had no lease for longer than one lasts, while we had ours: it does not reach the ledger.
func (l *lease) lacks(node domain.NodeID) bool {
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

// others are the leases that live, ours included, as the ledger listed them last.
func (l *lease) others() []domain.NodeLease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.living)
}

// outvoted says whether somebody lives who is no member to us, and we none to them, and more of the living are on their
// side; of two sides of the same size that with the lowest name stays. So where the network has come apart, and every
// part still reaches the ledger, one of them does the work and the rest hands it over.
func outvoted(own domain.NodeLease, living []domain.NodeLease) bool {
	count := func(view []domain.NodeID) (n int, first domain.NodeID) {
		for _, l := range living { // by node
			if slices.Contains(view, l.Node) {
				if n++; n == 1 {
					first = l.Node
				}
			}
		}
		return n, first
	}
	ours, lowest := count(own.View)
	for _, l := range living {
		if slices.Contains(own.View, l.Node) || slices.Contains(l.View, own.Node) {
			continue
		}
		if theirs, first := count(l.View); theirs > ours || theirs == ours && first < lowest {
			return true
		}
	}
	return false
}
