package queue_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

var down = domain.Fail("use the store", domain.Unavailable, nil)

// flight is an attempt in the air.
type flight struct {
	send  queue.Send
	began time.Time
}

func (l *life) activate() {
	l.life++
	l.asked, l.granted, l.flying = 0, 0, map[int64]flight{}
	l.sent, l.sentSince, l.slowUntil, l.openSince, l.disabled = nil, l.now, time.Time{}, time.Time{}, false
	l.queue = queue.New(key, fence, l.config, l.paused, 1, announce)
	if l.traits.room > 0 {
		l.queue.SetRoom(l.traits.room)
	}
	l.take(l.queue.Start(l.now))
}

// take performs steps as a shell would, and holds them to the promises.
func (l *life) take(steps []queue.Step) {
	for _, s := range steps {
		if l.verbose {
			l.sayf("  %s", describe(s))
		}
		switch s := s.(type) {
		case queue.Load:
			l.load(s)
		case queue.Ask:
			l.asked++
			l.after(l.gate(), func() {
				l.asked--
				l.granted++
				l.sayf("granted")
				l.take(l.queue.Granted(l.now))
			})
		case queue.Release:
			l.granted--
		case queue.Send:
			l.granted--
			l.send(s)
		case queue.Record:
			l.record(s.Attempted)
		case queue.Wake:
			l.after(s.After, func() { l.take(l.queue.Due(l.now)) })
		case queue.Noted:
			switch s.Notice {
			case queue.Opened:
				l.openSince, l.probedAt, l.hastened = l.now, l.now, false
				l.opened++
			case queue.Closed:
				l.openSince = time.Time{}
			case queue.Disabled:
				l.disabled = true
			}
		default:
			l.failf("an unexpected step: %T", s)
		}
	}
	l.check()
}

func describe(s queue.Step) string {
	switch s := s.(type) {
	case queue.Send:
		return fmt.Sprintf("Send %d of %s, %s, due %s, behind %v", s.Delivery.N, s.Delivery.Lead, s.Trigger, s.ScheduledAt.Sub(noon), s.OutOfOrder)
	case queue.Record:
		a := s.Attempted
		return fmt.Sprintf("Record %d/%d: %s (%s), next %s, disable %q", a.Delivery, a.Expect, a.State, a.Receipt.Reason, a.NextAt.Sub(noon), a.Disable)
	case queue.Load:
		return fmt.Sprintf("Load %d", s.Limit)
	default:
		return strings.TrimPrefix(fmt.Sprintf("%T %+v", s, s), "queue.")
	}
}

// gate is how long the node takes to grant.
func (l *life) gate() time.Duration {
	if l.rng.IntN(3) > 0 {
		return 0
	}
	return l.millis(200)
}

func (l *life) load(s queue.Load) {
	read := l.millis(20)
	if l.traits.unsafe && l.rng.IntN(8) == 0 {
		l.after(read, func() { l.take(l.queue.Loaded(l.now, domain.Due{}, down)) })
		return
	}
	l.after(read, func() {
		due := l.store.due(s.At, s.Limit, s.Except) // what is answered may be old by the time it comes
		l.after(l.millis(30), func() {
			l.sayf("loaded %d, more %v, next %s", len(due.Deliveries), due.More, due.NextAt.Sub(noon))
			l.disabled = !due.State.DisabledAt.IsZero() && l.disabled
			l.take(l.queue.Loaded(l.now, due, nil))
		})
	})
}

func (l *life) record(a domain.Attempted) {
	terminal := l.own.TerminalAt(domain.Delivery{FirstAt: latest(l.store.of(a.Delivery).FirstAt, a.Receipt.At, l.store.of(a.Delivery).FirstAt.IsZero())})
	again := l.judged[a.Delivery] == a.Expect // the same, once more: time has gone on meanwhile
	l.judged[a.Delivery] = a.Expect
	switch {
	case again:
	case a.State == domain.DeliveryPending && a.NextAt.After(terminal):
		l.failf("%d is planned past its terminal time %s", a.Delivery, terminal.Sub(noon))
	case a.State == domain.DeliveryPending && a.NextAt.Before(a.Receipt.EndedAt()):
		l.failf("%d is planned before its attempt has ended", a.Delivery)
	case a.State == domain.DeliveryExhausted && a.Receipt.Error == domain.ErrorDown && l.openSince.IsZero():
		l.failf("%d has ended without an attempt, and the circuit is closed", a.Delivery)
	}
	fail := 0
	if l.traits.unsafe {
		fail = max(0, l.rng.IntN(10)-7) // 1 before it has committed, 2 after
	}
	commit := func() (domain.AttemptRecorded, error) {
		if fail == 1 {
			return domain.AttemptRecorded{}, down
		}
		got, err := l.store.record(a)
		l.sayf("committed %d/%d: %+v %v", a.Delivery, a.Expect, got, err)
		if fail == 2 {
			return domain.AttemptRecorded{}, down
		}
		return got, err
	}
	born, crashed := l.life, l.rng.IntN(2) == 0
	l.recording[a.Delivery]++
	l.always(l.millis(20), func() {
		l.recording[a.Delivery]--
		if l.life != born && crashed { // it crashed before this left
			return
		}
		got, err := commit()
		if l.life != born {
			return
		}
		l.after(l.millis(10), func() {
			l.sayf("recorded %d: %+v %v", a.Delivery, got, err)
			l.take(l.queue.Recorded(l.now, a, got, err))
		})
	})
}

func latest(first, at time.Time, untried bool) time.Time {
	if untried {
		return at
	}
	return first
}

// crash loses what is in memory. What was in the air arrived, or did not.
func (l *life) crash() {
	l.sayf("CRASH")
	l.crashed = true
	for n := range l.flying {
		if l.rng.IntN(2) == 0 && l.mode == "healthy" {
			l.arrived[n]++
		}
	}
	for n, records := range l.recording {
		l.meddled[n] = l.meddled[n] || records > 0 // it may be committed behind the next one's back
	}
	l.activate()
}

// hint tells the queue of something, if it is not lost.
func (l *life) hint(do func() []queue.Step) {
	if !l.traits.deaf {
		l.take(do())
		return
	}
	for range []int{0, 0, 1, 1, 1, 1, 1, 2}[l.rng.IntN(8)] {
		l.after(l.millis([]int{1, 50, 5000}[l.rng.IntN(3)]), func() { l.take(do()) })
	}
}
