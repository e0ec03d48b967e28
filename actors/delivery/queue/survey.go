package queue

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// turns says whose turn it is: of every 16, first 9, update 4, retry 2, replay 1. A class that has nothing leaves its turn
// to the first that has, so each that has something gets 8, 4, 2 and 1 at least, and a first match waits for one other
// at most.
var turns = [16]domain.Class{
	domain.ClassFirst, domain.ClassUpdate, domain.ClassFirst, domain.ClassRetry,
	domain.ClassFirst, domain.ClassUpdate, domain.ClassFirst, domain.ClassReplay,
	domain.ClassFirst, domain.ClassUpdate, domain.ClassFirst, domain.ClassRetry,
	domain.ClassFirst, domain.ClassUpdate, domain.ClassFirst, domain.ClassFirst,
}

// survey is what the window holds at a time.
type survey struct {
	due   [domain.Classes]int  // that wait and are due
	ready [domain.Classes]int  // of them, those that may be sent: one of each lead
	best  [domain.Classes]*row // the first of these
	head  *row                 // the one to probe with
	next  time.Time            // when the next one is due; zero: none is known
	// Of an endpoint that asks for batches: the updates that may go together, in order once they are gathered, and not in
	// ready and best before they are enough; and when they are because they have waited, zero: they are, or there are none.
	together []*row
	ripeAt   time.Time
}

func (w *window) survey(now time.Time, batch domain.Batch) (s survey) {
	for _, l := range w.open {
		var first *row
		for _, r := range l.rows {
			switch {
			case r.due(now):
				s.due[r.Class]++
				if first == nil {
					first = r
				}
			case r.place == waiting && !r.DueAt.IsZero() && (s.next.IsZero() || r.DueAt.Before(s.next)):
				s.next = r.DueAt
			}
		}
		if first == nil || l.busy {
			continue
		}
		if batch.On() && first.sociable() {
			s.together = append(s.together, first)
		} else {
			s.ready[first.Class]++
			if b := s.best[first.Class]; b == nil || sooner(first, b) < 0 {
				s.best[first.Class] = first
			}
		}
		if s.head == nil || betterProbe(first, s.head) {
			s.head = first
		}
	}
	return s
}

// betterProbe prefers what somebody asked for, then what keeps its lead's order, then the oldest.
func betterProbe(a, b *row) bool {
	switch {
	case a.hastened != b.hastened:
		return a.hastened
	case a.Behind != b.Behind:
		return b.Behind
	}
	return sooner(a, b) < 0
}

// firsts is how many first attempts may be sent.
func (s *survey) firsts() int { return s.ready[domain.ClassFirst] + s.ready[domain.ClassUpdate] }

func isRepeat(c domain.Class) bool { return c >= domain.ClassRetry }

// repeatRoom is how many more retries and replays may be in flight.
func (q *Queue) repeatRoom(s *survey) int {
	most := max(1, q.pace.limit-1) // a first match does not wait for the timeout of a retry
	if s.firsts() > 0 {
		most = max(1, q.pace.limit/repeatShare)
	}
	return max(0, most-q.repeats)
}

// choose is what is sent now, if anything may be; a turn is used up by it.
func (q *Queue) choose(s *survey) *row {
	best := s.best
	if q.repeatRoom(s) == 0 {
		best[domain.ClassRetry], best[domain.ClassReplay] = nil, nil
	}
	turn := turns[q.turn%len(turns)]
	q.turn++
	if r := best[turn]; r != nil {
		return r
	}
	for _, r := range best {
		if r != nil {
			return r
		}
	}
	return nil
}
