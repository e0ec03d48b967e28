package queue

import "time"

// unexplained is how long something may have been due when its queue comes into memory, and still be thought to have
// waited for us: a node that was restarted, or a partition that moved. What was due before that has most likely waited for
// its endpoint, which was paused, disabled or failing; nobody remembers.
const unexplained = 5 * time.Minute

// room remembers since when the endpoint has let us make an attempt. What is due before that waited for the endpoint, and
// from then on it waits for us: for the store, for the node's rights, for our own slowness.
type room struct {
	there bool
	since time.Time // zero: ever since it is in memory
	born  time.Time // when it came into memory
	known bool      // how the endpoint is configured; until then the wait is ours
}

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
	if there && !r.there {
		r.since = now
	}
	r.there = there
}

// blocked is how much of the time since something was due went by without room.
func (r *room) blocked(now, due time.Time) time.Duration {
	until := r.since
	if due.Before(r.born.Add(-unexplained)) {
		until = latest(until, r.born)
	}
	return min(max(0, until.Sub(due)), max(0, now.Sub(due)))
}
