package queue_test

import (
	"net/http"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// send holds a Send to the promises, and lets the endpoint answer.
func (o *owner) send(s queue.Send) {
	o.keepsItsLimits(s.Delivery.N)
	o.leaves(s)
	o.requests++
	n := s.Delivery.N
	answer := o.reacher(s)
	answer.At = o.now
	o.after(answer.Phases.Total, func() {
		o.requests--
		o.answered(n, answer)
		o.take(o.queue.Attempted(o.now, n, answer, "s-1"))
	})
}

// leaves holds a delivery that is sent, alone or with others, to its own promises.
func (o *owner) leaves(s queue.Send) {
	o.attempts++
	o.keepsOrder(s)
	o.keepsToTheStore(s)
	if s.Gather+s.Queue != o.now.Sub(s.ScheduledAt) || s.Gather < 0 || s.Queue < 0 || s.Held < 0 {
		o.failf("%d: its waiting time is not that", s.Delivery.N)
	}
	o.flying[s.Delivery.N] = flight{s, o.now}
}

// keepsOrder holds whoever sends to the order of a lead, one that is stale like the owner: what the store has ended does not
// begin again, so an earlier delivery that somebody once saw ended has. Hence the endpoint never meets a later event of a
// lead before each earlier one has been sent, or ended without, or leadwire-out-of-order is said. What it may meet after a
// later one is an earlier one again, or one that ended without being sent, from one that is stale: in the air when it became
// so, or sent before it learned.
func (o *owner) keepsOrder(s queue.Send) {
	n, d := s.Delivery.N, o.store.of(s.Delivery.N)
	head := o.store.head(d.Lead)
	switch {
	case head != nil && head.N < n && !s.OutOfOrder:
		o.failf("%d is sent although %d has not ended, and does not say so", n, head.N)
	case head != nil && head.N < n && !o.released(d):
		o.failf("%d is sent although %d holds it", n, head.N)
	}
	for _, f := range o.flying {
		if f.send.Delivery.Lead == d.Lead {
			o.failf("%d and %d of one lead are in flight", n, f.send.Delivery.N)
		}
	}
}

// released says whether the hold of an earlier one of the lead is over.
func (l *life) released(d *domain.Delivery) bool {
	return slices.ContainsFunc(l.store.rows[:d.N-1], func(o *domain.Delivery) bool {
		return o.Lead == d.Lead && !o.ReleaseAt.IsZero() && !o.ReleaseAt.After(l.now)
	})
}

// keepsToTheStore holds the owner to what the store has of a delivery. One that is stale has an older picture and cannot have
// a newer one, as its records are refused: so it sends each delivery once more at most.
func (o *owner) keepsToTheStore(s queue.Send) {
	n, d := s.Delivery.N, o.store.of(s.Delivery.N)
	switch {
	case o.stale() && o.late[n]:
		o.failf("%d is sent twice by one that is stale", n)
	case o.stale():
		o.late[n] = true
		o.repeats++
	case o.meddled[n]:
	case d.State != domain.DeliveryPending:
		o.failf("%d is sent after its end", n)
	case d.Revision != s.Delivery.Revision:
		o.failf("%d is sent as it was before", n)
	case d.DueAt.IsZero() || d.DueAt.After(o.now):
		o.failf("%d is sent before it is due", n)
	}
}

// keepsItsLimits holds whoever sends to what the endpoint was configured to, and has asked for.
func (o *owner) keepsItsLimits(n int64) {
	switch {
	case o.paused:
		o.failf("%d is sent while paused", n)
	case o.disabled:
		o.failf("%d is sent while disabled", n)
	case o.requests >= o.config.Concurrency:
		o.failf("%d are sent at once", o.requests+1)
	case o.now.Before(o.slowUntil):
		o.failf("%d is sent before the endpoint wants anything", n)
	case !o.openSince.IsZero() && !o.hastened && o.now.Sub(o.probedAt) < 5*time.Second:
		o.failf("%d is a probe too early", n)
	}
	for _, f := range o.flying {
		if !o.openSince.IsZero() && f.began.After(o.openSince) {
			o.failf("%d and %d are probes", n, f.send.Delivery.N)
		}
	}
	o.checkRate()
}

func (o *owner) answered(n int64, answer domain.Sent) {
	o.sayf("answered %d: %s %s", n, answer.Error, answer.Reason)
	f := o.flying[n]
	delete(o.flying, n)
	if answer.Error == "" {
		o.arrived[n]++
	}
	if answer.Error.OfEndpoint() && !o.stale() {
		o.well = answer.Error == ""
	}
	if !o.openSince.IsZero() && !f.began.Before(o.openSince) && answer.Error != domain.ErrorSuppressed {
		o.probedAt, o.hastened = o.now, false
	}
	if until := answer.RetryAfter; !until.IsZero() && answer.Status == http.StatusTooManyRequests {
		if most := o.now.Add(time.Hour); until.After(most) {
			until = most
		}
		if until.After(o.slowUntil) {
			o.slowUntil = until
		}
	}
}

// checkRate counts what was sent in ten seconds.
func (o *owner) checkRate() {
	if o.config.Rate == 0 {
		return
	}
	const span = 10 * time.Second
	o.sent = slices.DeleteFunc(append(o.sent, o.now), func(at time.Time) bool { return o.now.Sub(at) > span })
	if most := o.config.Rate*span.Seconds() + max(1, o.config.Rate) + 1; float64(len(o.sent)) > most {
		o.failf("%d were sent within %s", len(o.sent), span)
	}
}

// settles holds a queue that is paused to this: once nothing is under way, nothing is until it goes on.
func (o *owner) settles() {
	settled := o.queue.Settled()
	if !o.learned && settled && (o.requests > 0 || o.queue.Figures().Recording > 0) {
		o.failf("it has settled with %d in flight", o.requests)
	}
	if o.paused && o.settled && !settled {
		o.failf("it is paused and had settled, and something is under way")
	}
	if o.settled = o.paused && settled; o.settled {
		o.calm++
	}
}

// check holds the queue to its bounds after every input.
func (o *owner) check() {
	o.settles()
	f := o.queue.Figures()
	rows, settled := o.queue.Size()
	room := queue.PerClass
	if o.traits.room > 0 {
		room = o.traits.room
	}
	waits := 0
	for _, n := range f.Waiting {
		waits += n
		if n < 0 || n > room {
			o.failf("%d of a class wait in memory", n)
		}
	}
	switch {
	case o.learned: // what is still in the air is nobody's any more
	case rows != waits+len(o.flying)+f.Recording:
		o.failf("%d in memory are %d waiting, %d flying, %d recording", rows, waits, len(o.flying), f.Recording)
	case f.Flying != o.requests:
		o.failf("%d are in flight and not %d", o.requests, f.Flying)
	case settled > 512:
		o.failf("%d are remembered", settled)
	case f.Limit < 1 || f.Limit > o.config.Concurrency:
		o.failf("the limit is %d", f.Limit)
	case o.granted != 0:
		o.failf("%d rights are not given back", o.granted)
	case o.asked > o.most+3:
		o.failf("%d rights are asked for", o.asked)
	case f.Open == o.openSince.IsZero():
		o.failf("the circuit is not what was said of it")
	}
}
