package queue_test

import (
	"net/http"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// send holds a Send to the promises, and lets the endpoint answer.
func (l *life) send(s queue.Send) {
	l.attempts++
	n, d := s.Delivery.N, l.store.of(s.Delivery.N)
	head := l.store.head(d.Lead)
	switch {
	case l.paused:
		l.failf("%d is sent while paused", n)
	case l.disabled:
		l.failf("%d is sent while disabled", n)
	case d.State != domain.DeliveryPending && !l.meddled[n]:
		l.failf("%d is sent after its end", n)
	case d.State == domain.DeliveryPending && d.Revision != s.Delivery.Revision && !l.meddled[n]:
		l.failf("%d is sent as it was before", n)
	case d.State == domain.DeliveryPending && !l.meddled[n] && (d.DueAt.IsZero() || d.DueAt.After(l.now)):
		l.failf("%d is sent before it is due", n)
	case head != nil && head.N < n && !s.OutOfOrder:
		l.failf("%d is sent although %d has not ended, and does not say so", n, head.N)
	case head != nil && head.N < n && !l.released(d):
		l.failf("%d is sent although %d holds it", n, head.N)
	case len(l.flying) >= l.config.Concurrency:
		l.failf("%d are sent at once", len(l.flying)+1)
	case l.now.Before(l.slowUntil):
		l.failf("%d is sent before the endpoint wants anything", n)
	case s.Queue != l.now.Sub(s.ScheduledAt) || s.Queue < 0 || s.Held < 0:
		l.failf("%d: its waiting time is not that", n)
	}
	for _, f := range l.flying {
		if f.send.Delivery.Lead == d.Lead {
			l.failf("%d and %d of one lead are in flight", n, f.send.Delivery.N)
		}
		if !l.openSince.IsZero() && f.began.After(l.openSince) {
			l.failf("%d and %d are probes", n, f.send.Delivery.N)
		}
	}
	if !l.openSince.IsZero() && !l.hastened && l.now.Sub(l.probedAt) < 5*time.Second {
		l.failf("%d is a probe too early", n)
	}
	l.checkRate()
	l.flying[n] = flight{s, l.now}
	answer := l.reacher(s)
	answer.At = l.now
	l.after(answer.Phases.Total, func() { l.answered(n, answer) })
}

// released says whether the hold of an earlier one of the lead is over.
func (l *life) released(d *domain.Delivery) bool {
	return slices.ContainsFunc(l.store.rows[:d.N-1], func(o *domain.Delivery) bool {
		return o.Lead == d.Lead && !o.ReleaseAt.IsZero() && !o.ReleaseAt.After(l.now)
	})
}

func (l *life) answered(n int64, answer domain.Sent) {
	l.sayf("answered %d: %s %s", n, answer.Error, answer.Reason)
	f := l.flying[n]
	delete(l.flying, n)
	if answer.Error == "" {
		l.arrived[n]++
	}
	if answer.Error.OfEndpoint() {
		l.well = answer.Error == ""
	}
	if !l.openSince.IsZero() && !f.began.Before(l.openSince) && answer.Error != domain.ErrorSuppressed {
		l.probedAt, l.hastened = l.now, false
	}
	if until := answer.RetryAfter; !until.IsZero() && answer.Status == http.StatusTooManyRequests {
		if most := l.now.Add(time.Hour); until.After(most) {
			until = most
		}
		if until.After(l.slowUntil) {
			l.slowUntil = until
		}
	}
	l.take(l.queue.Attempted(l.now, n, answer, "s-1"))
}

// checkRate counts what was sent in ten seconds.
func (l *life) checkRate() {
	if l.config.Rate == 0 {
		return
	}
	const span = 10 * time.Second
	l.sent = slices.DeleteFunc(append(l.sent, l.now), func(at time.Time) bool { return l.now.Sub(at) > span })
	if most := l.config.Rate*span.Seconds() + max(1, l.config.Rate) + 1; float64(len(l.sent)) > most {
		l.failf("%d were sent within %s", len(l.sent), span)
	}
}

// check holds the queue to its bounds after every input.
func (l *life) check() {
	f := l.queue.Figures()
	rows, settled := l.queue.Size()
	room := queue.PerClass
	if l.traits.room > 0 {
		room = l.traits.room
	}
	waits := 0
	for _, n := range f.Waiting {
		waits += n
		if n < 0 || n > room {
			l.failf("%d of a class wait in memory", n)
		}
	}
	switch {
	case rows != waits+f.Flying+f.Recording:
		l.failf("%d in memory are %d waiting, %d flying, %d recording", rows, waits, f.Flying, f.Recording)
	case f.Flying != len(l.flying):
		l.failf("%d are in flight and not %d", len(l.flying), f.Flying)
	case settled > 512:
		l.failf("%d are remembered", settled)
	case f.Limit < 1 || f.Limit > l.config.Concurrency:
		l.failf("the limit is %d", f.Limit)
	case l.granted != 0:
		l.failf("%d rights are not given back", l.granted)
	case l.asked > l.most+3:
		l.failf("%d rights are asked for", l.asked)
	case f.Open == l.openSince.IsZero():
		l.failf("the circuit is not what was said of it")
	}
}
