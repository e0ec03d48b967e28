package queue_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/delivery/schedule"
	"github.com/leadwire/leadwire/actors/domain"
)

// owner is one activation of the endpoint on a node: a queue, the shell that does what it says, and what both were told.
// Several may be alive, and the store takes the records of one: of the others' epochs it says that they are fenced.
type owner struct {
	*life

	node    string
	fence   domain.Fence
	queue   *queue.Queue
	dropped bool // it is out of memory, and nothing reaches it any more
	learned bool // a record of it was fenced, and it has said that it stops

	// As it was told.
	config    domain.Endpoint
	own       schedule.Schedule
	paused    bool
	settled   bool // and nothing was under way any more
	disabled  bool
	awayUntil time.Time // it does not reach the store before

	flying    map[int64]flight
	requests  int             // these are in
	recording map[int64]int   // on their way to the store
	judged    map[int64]int64 // the revision of which it said last what became of it
	late      map[int64]bool  // sent since it is stale
	asked     int
	granted   int // and not used
	sent      []time.Time
	slowUntil time.Time
	openSince time.Time
	probedAt  time.Time // when the last probe ended
	hastened  bool      // since then
}

// flight is an attempt in the air.
type flight struct {
	send  queue.Send
	began time.Time
}

var down = domain.Fail("use the store", domain.Unavailable, nil)

// activate lets a node own the endpoint, with the epoch that the store has.
func (l *life) activate(node string) {
	o := &owner{
		life: l, node: node, fence: domain.Fence{Partition: fence.Partition, Epoch: l.store.epoch},
		config: l.config, own: l.own, paused: l.paused,
		flying: map[int64]flight{}, recording: map[int64]int{}, judged: map[int64]int64{}, late: map[int64]bool{},
	}
	l.owner = o
	o.queue = queue.New(key, o.fence, o.config, o.paused, 1, announce)
	if l.traits.room > 0 {
		o.queue.SetRoom(l.traits.room)
	}
	o.take(o.queue.Start(l.now))
}

// stale says whether another node has taken the endpoint over.
func (o *owner) stale() bool { return o.fence.Epoch != o.store.epoch }

func (o *owner) sayf(format string, args ...any) {
	if o.verbose {
		o.life.sayf(fmt.Sprint(o.node, o.fence.Epoch, " ", format), args...)
	}
}

// after lets something happen to this activation, unless it is out of memory by then.
func (o *owner) after(d time.Duration, do func()) {
	o.always(d, func() {
		if !o.dropped {
			do()
		}
	})
}

// take performs steps as a shell would, and holds them to the promises.
func (o *owner) take(steps []queue.Step) {
	for _, s := range steps {
		if o.verbose {
			o.sayf("  %s", describe(s))
		}
		if _, returns := s.(queue.Release); o.learned && !returns {
			o.failf("it knows that it is stale, and goes on: %T", s)
		}
		o.perform(s)
	}
	o.check()
}

func (o *owner) perform(s queue.Step) {
	switch s := s.(type) {
	case queue.Load:
		o.load(s)
	case queue.Ask:
		o.asked++
		o.after(o.gate(), func() {
			o.asked--
			o.granted++
			o.sayf("granted")
			o.take(o.queue.Granted(o.now))
		})
	case queue.Release:
		o.granted--
	case queue.Send:
		o.granted--
		o.send(s)
	case queue.SendBatch:
		o.granted--
		o.sendBatch(s)
	case queue.Record:
		o.record(s.Attempted)
	case queue.Wake:
		o.after(s.After, func() { o.take(o.queue.Due(o.now)) })
	case queue.Noted:
		o.note(s.Notice)
	case queue.Abandon:
		o.abandon()
	default:
		o.failf("an unexpected step: %T", s)
	}
}

func (o *owner) note(n queue.Notice) {
	switch n {
	case queue.Opened:
		o.openSince, o.probedAt, o.hastened = o.now, o.now, false
		o.opened++
	case queue.Closed:
		o.openSince = time.Time{}
	case queue.Disabled:
		o.disabled = true
	}
}

func describe(s queue.Step) string {
	switch s := s.(type) {
	case queue.Send:
		return fmt.Sprintf("Send %d of %s, %s, due %s, behind %v", s.Delivery.N, s.Delivery.Lead, s.Trigger, s.ScheduledAt.Sub(noon), s.OutOfOrder)
	case queue.SendBatch:
		var all []string
		for _, one := range s.Sends {
			all = append(all, describe(one))
		}
		return "SendBatch: " + strings.Join(all, "; ")
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
func (o *owner) gate() time.Duration {
	if o.rng.IntN(3) > 0 {
		return 0
	}
	return o.millis(200)
}
