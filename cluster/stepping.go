package cluster

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// step moves one partition and returns where it stands.
func (k *keeper) step(p *partition, ours bool, now time.Time) state {
	s, f := p.now()
	if s == held && p.term != k.term { // cannot be: whoever grants looks at the term
		p.leave(true, now)
		s = draining
	}
	if s == held {
		s = k.stepHeld(p, f, ours, now)
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
		if done && !p.taken {
			k.toGiveBack(now, f)
		}
	}
	if s == foreign && ours && p.move(foreign, claiming) {
		s = claiming
	}
	if s == claiming && !ours && p.move(claiming, foreign) {
		p.detour.Store(nil)
		s = foreign
	}
	return s
}

// stepHeld lets a partition go that is no longer ours once nothing is under way in it, or that takes too long.
func (k *keeper) stepHeld(p *partition, f domain.Fence, ours bool, now time.Time) state {
	switch moving := p.moving.Load(); {
	case ours && moving:
		if p.stay() {
			k.herald.held([]domain.Fence{f}) // what was refused meanwhile is found in the store
		}
		return held
	case ours:
		return held
	case !moving && !p.prepare(now):
		return held // it was abandoned meanwhile: the next look sees that
	}
	late := k.hurried.Load() || now.Sub(p.leaves) >= k.cfg.HandOver || k.lease.standsDown() && now.Sub(p.leaves) >= k.cfg.DrainLimit
	if !late && !p.settled() {
		return held
	}
	p.leave(false, now)
	k.herald.changed()
	return draining
}

// lapsed drops everything: our lease has run out, and others may have taken over or will in a moment. news is that we had one:
// where the others have declared us dead, everything may be dropped already.
func (k *keeper) lapsed(now time.Time, news bool) {
	lost := 0
	for i := range k.router.parts {
		if p := &k.router.parts[i]; p.leave(true, now) {
			p.fenced, p.claimAt = 0, now // nobody is known to want it
			lost++
		}
	}
	if lost > 0 || news {
		k.m.lapsed.Inc()
		k.log.Error("our lease has run out: nothing is done any more until the ledger grants another", "dropped", lost)
		k.history.add(now, MoveLapsed, lost, "")
		k.herald.changed()
		k.reread.Store(true)
	}
}

// forgetDetours drops those that lead to nodes which are no members any more.
func (k *keeper) forgetDetours(t *table) {
	for i := range k.router.parts {
		p := &k.router.parts[i]
		if d := p.detour.Load(); d != nil && t.named(nodeOf(d.id)) != d {
			p.detour.Store(nil)
			p.claimAt = time.Time{}
		}
	}
}
