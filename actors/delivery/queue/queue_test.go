package queue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/delivery/schedule"
	"github.com/leadwire/leadwire/actors/domain"
)

const (
	first  = domain.ClassFirst
	update = domain.ClassUpdate
	retry  = domain.ClassRetry
	replay = domain.ClassReplay
)

// The receipt says everything that is known of an attempt, and the delivery is as the store has it.
func TestQueue_Delivers(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	n := d.owe("ghl-ada", first)
	require.Len(t, d.sent, 1)
	require.Equal(t, queue.Send{Delivery: *d.store.of(n), Trigger: domain.TriggerFirst, ScheduledAt: noon, Hinted: true}, d.sent[0])
	d.advance(40 * time.Millisecond)
	s := answer(200, 30*time.Millisecond)
	s.Address, s.Body = "192.0.2.1:443", []byte("thanks")
	d.answer(n, s)
	require.Equal(t, domain.DeliveryDelivered, d.store.of(n).State)
	require.Equal(t, []domain.Receipt{{
		Delivery: n, Number: 1, Trigger: domain.TriggerFirst, ScheduledAt: noon, At: noon.Add(10 * time.Millisecond),
		Phases: domain.Phases{Total: 30 * time.Millisecond}, Status: 200, Body: []byte("thanks"), Reason: "200 OK",
		Address: "192.0.2.1:443", SecretID: "s-1", Revision: 4,
	}}, d.store.receipt[n])
	require.False(t, d.queue.Busy())
}

// Events of a lead that come at once leave one after the other; each knows how long it was held.
func TestQueue_KeepsTheOrderOfALead(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	a, b, other := d.owe("ghl-ada", first), d.owe("ghl-ada", update), d.owe("ghl-bob", update)
	require.Equal(t, []int64{a, other}, d.sends())
	d.advance(time.Second)
	d.answer(a, answer(200, time.Second))
	require.Len(t, d.sent, 1)
	require.Equal(t, b, d.sent[0].Delivery.N)
	require.Equal(t, time.Second, d.sent[0].Held)
	require.Zero(t, d.sent[0].Queue)
	require.False(t, d.sent[0].OutOfOrder)
	require.Equal(t, 1, d.loads, "what comes next was here")
}

// Those behind a failing one go when its hold is over, one at a time, the lowest first, and say so.
func TestQueue_HoldsForAWhile(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Hold: time.Minute, Schedule: []time.Duration{time.Hour}})
	a, b, c := d.owe("ghl-ada", first), d.owe("ghl-ada", update), d.owe("ghl-ada", update)
	d.sends()
	d.answer(a, answer(400, 0))
	d.advance(time.Minute - 1)
	require.Empty(t, d.sends())
	d.advance(1)
	require.Len(t, d.sent, 1)
	require.True(t, d.sent[0].OutOfOrder)
	require.Equal(t, []int64{b}, d.sends())
	late := d.owe("ghl-ada", update)
	d.answer(b, answer(200, 0))
	require.Equal(t, []int64{c}, d.sends())
	d.answer(c, answer(200, 0))
	require.Equal(t, []int64{late}, d.sends(), "the hold is over for what comes later, too")
	require.True(t, d.store.receipt[c][0].OutOfOrder)

	d = open(t, domain.Endpoint{Hold: time.Minute, Schedule: []time.Duration{time.Hour}})
	a = d.owe("ghl-ada", first)
	untold := d.store.owe(d.now, "ghl-ada", update).N
	d.sends()
	d.answer(a, answer(400, 0))
	d.advance(time.Minute)
	require.Equal(t, []int64{untold}, d.sends(), "those that nobody told of are looked for")
}

// Somebody asks for a delivery: at once, though it is not due and the circuit is open; its schedule stays as it was.
func TestQueue_Hastens(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	d.failing()
	n := int64(3)
	d.store.of(n).DueAt = d.now
	d.take(d.queue.Hastened(d.now, *d.store.of(n)))
	require.Len(t, d.sent, 1)
	require.Equal(t, domain.TriggerManual, d.sent[0].Trigger)
	require.Equal(t, []int64{n}, d.sends())
	own := schedule.Of(d.config)
	want, _ := own.Next(*d.store.of(n), d.now, time.Time{})
	d.answer(n, answer(500, 0))
	require.Equal(t, want, d.store.of(n).DueAt)
}

// Whatever is forecast comes true when nothing interferes: for any schedule if the endpoint answers no, and for the default
// one if it is down, because its pauses are longer than those between probes.
func TestQueue_ForecastComesTrue(t *testing.T) {
	t.Parallel()
	for _, status := range []int{422, 500} {
		for seed := range uint64(150) {
			l := newLife(seed, false)
			e := domain.Endpoint{DisableAfter: domain.MaxDisableAfter}
			if status == 422 {
				e.Schedule, e.Terminal = l.config.Schedule, l.config.Terminal
			}
			d := open(t, e)
			d.advance(time.Duration(seed) * 1234567 * time.Microsecond)
			n := d.owe("ghl-ada", first)
			told := schedule.Of(e).Forecast(*d.store.of(n), d.now)
			for i, at := range told {
				require.Len(t, d.sent, 1, "seed %d: attempt %d of %d", seed, i+1, len(told))
				require.Equal(t, i == 0, d.now.Sub(at) >= 0 && i == 0, "seed %d", seed)
				require.Less(t, d.now.Sub(at).Abs(), time.Millisecond, "seed %d: attempt %d", seed, i+1)
				d.answerAll(answer(status, 0))
				if i+1 < len(told) {
					require.Equal(t, told[i+1], d.store.of(n).DueAt, "seed %d", seed)
					d.advance(told[i+1].Sub(d.now) - 1)
					require.Empty(t, d.sent, "seed %d: never early", seed)
					d.advance(1)
				}
			}
			require.Equal(t, domain.DeliveryExhausted, d.store.of(n).State, "seed %d", seed)
		}
	}
}

// What deciding costs for one delivery, from the hint to its record, with a backlog in memory.
func BenchmarkQueue(b *testing.B) {
	q := queue.New(key, fence, domain.Endpoint{}, false, 1, nil)
	q.Start(noon)
	q.Loaded(noon, domain.Due{}, nil)
	n, todo := int64(0), []queue.Step(nil)
	owe := func() {
		n++
		d := domain.Delivery{N: n, Account: key.Account, Endpoint: key.Endpoint, State: domain.DeliveryPending, Revision: 1, OwedAt: noon, DueAt: noon}
		d.Lead = domain.LeadID(fmt.Sprint("ghl-", n))
		todo = append(todo, q.Owed(noon, d)...)
	}
	for range queue.PerClass {
		owe()
	}
	done := answer(200, 0)
	b.ReportAllocs()
	for b.Loop() {
		for recorded := false; !recorded; {
			step := todo[0]
			todo = todo[1:]
			switch s := step.(type) {
			case queue.Ask:
				todo = append(todo, q.Granted(noon)...)
			case queue.Send:
				todo = append(todo, q.Attempted(noon, s.Delivery.N, done, "s-1")...)
			case queue.Record:
				todo = append(todo, q.Recorded(noon, s.Attempted, domain.AttemptRecorded{Outcome: domain.Done}, nil)...)
				recorded = true
			}
		}
		owe()
	}
}
