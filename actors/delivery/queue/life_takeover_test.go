package queue_test

import (
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/delivery/queue"
)

// nodes may own the endpoint, one after the other and again.
var nodes = []string{"A", "B", "C"}

// takeOver lets another node claim the endpoint while the owner still believes in it: it learns of it from a record that is
// fenced, or its node drops it, sooner or later. The node that claims has dropped whatever it had of an earlier epoch.
func (l *life) takeOver() {
	was := l.owner
	l.noteTakeOver(was)
	node := nodes[l.rng.IntN(len(nodes))]
	for node == was.node {
		node = nodes[l.rng.IntN(len(nodes))]
	}
	l.sayf("%s TAKES OVER", node)
	l.interrupted = true
	for _, o := range slices.Clone(l.formers) {
		if o.node == node {
			o.drop()
		}
	}
	l.store.epoch++
	l.formers = append(l.formers, was)
	was.after(l.millis([]int{20, 5000, 600_000}[l.rng.IntN(3)]), was.drop)
	l.activate(node)
}

// takeOverIn lets it happen after a while, in a life in which it does.
func (l *life) takeOverIn(d time.Duration) {
	l.always(d, func() {
		if l.traits.roams {
			l.takeOver()
		}
	})
}

// noteTakeOver counts what a take-over has met.
func (l *life) noteTakeOver(was *owner) {
	f := was.queue.Figures()
	for what, is := range map[string]bool{
		"any":    true,
		"paused": l.paused, "disabled": !l.store.state.DisabledAt.IsZero(), "open": f.Open, "flying": f.Flying > 0,
		"record waits": f.Recording > 0 && was.away(), "stale twice": len(l.formers) > 0,
	} {
		if is {
			l.taken[what]++
		}
	}
}

// abandon is what a node does when an activation says that it is stale.
func (o *owner) abandon() {
	if !o.stale() {
		o.failf("it gives the endpoint up, and nobody else has it")
	}
	o.learned = true
	o.fenced++
	o.after(o.millis(50), o.drop)
}

// drop takes an activation out of memory. What is in the air arrives or not; nobody here will know.
func (o *owner) drop() {
	if o.dropped {
		return
	}
	o.sayf("is dropped")
	o.dropped = true
	o.formers = slices.DeleteFunc(o.formers, func(f *owner) bool { return f == o })
}

// crash loses what is in memory of the owner. The next one has the same right, so what is on its way to the store may be
// committed behind its back.
func (l *life) crash() {
	l.sayf("CRASH")
	l.interrupted = true
	was := l.owner
	was.drop()
	for n, records := range was.recording {
		l.meddled[n] = l.meddled[n] || records > 0
	}
	l.activate(was.node)
}

// hint tells whoever believes to be the owner of something about a delivery, or about the endpoint (n is 0), if it is not
// lost. One that is late reaches whoever is the owner by then, and is older than what that one knows.
func (l *life) hint(n int64, do func(*owner) []queue.Step) {
	for _, o := range l.believers() {
		if !l.traits.deaf {
			o.take(do(o))
			continue
		}
		for range []int{0, 0, 1, 1, 1, 1, 1, 2}[l.rng.IntN(8)] {
			o.always(l.millis([]int{1, 50, 5000}[l.rng.IntN(3)]), func() {
				to := o
				if o.dropped || o.stale() && l.rng.IntN(2) == 0 {
					to = l.owner
					l.meddled[n] = true
				}
				to.take(do(to))
			})
		}
	}
}

// believers are the owner and some of those that believe it. All of them may hear of everything.
func (l *life) believers() []*owner {
	all := []*owner{l.owner}
	for _, o := range l.formers {
		if l.rng.IntN(2) == 0 {
			all = append(all, o)
		}
	}
	return all
}

// lose keeps the owner from the store for a while.
func (l *life) lose() {
	l.owner.awayUntil = l.now.Add(l.millis([]int{1000, 60_000, 600_000}[l.rng.IntN(3)]))
	l.sayf("%s does not reach the store until %s", l.owner.node, l.owner.awayUntil.Sub(noon))
}

// tell tells of the configuration as it is now.
func (l *life) tell() {
	for _, o := range l.believers() {
		o.config, o.own, o.paused, o.sent = l.config, l.own, l.paused, []time.Time(nil)
		o.take(o.queue.Configure(o.now, o.config, o.paused, 1))
	}
}
