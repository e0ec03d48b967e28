package cluster

import (
	"context"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// claimAgain is how long a partition is left alone that another node holds. Whoever gives one back says so, and it is
// claimed at once; this is for what was not heard, and for nodes that have ended.
const claimAgain = 200 * time.Millisecond

// giveBackAfter is how long partitions that are empty wait for others that are nearly: a node that goes has its 256 empty
// within milliseconds of each other, and each call is a commit.
const giveBackAfter = 20 * time.Millisecond

func (k *keeper) toGiveBack(now time.Time, f domain.Fence) {
	if len(k.emptyNow) == 0 {
		k.emptyAt = now
	}
	k.emptyNow = append(k.emptyNow, f)
}

// ask starts a call to the ledger, unless one is under way: what we have to give back comes before what we want. last says
// that no more partitions are about to become empty.
func (k *keeper) ask(ctx context.Context, want []domain.Partition, last bool, now time.Time) {
	if k.busy || ctx.Err() != nil || now.Before(k.retryAt) {
		return
	}
	switch {
	case k.reread.Load() || now.After(k.rereadAt):
		k.reread.Store(false)
		k.rereadAt = now.Add(k.cfg.Reread)
		k.read(ctx)
	case len(k.emptyNow) > 0 && (last || now.Sub(k.emptyAt) >= giveBackAfter):
		k.giveBack(ctx)
	case len(want) > 0:
		k.claim(ctx, want)
	}
}

// call runs do beside the keeper; what it returns runs on the keeper's goroutine.
func (k *keeper) call(ctx context.Context, do func(context.Context) func(time.Time) bool) {
	k.busy = true
	go func() {
		c, cancel := context.WithTimeout(ctx, k.cfg.LedgerTimeout)
		defer cancel()
		k.results <- do(c)
	}()
}

func (k *keeper) read(ctx context.Context) {
	k.call(ctx, func(c context.Context) func(time.Time) bool {
		holdings, err := k.ledger.Holdings(c)
		return func(now time.Time) bool {
			if err != nil {
				k.reread.Store(true)
				return k.failed("read what is held", err, now)
			}
			k.compare(holdings, now)
			return true
		}
	})
}

func (k *keeper) giveBack(ctx context.Context) {
	fences := k.emptyNow
	k.emptyNow = nil
	k.call(ctx, func(c context.Context) func(time.Time) bool {
		err := k.ledger.GiveBack(c, k.node, fences)
		return func(now time.Time) bool {
			if err != nil {
				k.emptyNow = append(fences, k.emptyNow...)
				return k.failed("give partitions back", err, now)
			}
			k.log.Info("partitions given back", "partitions", len(fences))
			k.history.add(now, MoveGivenBack, len(fences), "")
			k.tell()
			return true
		}
	})
}

func (k *keeper) claim(ctx context.Context, want []domain.Partition) {
	term, turns := k.term, k.turns
	k.call(ctx, func(c context.Context) func(time.Time) bool {
		fences, err := k.ledger.Claim(c, k.node, want)
		var holdings []domain.Holding
		for _, f := range fences {
			if f.Epoch == 0 { // another's: find out whose
				holdings, err = k.ledger.Holdings(c)
				break
			}
		}
		return func(now time.Time) bool {
			k.granted(fences, term, turns, now)
			if err != nil {
				return k.failed("claim partitions", err, now)
			}
			k.point(holdings)
			return true
		}
	})
}

// granted makes partitions Held that are ours now. turns is how often a turn had been heard when they were claimed: what was
// given back since then, and asked for too early, is asked for again at once.
func (k *keeper) granted(fences []domain.Fence, term int64, turns int, now time.Time) {
	var ours []domain.Fence
	current, leased := k.lease.held(now)
	for _, f := range fences {
		p := &k.router.parts[f.Partition]
		switch {
		case f.Epoch == 0:
			if p.claimAt = now; turns == k.turns || p.fenced != 0 {
				p.claimAt = now.Add(jitter(claimAgain))
			}
		case !leased || term != current: // granted under a lease that is over
			k.toGiveBack(now, f)
		case p.hold(f, term, now):
			ours = append(ours, f)
		default: // it was to be ours when we asked
			k.toGiveBack(now, f)
		}
	}
	if len(ours) > 0 {
		k.log.Info("partitions held", "claimed", len(ours))
		k.history.add(now, MoveHeld, len(ours), "")
		k.herald.held(ours)
		k.tell()
	}
}

// point remembers who holds what we are claiming: until it is handed to us, messages for it go there.
func (k *keeper) point(holdings []domain.Holding) {
	t := k.router.table.Load()
	for _, h := range holdings {
		p := &k.router.parts[h.Fence.Partition]
		if s, _ := p.now(); s != claiming {
			continue
		}
		if m := t.named(h.Node); m != nil && !m.local {
			p.detour.Store(m)
		} else {
			p.detour.Store(nil)
		}
	}
}

// compare drops what the ledger no longer says is ours: another node has claimed it, and whatever is
// still alive here cannot commit. And it gives back what the ledger says is ours and nobody wants here: a claim whose answer was
// lost, of what is proposed elsewhere by now. Nobody else could have it for as long as we live.
func (k *keeper) compare(holdings []domain.Holding, now time.Time) {
	var epochs [domain.Partitions]int64
	for _, h := range holdings {
		if h.Node == k.node {
			epochs[h.Fence.Partition] = h.Fence.Epoch
		}
	}
	lost := 0
	for i := range k.router.parts {
		p := &k.router.parts[i]
		switch s, f := p.now(); {
		case s == held && epochs[i] != f.Epoch && p.abandon(f, now):
			lost++
		case s == foreign && epochs[i] > 0:
			if f = (domain.Fence{Partition: p.n, Epoch: epochs[i]}); !slices.Contains(k.emptyNow, f) {
				k.toGiveBack(now, f)
			}
		}
	}
	k.point(holdings)
	if lost > 0 {
		k.m.fenced.Add(float64(lost))
		k.log.Warn("partitions were claimed by another node", "dropped", lost)
		k.history.add(now, MoveFenced, lost, "")
		k.herald.changed()
	}
}

// failed remembers that the ledger does not answer: the next call waits up to 100ms, doubling to 2s.
func (k *keeper) failed(what string, err error, now time.Time) bool {
	if k.failures == 0 {
		k.log.Warn("the ledger does not answer", "to", what, "error", err)
	}
	k.m.ledgerFailures.Inc()
	k.retryAt = now.Add(jitter(min(100*time.Millisecond<<min(k.failures, 5), 2*time.Second)))
	k.failures++
	k.blocked.Store(&err)
	return false
}

func (k *keeper) answered() {
	if k.failures > 0 {
		k.log.Info("the ledger answers again")
	}
	k.failures = 0
	k.blocked.Store(nil)
}
