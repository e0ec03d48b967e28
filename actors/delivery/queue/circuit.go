package queue

import (
	"hash/fnv"
	"strconv"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// circuit keeps a queue from wearing itself out on an endpoint that is down.
type circuit struct {
	failures int // of the endpoint, in a row
	open     bool
	openedAt time.Time
	probeAt  time.Time
	probes   int   // that failed, since it opened
	probing  int64 // delivery in flight; 0: none
	answer   string
}

// ofEndpoint says whether a failure is the endpoint's: no answer, or one that says it cannot. What it does not like about
// one payload is not.
func ofEndpoint(s *domain.Sent) bool {
	switch s.Error {
	case domain.ErrorStatus:
		return s.Status >= domain.StatusServerFault || s.Status == domain.StatusTooMany
	case domain.ErrorRedirect:
		return false
	default:
		return s.Error != "" && s.Error.OfEndpoint()
	}
}

// failed takes a failure, and says whether the circuit has opened by it.
func (c *circuit) failed(now time.Time, key domain.EndpointKey, n int64, s *domain.Sent) (opened bool) {
	probe := c.probing == n
	if probe {
		c.probing = 0
	}
	if !s.Error.OfEndpoint() {
		return false // another probe may be made at once
	}
	c.answer = s.Reason
	switch {
	case !ofEndpoint(s): // it answers
		c.failures = 0
		if probe {
			c.probes, c.probeAt = 0, now.Add(distance(key, now, 0))
		}
	case probe:
		c.probes++
		c.probeAt = now.Add(distance(key, now, c.probes))
	case !c.open:
		if c.failures++; c.failures >= openAfter {
			c.open, c.openedAt, c.probes = true, now, 0
			c.probeAt = now.Add(distance(key, now, 0))
			return true
		}
	}
	return false
}

// succeeded says whether the circuit has closed.
func (c *circuit) succeeded() (closed bool) {
	closed = c.open
	*c = circuit{}
	return closed
}

// mayProbe says whether a probe may be made now.
func (c *circuit) mayProbe(now time.Time) bool { return c.probing == 0 && !now.Before(c.probeAt) }

// distance is how long after n probes the next one is made: 5 s, doubled up to 50 s, and up to a fifth more.
func distance(key domain.EndpointKey, now time.Time, n int) time.Duration {
	base := min(firstProbe<<min(n, 8), longProbe)
	h := fnv.New64a()
	_, _ = h.Write([]byte(key.String() + " " + strconv.FormatInt(now.UnixNano(), 10))) // a hash takes everything
	return base + time.Duration(h.Sum64()%1000)*(base/probeSpread)/1000
}

// givesUp is when a delivery that waits ends without an attempt, if the circuit stays open: when its terminal time comes.
// One whose terminal time came before the circuit opened, because it was paused or nobody was there, gets a chance to be
// a probe first. A delivery that was never tried has its time from when it was owed.
func (q *Queue) givesUp(r *row) time.Time {
	at := q.schedule.TerminalAt(r.Delivery)
	if r.FirstAt.IsZero() && !r.OwedAt.IsZero() && r.OwedAt.Before(r.DueAt) {
		at = r.OwedAt.Add(q.schedule.Terminal)
	}
	if at.Before(q.circuit.openedAt) {
		at = q.circuit.openedAt.Add(min(q.schedule.Terminal, lastChance))
	}
	return at
}
