// Package schedule says when a delivery is tried again, and when for the last time. It knows no clock: the same
// delivery has the same times on every node, before and after they come, so they can be shown in advance.
//
//	slot 0        1      2            3                                    terminal
//	 ├── fails ───┤──────┤────────────┤──────────── … ─────────────┤──────────┤
//	FirstAt  FailedAt + the running sum of Pauses, each up to a     FirstAt + Terminal, exactly
//	         tenth longer
//
// Promises:
//
//   - Times are fixed from the first failure on. An attempt that comes late, or one that somebody asked for, moves none
//     of them: the next is the first that lies after its end, so what was missed is never made up for in a burst.
//   - The terminal time is the last. Neither a Retry-After nor a late attempt leads past it. An attempt that is under
//     way when it comes, or begins late because it could not begin in time, is the last one.
//   - What is forecast comes true, to the millisecond, for an endpoint that fails at once and that nothing else holds
//     up. All times are whole milliseconds, so that none moves with the precision of a store that it went through.
package schedule

import (
	"hash/fnv"
	"math"
	"strconv"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Spread is the most that a pause is lengthened by: a tenth of it. It takes events that failed together apart.
const Spread = 10

// Schedule is when the deliveries of one endpoint are tried.
type Schedule struct {
	Pauses   []time.Duration
	Terminal time.Duration // when the last attempt is made, after the first was
	Gather   time.Duration // how long an update waits for others of its batch at most, from when it was owed
}

// Of is an endpoint's own.
func Of(e domain.Endpoint) Schedule {
	e = e.WithDefaults()
	return Schedule{Pauses: e.Schedule, Terminal: e.Terminal, Gather: e.Batch.Delay}
}

// Next is when a delivery is tried after an attempt that failed and ended at end; false: it was the last. FirstAt and
// FailedAt are known by then. retryAfter is when the endpoint asked to be tried again, zero if it did not.
func (s Schedule) Next(d domain.Delivery, end, retryAfter time.Time) (time.Time, bool) {
	terminal := s.TerminalAt(d)
	if !end.Before(terminal) {
		return time.Time{}, false
	}
	at := s.after(d, end, terminal)
	if retryAfter.After(at) {
		at = whole(retryAfter.Add(time.Millisecond - 1)) // not before it
	}
	if at.After(terminal) {
		at = terminal
	}
	return at, true
}

// TerminalAt is when a delivery is tried for the last time: of one that was not tried yet, if that is done when it is
// due. Zero: nobody can tell, because it waits behind another.
func (s Schedule) TerminalAt(d domain.Delivery) time.Time {
	switch {
	case !d.FirstAt.IsZero():
		return whole(d.FirstAt.Add(s.Terminal))
	case !d.DueAt.IsZero():
		return whole(d.DueAt.Add(s.Terminal))
	}
	return time.Time{}
}

// Forecast lists when a pending delivery will be tried if every attempt fails at once, the terminal time last. What is
// overdue is tried now, and an update that waits for others of its batch when it has waited for as long as it may: a batch
// that is full leaves before. There is nothing to list for one that has ended, or whose turn depends on an earlier one.
func (s Schedule) Forecast(d domain.Delivery, now time.Time) []time.Time {
	if d.State != domain.DeliveryPending || d.DueAt.IsZero() {
		return nil
	}
	at := d.DueAt
	if d.FirstAt.IsZero() && d.Class == domain.ClassUpdate && !d.Replay && !d.Behind {
		if gathered := d.OwedAt.Add(s.Gather); gathered.After(at) {
			at = gathered
		}
	}
	if at.Before(now) {
		at = whole(now)
	}
	if d.FirstAt.IsZero() {
		d.FirstAt, d.FailedAt = at, at
	}
	times := []time.Time{at}
	for {
		next, ok := s.Next(d, at, time.Time{})
		if !ok {
			return times
		}
		times, at = append(times, next), next
	}
}

// after is the first slot after a time, or the terminal one.
func (s Schedule) after(d domain.Delivery, end, terminal time.Time) time.Time {
	slot := whole(d.FailedAt)
	for i, pause := range s.Pauses {
		slot = slot.Add((pause + jitter(d, i+1, pause)).Truncate(time.Millisecond))
		switch {
		case !slot.Before(terminal):
			return terminal
		case slot.After(end):
			return slot
		}
	}
	return terminal
}

// jitter is what a pause is lengthened by: the same on every node and in every release, for what was shown has to come
// true after the next deployment.
func jitter(d domain.Delivery, slot int, pause time.Duration) time.Duration {
	h := fnv.New64a()
	for _, part := range []string{string(d.Event), string(d.Account), string(d.Endpoint), strconv.Itoa(slot)} {
		_, _ = h.Write(append([]byte(part), 0)) // ids hold no zero byte; a hash takes everything
	}
	x := h.Sum64() // FNV spreads its last bytes badly: they go through a finaliser
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return time.Duration(float64(pause/Spread) * (float64(x>>11) / math.Exp2(53)))
}

func whole(t time.Time) time.Time { return t.Truncate(time.Millisecond) }
