package queue

import (
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// An endpoint that asks for batches gets updates of several leads in one request. One of each lead: the answer is for all
// of a request, so a lead's next one waits for it as it always does. What has failed goes alone from then on, at times of
// its own: whichever of them the endpoint did not like holds up nobody else.

// loadPatience is how much longer than it was to updates wait for others while the store is asked for more: a read of it.
const loadPatience = 100 * time.Millisecond

// sociable says whether it may share a request. What goes ahead of an earlier one of its lead has to say so in a header.
func (r *row) sociable() bool {
	return r.Class == domain.ClassUpdate && !r.Replay && !r.hastened && !r.Behind
}

// gather finds out whether the updates that may go together are enough for a request, or have waited for long enough.
// While more of them may be on their way from the store, they wait a little for those.
func (q *Queue) gather(now time.Time, s *survey) {
	if len(s.together) == 0 || q.circuit.open {
		return
	}
	slices.SortFunc(s.together, sooner)
	requests, rest := 0, s.together
	for len(rest) > 0 {
		batch := q.batch(rest)
		if len(batch) == len(rest) && !q.full(batch) { // there is room for another
			at := q.ripeAt(slices.MinFunc(batch, func(a, b *row) int { return q.ripeAt(a).Compare(q.ripeAt(b)) }))
			if q.loading != nil {
				at = at.Add(loadPatience)
			}
			if at.After(now) {
				s.ripeAt = at
				break
			}
		}
		for _, r := range batch {
			if r.ripe.IsZero() {
				r.ripe = now
			}
		}
		requests++
		rest = rest[len(batch):]
	}
	if requests == 0 {
		return
	}
	s.ready[domain.ClassUpdate] += requests
	if b := s.best[domain.ClassUpdate]; b == nil || sooner(s.together[0], b) < 0 {
		s.best[domain.ClassUpdate] = s.together[0]
	}
}

// batch is what goes in one request of rows, in order.
func (q *Queue) batch(rows []*row) []*row {
	bytes := 0
	for i, r := range rows {
		if bytes += len(r.Payload); i == q.config.Batch.Count || i > 0 && bytes > q.config.Batch.Bytes {
			return rows[:i]
		}
	}
	return rows
}

func (q *Queue) full(rows []*row) bool {
	bytes := 0
	for _, r := range rows {
		bytes += len(r.Payload)
	}
	return len(rows) >= q.config.Batch.Count || bytes >= q.config.Batch.Bytes
}

// ripeAt is until when it waits for others: counted from when it was owed, so that whatever was held up by something else
// does not wait again.
func (q *Queue) ripeAt(r *row) time.Time {
	owed := r.OwedAt
	if owed.IsZero() {
		owed = r.DueAt
	}
	return owed.Add(q.config.Batch.Delay)
}

// gathered is how long it has waited for others, now that it leaves: from when there were enough, and at the latest from
// when it was to wait no longer, it waits for its turn.
func (q *Queue) gathered(now time.Time, r *row) time.Duration {
	if !q.config.Batch.On() || q.circuit.open || !r.sociable() {
		return 0
	}
	until := q.ripeAt(r)
	for _, at := range []time.Time{now, r.ripe} {
		if !at.IsZero() && at.Before(until) {
			until = at
		}
	}
	return max(0, until.Sub(r.DueAt))
}

// BatchAttempted is called when the request of a SendBatch has ended. To the endpoint it is one attempt, however many
// deliveries it is an attempt of.
func (q *Queue) BatchAttempted(now time.Time, outcomes []Outcome) []Step {
	if q.gone {
		return nil
	}
	full := q.flying >= q.pace.limit
	var steps []Step
	free, news, disable := false, true, ""
	for _, o := range outcomes {
		r := q.window.rows[o.Delivery]
		if r == nil || r.place != flying {
			continue // an earlier incarnation's
		}
		if !free {
			free = true
			q.flying--
		}
		a, noted := q.judge(now, r, &o.Sent, full, news)
		steps = append(steps, noted...)
		if o.Sent.Error.OfEndpoint() {
			if news {
				disable = a.Disable
			}
			a.Disable, news = disable, false
		}
		a.Receipt.SecretID, a.Receipt.Batch = o.Secret, o.Batch
		steps = append(steps, q.record(r, a)...)
	}
	return append(steps, q.next(now)...)
}
