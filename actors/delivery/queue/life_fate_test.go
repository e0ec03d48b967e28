package queue_test

import (
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/delivery/schedule"
	"github.com/leadwire/leadwire/actors/domain"
)

// traits say what kind of life it is.
type traits struct {
	unsafe bool // crashes, a store that fails before or after it has committed
	deaf   bool // hints are lost, late, or doubled
	meddle bool // somebody cancels, hastens, pauses and changes the configuration
	brief  bool // the default schedule, or one of minutes
	room   int
	actors int  // leads
	roams  bool // other nodes take the endpoint over
}

func (l *life) configure() {
	e := domain.Endpoint{ID: key.Endpoint}
	e.Concurrency = []int{0, 0, 1, 2, 5, 64}[l.rng.IntN(6)]
	e.Rate = []float64{0, 0, 0, 0.5, 2, 20}[l.rng.IntN(6)]
	e.Timeout = []time.Duration{0, time.Second, 5 * time.Second}[l.rng.IntN(3)]
	e.Hold = []time.Duration{0, time.Second, time.Minute}[l.rng.IntN(3)]
	e.DisableAfter = []time.Duration{0, domain.MinDisableAfter, 6 * time.Hour}[l.rng.IntN(3)]
	if count := []int{0, 0, 2, 5, 10}[l.rng.IntN(5)]; count > 0 {
		e.Batch = domain.Batch{Count: count, Bytes: 4096, Delay: []time.Duration{10 * time.Millisecond, time.Second, time.Minute}[l.rng.IntN(3)]}
	}
	if l.traits.brief {
		e.Terminal = time.Minute + l.millis(3_600_000)
		for range 1 + l.rng.IntN(6) {
			e.Schedule = append(e.Schedule, time.Second+l.millis(int(e.Terminal/time.Millisecond)/4))
		}
	}
	l.config, l.own = e.WithDefaults(), schedule.Of(e)
	l.most = max(l.most, l.config.Concurrency)
}

func (l *life) lead() domain.LeadID {
	return domain.LeadID(fmt.Sprint("ghl-", l.rng.IntN(l.traits.actors)))
}

func (l *life) owe(class domain.Class) {
	d := l.store.owe(l.now, l.lead(), class)
	l.sayf("owed %d of %s, class %d, behind %v", d.N, d.Lead, class, d.Behind)
	l.hint(d.N, func(o *owner) []queue.Step { return o.queue.Owed(l.now, d) })
}

// one is a pending delivery.
func (l *life) one() *domain.Delivery {
	if len(l.store.pending) == 0 {
		return nil
	}
	return l.store.pending[l.rng.IntN(len(l.store.pending))]
}

// live is what happens to the endpoint, one thing after the other.
func (l *life) live() {
	for range 25 + l.rng.IntN(35) {
		until := l.now.Add(l.millis([]int{20, 1000, 1000, 30_000, 600_000, 7_200_000}[l.rng.IntN(6)]))
		for len(l.events) > 0 && !l.events[0].at.After(until) {
			if !l.step() {
				return
			}
		}
		l.now = until
		l.act()
	}
}

func (l *life) act() {
	switch l.rng.IntN(14) {
	case 0, 1, 2:
		for range 1 + l.rng.IntN(4) {
			l.owe(domain.Class(l.rng.IntN(2)))
		}
	case 3:
		for range 1 + l.rng.IntN(15) {
			l.owe([]domain.Class{domain.ClassFirst, domain.ClassUpdate, domain.ClassReplay}[l.rng.IntN(3)])
		}
	case 4, 5, 6:
		l.become(modes[l.rng.IntN(len(modes))])
	case 7:
		if l.traits.unsafe {
			l.crash()
		}
	case 8:
		if !l.store.state.DisabledAt.IsZero() {
			l.enable()
		} else if l.traits.deaf {
			l.owner.take(l.owner.queue.Owed(l.now))
		}
	case 9, 10, 11:
		if l.traits.meddle {
			l.meddle()
		}
	case 12:
		for range l.rng.IntN(4) {
			l.owe(domain.ClassFirst)
		}
		l.takeOverIn(l.millis([]int{0, 100, 2000}[l.rng.IntN(3)])) // with attempts in the air, or just recorded
	case 13:
		if l.traits.unsafe {
			l.lose()
			l.owe(domain.ClassUpdate)
			l.takeOverIn(l.millis(20_000)) // with records that wait
		}
	}
}

func (l *life) enable() {
	s := l.store.enable()
	l.sayf("enabled")
	l.enabled = true
	l.owner.disabled = false
	for _, o := range l.formers {
		o.disabled = false
	}
	l.hint(0, func(o *owner) []queue.Step { return o.queue.Changed(l.now, s) })
}

func (l *life) meddle() {
	d := l.one()
	switch what := l.rng.IntN(4); {
	case what == 0:
		l.paused = !l.paused
		l.sayf("paused: %v", l.paused)
		l.tell()
	case what == 1:
		l.configure()
		l.sayf("%+v", l.config)
		l.tell()
	case d == nil:
	case what == 2:
		n := d.N
		l.meddled[n] = true
		next := l.store.end(d, domain.DeliveryCancelled, l.now)
		l.sayf("cancelled %d, next %d", n, next)
		l.hint(n, func(o *owner) []queue.Step { return o.queue.Ended(l.now, n) })
	case !d.DueAt.IsZero() && !d.Behind && d.DueAt.After(l.now):
		d.DueAt = l.now
		hastened := *d
		l.sayf("hastened %d", d.N)
		l.hint(d.N, func(o *owner) []queue.Step {
			o.hastened = true
			return o.queue.Hastened(l.now, hastened)
		})
	}
}
