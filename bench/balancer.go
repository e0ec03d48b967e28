package bench

import (
	"errors"
	"time"
)

// balancer sends requests to several nodes in turn, without health checks: one that is not answered 200 goes to the next node at
// once, with the same event id, until each has been tried. One that no node acks comes again after a pause, as from a CRM.
// docs/deploy/nginx.conf makes two tries in all.
//
//	send ─▶ node k ──200──▶ done(acked)
//	          ├─ otherwise, or no answer ─▶ node k+1, once around
//	          └─ by nobody ─▶ againAfter ─▶ node k+1 ... until giveUpAfter ─▶ done(not acked)
type balancer struct {
	pools    []*pool
	patience time.Duration                                      // for one answer
	build    func(n int64) []byte                               // request n; valid until the next call
	done     func(n int64, acked bool, tries int, at time.Time) // hears of every request once

	turn    int // node that the next request begins at
	open    map[int64]*errand
	pass    []*errand // for the next node, at once
	again   []*errand // in the order that their pauses end
	refused int64     // answers 429
	waited  int64     // tries that found every allowed connection taken
}

// errand is one request on its way.
type errand struct {
	n           int64
	node, tries int
	around      int // nodes that did not ack it since the last pause
	began, next time.Time
}

const (
	againAfter  = 50 * time.Millisecond
	giveUpAfter = 30 * time.Second // less than the CRM's own patience: it tries for hours
)

func newBalancer(pools []*pool, patience time.Duration, build func(int64) []byte, done func(int64, bool, int, time.Time)) *balancer {
	b := &balancer{pools: pools, patience: patience, build: build, done: done, open: map[int64]*errand{}}
	for _, p := range pools {
		p.told = b.told
	}
	return b
}

// send begins request n at the node whose turn it is.
func (b *balancer) send(n int64, now time.Time) {
	e := &errand{n: n, node: b.turn, began: now}
	b.turn = (b.turn + 1) % len(b.pools)
	b.open[n] = e
	b.post(e, now)
}

// skip lets the next request begin elsewhere than at a node.
func (b *balancer) skip(node int) {
	if b.turn == node {
		b.turn = (b.turn + 1) % len(b.pools)
	}
}

func (b *balancer) post(e *errand, now time.Time) {
	one, err := b.pools[e.node].take()
	switch {
	case errors.Is(err, errFull): // it has not been tried
		b.waited++
		b.pauseFor(e, now)
	case err != nil:
		e.tries++
		b.later(e, now)
	default:
		e.tries++
		one.send(e.n, now, b.build(e.n))
	}
}

func (b *balancer) told(n int64, status int, at time.Time) {
	e := b.open[n]
	switch status {
	case 200:
		delete(b.open, n)
		b.done(n, true, e.tries, at)
		return
	case 429:
		b.refused++
	}
	b.later(e, at)
}

func (b *balancer) later(e *errand, now time.Time) {
	if now.Sub(e.began) > giveUpAfter {
		delete(b.open, e.n)
		b.done(e.n, false, e.tries, now)
		return
	}
	e.node = (e.node + 1) % len(b.pools)
	if e.around++; e.around >= len(b.pools) {
		e.around = 0
		b.pauseFor(e, now)
		return
	}
	b.pass = append(b.pass, e)
}

func (b *balancer) pauseFor(e *errand, now time.Time) {
	e.next = now.Add(againAfter)
	b.again = append(b.again, e)
}

// retry sends what is to go elsewhere, and what has paused for long enough.
func (b *balancer) retry(now time.Time) {
	for len(b.pass) > 0 { // one that is refused at once comes back to it
		e := b.pass[0]
		b.pass = b.pass[1:]
		b.post(e, now)
	}
	due := 0
	for due < len(b.again) && !b.again[due].next.After(now) {
		due++
	}
	ready := b.again[:due:due]
	b.again = b.again[due:]
	for _, e := range ready {
		b.post(e, now)
	}
}

// pause is how long nothing is to be sent again.
func (b *balancer) pause(now time.Time) time.Duration {
	if len(b.pass) > 0 {
		return 0
	}
	if len(b.again) == 0 {
		return housekeeping
	}
	return min(housekeeping, max(0, b.again[0].next.Sub(now)))
}

// giveUp ends the tries whose answer took too long.
func (b *balancer) giveUp(now time.Time) {
	for _, p := range b.pools {
		p.giveUp(now, b.patience)
	}
}
