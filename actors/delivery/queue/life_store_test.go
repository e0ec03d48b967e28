package queue_test

import (
	"time"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// away says whether an owner reaches the store.
func (o *owner) away() bool { return o.now.Before(o.awayUntil) }

func (o *owner) load(s queue.Load) {
	read := o.millis(20)
	if o.traits.unsafe && o.rng.IntN(8) == 0 || o.away() {
		o.after(read, func() { o.take(o.queue.Loaded(o.now, domain.Due{}, down)) })
		return
	}
	o.after(read, func() {
		due := o.store.due(s.At, s.Limit, s.Except) // what is answered may be old by the time it comes
		o.after(o.millis(30), func() {
			o.sayf("loaded %d, more %v, next %s", len(due.Deliveries), due.More, due.NextAt.Sub(noon))
			switch {
			case due.State.DisabledAt.IsZero():
				o.disabled = false
			case due.State.Revision == o.store.state.Revision:
				o.disabled = true
			}
			o.take(o.queue.Loaded(o.now, due, nil))
		})
	})
}

// record holds a Record to the promises, and brings it to the store.
func (o *owner) record(a domain.Attempted) {
	o.judge(a)
	fail := 0
	if o.traits.unsafe {
		fail = max(0, o.rng.IntN(10)-7) // 1 before it has committed, 2 after
	}
	lost := o.rng.IntN(2) == 0 // if its node goes down before it leaves
	o.recording[a.Delivery]++
	o.always(o.millis(20), func() {
		o.recording[a.Delivery]--
		if o.dropped && lost {
			return
		}
		got, err := o.commit(a, fail)
		o.after(o.millis(10), func() {
			o.sayf("recorded %d: %+v %v", a.Delivery, got, err)
			o.take(o.queue.Recorded(o.now, a, got, err))
			if domain.CodeOf(err) == domain.Fenced && (!o.learned || o.queue.Busy()) {
				o.failf("it was told that it is stale, and does not stop")
			}
		})
	})
}

func (o *owner) commit(a domain.Attempted, fail int) (domain.AttemptRecorded, error) {
	if fail == 1 || o.away() {
		return domain.AttemptRecorded{}, down
	}
	got, err := o.store.record(a)
	o.sayf("committed %d/%d: %+v %v", a.Delivery, a.Expect, got, err)
	if fail == 2 {
		return domain.AttemptRecorded{}, down
	}
	return got, err
}

// judge holds what is said of an attempt to the promises. Whoever has an older picture of a delivery may have another first
// attempt in mind than the store, and nothing comes of what it plans: its record is refused.
func (o *owner) judge(a domain.Attempted) {
	d := o.store.of(a.Delivery)
	terminal := o.own.TerminalAt(domain.Delivery{FirstAt: latest(d.FirstAt, a.Receipt.At, d.FirstAt.IsZero())})
	counts := !o.stale() && a.Expect == d.Revision
	again := o.judged[a.Delivery] == a.Expect // the same, once more: time has gone on meanwhile
	o.judged[a.Delivery] = a.Expect
	switch {
	case a.Fence != o.fence:
		o.failf("%d is recorded with somebody else's right", a.Delivery)
	case again:
	case counts && a.State == domain.DeliveryPending && a.NextAt.After(terminal):
		o.failf("%d is planned past its terminal time %s", a.Delivery, terminal.Sub(noon))
	case a.State == domain.DeliveryPending && a.NextAt.Before(a.Receipt.EndedAt()):
		o.failf("%d is planned before its attempt has ended", a.Delivery)
	case a.State == domain.DeliveryExhausted && a.Receipt.Error == domain.ErrorDown && o.openSince.IsZero():
		o.failf("%d has ended without an attempt, and the circuit is closed", a.Delivery)
	}
}

func latest(first, at time.Time, untried bool) time.Time {
	if untried {
		return at
	}
	return first
}
