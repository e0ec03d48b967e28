package queue_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/delivery/schedule"
	"github.com/leadwire/leadwire/actors/domain"
)

var down = domain.Fail("use the store", domain.Unavailable, nil)

// event is something that happens at a time. What belongs to an activation dies with it.
type event struct {
	at  time.Time
	seq int
	do  func()
}

type events []event

func (e *events) Len() int { return len(*e) }
func (e *events) Less(i, j int) bool {
	a, b := (*e)[i], (*e)[j]
	return a.at.Before(b.at) || a.at.Equal(b.at) && a.seq < b.seq
}
func (e *events) Swap(i, j int) { (*e)[i], (*e)[j] = (*e)[j], (*e)[i] }
func (e *events) Push(x any)    { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	(*e)[len(*e)-1] = event{}
	*e = (*e)[:len(*e)-1]
	return last
}

// traits say what kind of life it is.
type traits struct {
	unsafe bool // crashes, a store that fails before or after it has committed
	deaf   bool // hints are lost, late, or doubled
	meddle bool // somebody cancels, hastens, pauses and changes the configuration
	brief  bool // the default schedule, or one of minutes
	room   int
	actors int // leads
}

// flight is an attempt in the air.
type flight struct {
	send  queue.Send
	began time.Time
}

// life is one endpoint's, from a seed.
type life struct {
	rng    *rand.Rand
	traits traits
	store  *ledger
	now    time.Time
	events events
	seq    int

	queue   *queue.Queue
	life    int // of the queue: it rises with each crash
	config  domain.Endpoint
	own     schedule.Schedule
	paused  bool
	reacher func(queue.Send) domain.Sent // the endpoint, as it is now
	mode    string

	most      int // concurrency, ever
	flying    map[int64]flight
	asked     int
	granted   int // and not used
	sent      []time.Time
	sentSince time.Time
	slowUntil time.Time
	openSince time.Time
	probedAt  time.Time       // when the last probe ended
	hastened  bool            // since then
	disabled  bool            // as far as the queue was told
	judged    map[int64]int64 // the revision of which it was said last what became of it
	recording map[int64]int   // on their way to the store
	meddled   map[int64]bool  // somebody else changed it, or this activation's predecessor
	arrived   map[int64]int   // answered 2xx

	enabled bool // it was disabled before
	crashed bool
	well    bool // the last answer that says anything of the endpoint is a success

	log      []string
	verbose  bool
	broken   string
	attempts int
	opened   int
	told     int
}

func (l *life) failf(format string, args ...any) {
	if l.broken == "" {
		l.broken = fmt.Sprintf(format, args...)
		l.sayf("BROKEN: %s", l.broken)
	}
}

func (l *life) sayf(format string, args ...any) {
	if l.verbose {
		l.log = append(l.log, fmt.Sprintf("%-14s ", l.now.Sub(noon))+fmt.Sprintf(format, args...))
	}
}

// after lets something happen to this activation, unless it is gone by then.
func (l *life) after(d time.Duration, do func()) {
	born := l.life
	l.always(d, func() {
		if l.life == born {
			do()
		}
	})
}

func (l *life) always(d time.Duration, do func()) {
	l.seq++
	heap.Push(&l.events, event{l.now.Add(d), l.seq, do})
}

// step lets the next thing happen.
func (l *life) step() bool {
	if len(l.events) == 0 || l.broken != "" {
		return false
	}
	if l.seq > 200_000 {
		l.failf("it does not come to rest")
		return false
	}
	e := heap.Pop(&l.events).(event)
	l.now = e.at
	e.do()
	return true
}

func (l *life) millis(most int) time.Duration {
	return time.Duration(l.rng.IntN(most*1000+1)) * time.Microsecond
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
		due := l.store.due(s.At, s.Limit) // what is answered may be old by the time it comes
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

func (l *life) configure() {
	e := domain.Endpoint{ID: key.Endpoint}
	e.Concurrency = []int{0, 0, 1, 2, 5, 64}[l.rng.IntN(6)]
	e.Rate = []float64{0, 0, 0, 0.5, 2, 20}[l.rng.IntN(6)]
	e.Timeout = []time.Duration{0, time.Second, 5 * time.Second}[l.rng.IntN(3)]
	e.Hold = []time.Duration{0, time.Second, time.Minute}[l.rng.IntN(3)]
	e.DisableAfter = []time.Duration{0, domain.MinDisableAfter, 6 * time.Hour}[l.rng.IntN(3)]
	if l.traits.brief {
		e.Terminal = time.Minute + l.millis(3_600_000)
		for range 1 + l.rng.IntN(6) {
			e.Schedule = append(e.Schedule, time.Second+l.millis(int(e.Terminal/time.Millisecond)/4))
		}
	}
	l.config, l.own = e.WithDefaults(), schedule.Of(e)
	l.most = max(l.most, l.config.Concurrency)
	l.sent = nil
}

func (l *life) tell() { l.take(l.queue.Configure(l.now, l.config, l.paused, 1)) }

func newLife(seed uint64, verbose bool) *life {
	rng := rand.New(rand.NewPCG(seed, 5))
	l := &life{rng: rng, now: noon, store: newLedger(), verbose: verbose, judged: map[int64]int64{}, recording: map[int64]int{}, meddled: map[int64]bool{}, arrived: map[int64]int{}}
	l.traits = traits{
		unsafe: rng.IntN(2) == 0, deaf: rng.IntN(3) == 0, meddle: rng.IntN(2) == 0, brief: rng.IntN(3) > 0,
		room: []int{0, 2, 5}[rng.IntN(3)], actors: []int{1, 3, 10}[rng.IntN(3)],
	}
	l.configure()
	l.sayf("%+v %+v", l.traits, l.config)
	l.become("healthy")
	l.activate()
	return l
}

func (l *life) lead() domain.LeadID {
	return domain.LeadID(fmt.Sprint("ghl-", l.rng.IntN(l.traits.actors)))
}

func (l *life) owe(class domain.Class) {
	d := l.store.owe(l.now, l.lead(), class)
	l.sayf("owed %d of %s, class %d, behind %v", d.N, d.Lead, class, d.Behind)
	l.hint(func() []queue.Step { return l.queue.Owed(l.now, d) })
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
	switch l.rng.IntN(12) {
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
			l.take(l.queue.Owed(l.now))
		}
	case 9, 10, 11:
		if l.traits.meddle {
			l.meddle()
		}
	}
}

func (l *life) enable() {
	s := l.store.enable()
	l.sayf("enabled")
	l.enabled = true
	l.disabled = false
	l.hint(func() []queue.Step { return l.queue.Changed(l.now, s) })
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
		l.hint(func() []queue.Step { return l.queue.Ended(l.now, n) })
	case !d.DueAt.IsZero() && !d.Behind && d.DueAt.After(l.now):
		d.DueAt = l.now
		hastened := *d
		l.sayf("hastened %d", d.N)
		l.hint(func() []queue.Step {
			l.hastened = true
			return l.queue.Hastened(l.now, hastened)
		})
	}
}

// finish lets everything that was begun end, while nothing interferes any more. In half of the lives the endpoint stays
// as bad as it is.
func (l *life) finish() {
	scan := l.traits.deaf || l.traits.meddle
	l.traits.unsafe, l.traits.deaf = false, false
	l.sayf("FINISH")
	if l.rng.IntN(2) == 0 || l.mode == "gone" {
		l.become("healthy")
	}
	if l.paused {
		l.paused = false
		l.tell()
	}
	if scan {
		l.take(l.queue.Owed(l.now)) // the shell looks at each endpoint that has something pending, now and then
	}
	until := l.now.Add(l.config.Hold + 3*l.config.Terminal + 3*time.Hour)
	for range 100_000 {
		switch {
		case l.broken != "" || len(l.store.pending) == 0 && len(l.events) == 0:
			return
		case !l.store.state.DisabledAt.IsZero() && len(l.flying) == 0:
			l.become("healthy")
			l.enable()
			until = l.now.Add(l.config.Hold + 3*l.config.Terminal + 3*time.Hour)
		case l.now.After(until):
			l.failf("%d has not ended", l.store.pending[0].N)
		case l.step():
		case scan:
			l.now = l.now.Add(time.Minute)
			l.take(l.queue.Owed(l.now))
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
	if l.queue.Busy() {
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
	case l.crashed || l.traits.meddle || !l.store.state.DisabledAt.IsZero():
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

func run(seed uint64, verbose bool) *life {
	l := newLife(seed, verbose)
	l.live()
	l.finish()
	l.ends()
	return l
}

// Whole lives from seeds: endpoints that are slow, dead, overloaded or gone, hints that are lost, late and doubled, a store
// that fails before or after it has committed and shows what is old, crashes, people who cancel, hasten, pause and
// configure. Whatever happens: order per lead, one in flight, nothing early, nothing after its end, bounds that hold, and
// in the end every delivery has ended.
func TestQueue_Lives(t *testing.T) {
	t.Parallel()
	seeds := uint64(10_000)
	if raceDetector || testing.Short() {
		seeds = 1000
	}
	const workers = 4
	var (
		wg     sync.WaitGroup
		broken atomic.Bool
		sums   [workers]sum
	)
	for w := range uint64(workers) {
		wg.Go(func() {
			for seed := w; seed < seeds && !broken.Load(); seed += workers {
				l := run(seed, false)
				if l.broken != "" {
					broken.Store(true)
					t.Errorf("seed %d: %s\n%s", seed, l.broken, strings.Join(run(seed, true).log, "\n"))
				}
				sums[w].add(l)
			}
		})
	}
	wg.Wait()
	var all sum
	for _, s := range sums {
		all.attempts, all.opened, all.told = all.attempts+s.attempts, all.opened+s.opened, all.told+s.told
		for state, n := range s.states {
			all.count(state, n)
		}
	}
	t.Logf("%d lives: %d attempts, the circuit opened %d times, %d changes were told, %v", seeds, all.attempts, all.opened, all.told, all.states)
	lives := int(seeds)
	require.Greater(t, all.attempts, 30*lives, "the lives are worth living")
	require.Greater(t, all.opened, lives/2)
	require.Greater(t, all.told, 2*lives)
	for _, state := range domain.DeliveryStates()[1:] {
		require.Greater(t, all.states[state], lives/5, state)
	}
}

// sum is what lives were made of.
type sum struct {
	attempts, opened, told int
	states                 map[domain.DeliveryState]int
}

func (s *sum) count(state domain.DeliveryState, n int) {
	if s.states == nil {
		s.states = map[domain.DeliveryState]int{}
	}
	s.states[state] += n
}

func (s *sum) add(l *life) {
	s.attempts, s.opened, s.told = s.attempts+l.attempts, s.opened+l.opened, s.told+l.told
	for _, d := range l.store.rows {
		s.count(d.State, 1)
	}
}
