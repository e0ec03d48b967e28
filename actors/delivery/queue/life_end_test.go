package queue_test

import (
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// finish lets everything that was begun end, while nothing interferes any more. In half of the lives the endpoint stays
// as bad as it is.
func (l *life) finish() {
	scan := l.traits.deaf || l.traits.meddle
	l.traits.unsafe, l.traits.deaf, l.traits.roams = false, false, false
	l.sayf("FINISH")
	if l.rng.IntN(2) == 0 || l.mode == "gone" {
		l.become("healthy")
	}
	if l.paused {
		l.paused = false
		l.tell()
	}
	if scan {
		l.owner.take(l.owner.queue.Owed(l.now)) // the shell looks at each endpoint that has something pending, now and then
	}
	until := l.now.Add(l.config.Hold + 3*l.config.Terminal + 3*time.Hour)
	for range 100_000 {
		switch {
		case l.broken != "" || len(l.store.pending) == 0 && len(l.events) == 0:
			return
		case !l.store.state.DisabledAt.IsZero() && len(l.owner.flying) == 0:
			l.become("healthy")
			l.enable()
			until = l.now.Add(l.config.Hold + 3*l.config.Terminal + 3*time.Hour)
		case l.now.After(until):
			l.failf("%d has not ended", l.store.pending[0].N)
		case l.step():
		case scan:
			l.now = l.now.Add(time.Minute)
			l.owner.take(l.owner.queue.Owed(l.now))
		default:
			l.failf("%d is pending, and nothing will happen", l.store.pending[0].N)
		}
	}
	l.failf("it does not come to rest")
}

// ends holds every delivery to what was promised of it.
func (l *life) ends() {
	for _, d := range l.store.rows {
		receipts := l.store.receipt[d.N]
		switch {
		case d.State == domain.DeliveryPending:
			l.failf("%d is pending", d.N)
		case l.store.ends[d.N] != 1:
			l.failf("%d has ended %d times", d.N, l.store.ends[d.N])
		case d.State == domain.DeliveryDelivered && l.arrived[d.N] == 0:
			l.failf("%d has not arrived", d.N)
		case d.State == domain.DeliveryExhausted && d.Reason == "":
			l.failf("%d has ended without a reason", d.N)
		case len(receipts) != d.Attempts:
			l.failf("%d has %d receipts of %d attempts", d.N, len(receipts), d.Attempts)
		}
		last := 0
		for i, r := range receipts {
			if r.Number != i+1 {
				l.failf("%d: receipt %d is number %d", d.N, i+1, r.Number)
			}
			if !r.At.Before(d.FirstAt.Add(l.config.Terminal)) {
				last++
			}
		}
		if late := d.EndedAt.Sub(d.FirstAt.Add(l.config.Terminal)); !d.FirstAt.IsZero() && late > l.slack() {
			l.failf("%d has ended %s after its terminal time", d.N, late)
		}
		if last > 1 && !l.traits.meddle {
			l.failf("%d was tried %d times after its terminal time", d.N, last)
		}
	}
	if l.owner.queue.Busy() {
		l.failf("it is busy, with nothing to do")
	}
	l.said()
}

// said holds what operators were told to its promises: each change of the endpoint's condition once and in order, and each
// delivery that was given up.
func (l *life) said() {
	exhausted, was, ids := map[domain.EventID]bool{}, domain.ToldWell, map[domain.EventID]bool{}
	for _, a := range l.store.said {
		if ids[a.ID] {
			l.failf("%s was said twice", a.ID)
		}
		ids[a.ID] = true
		is := was
		switch a.Type {
		case domain.DeliveryExhaustedEvent:
			exhausted[a.ID] = true
			continue
		case domain.EndpointRecoveredEvent:
			is = domain.ToldWell
		case domain.EndpointDisabledEvent:
			is = domain.ToldDisabled
		case domain.EndpointFailingEvent:
			is = domain.ToldFailing
			if a.Lead != "0" {
				_, _ = fmt.Sscan(string(a.Lead), &is)
			}
			if is <= was && was != domain.ToldDisabled {
				l.failf("failing %d was said after %d", is, was)
			}
		}
		if is == was {
			l.failf("%s was said again", a.Type)
		}
		was = is
		l.told++
	}
	for _, d := range l.store.rows {
		id := domain.EventID(fmt.Sprintf("%s of %d/%d", domain.DeliveryExhaustedEvent, d.N, d.Revision-1))
		if exhausted[id] != (d.State == domain.DeliveryExhausted) {
			l.failf("%d is %s, and that it was given up was said: %v", d.N, d.State, exhausted[id])
		}
		delete(exhausted, id)
	}
	switch {
	case len(exhausted) > 0:
		l.failf("deliveries were said to be given up that were not: %v", exhausted)
	case was != l.store.state.Told:
		l.failf("the store has that %d was told, and it was %d", l.store.state.Told, was)
	case l.interrupted || l.traits.meddle || !l.store.state.DisabledAt.IsZero():
	case l.well != (was == domain.ToldWell):
		l.failf("the endpoint is well: %v, and %d was told", l.well, was)
	}
}

// slack is how late a delivery may end: while the endpoint wants nothing (an hour at most), until an open circuit has
// probed it or given it up (another), and until its rate and its places have let it through. What does not fit into the
// window is found when those before it have ended. Nothing ends while it is paused or disabled.
func (l *life) slack() time.Duration {
	if l.traits.meddle || l.enabled {
		return 1000 * time.Hour
	}
	slack := 3 * time.Hour
	if l.traits.room > 0 {
		slack += l.config.Terminal
	}
	return slack
}
