package queue

import (
	"slices"
	"time"
)

// unexplained is how long something may have been due when its queue comes into memory, and still be thought to have
// waited for us: a node that was restarted, or a partition that moved. What was due before that has most likely waited for
// its endpoint, which was paused, disabled or failing; nobody remembers.
const unexplained = 5 * time.Minute

// room remembers when the endpoint has let us make no attempt. What is due meanwhile waits for the endpoint; at other times it
// waits for us: for the store, for the node's rights, for our own slowness.
type room struct {
	there bool
	gaps  []gap     // when it was not, oldest first: the newest maxGaps of them
	began time.Time // what was before is forgotten, and counts as the endpoint's; zero: nothing is
	born  time.Time // when it came into memory
	known bool      // how the endpoint is configured; until then the wait is ours
}

// gap is a time without room; to is zero while it lasts.
type gap struct{ from, to time.Time }

// maxGaps is how many are remembered: with a single place there is one for each attempt, and who waits for more than 64 of them
// waits for that place.
const maxGaps = 64

// roomy says whether nothing of the endpoint's stands in the way of an attempt: neither that it is to be sent nothing, nor a
// pause it asked for, nor a circuit, nor its rate, nor the attempts that are under way.
func (q *Queue) roomy(now time.Time) bool {
	return !q.stopped() && !q.circuit.open && !now.Before(q.pace.slowUntil) && q.flying < q.pace.limit && q.pace.allowed(1) > 0
}

// refresh brings up to date what changes with time alone.
func (q *Queue) refresh(now time.Time) {
	q.pace.fill(now)
	r := &q.room
	if r.born.IsZero() {
		r.born, r.there = now, true
	}
	if !r.known && q.paused {
		return
	}
	there := q.roomy(now)
	switch {
	case there && !r.there:
		r.gaps[len(r.gaps)-1].to = now
	case !there && r.there:
		if len(r.gaps) == maxGaps {
			r.began = r.gaps[0].to
			r.gaps = slices.Delete(r.gaps, 0, 1)
		}
		r.gaps = append(r.gaps, gap{from: now})
	}
	r.there = there
}

// blocked is how much of the time since something was due went by without room.
func (r *room) blocked(now, due time.Time) (sum time.Duration) {
	from := due
	forgotten := r.began
	if due.Before(r.born.Add(-unexplained)) {
		forgotten = latest(forgotten, r.born)
	}
	if forgotten.After(from) {
		sum, from = forgotten.Sub(from), forgotten
	}
	for _, g := range r.gaps {
		to := g.to
		if to.IsZero() {
			to = now
		}
		sum += max(0, to.Sub(latest(g.from, from)))
	}
	return min(sum, max(0, now.Sub(due)))
}
