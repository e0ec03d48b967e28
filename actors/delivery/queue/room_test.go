package queue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// A delivery waits for its endpoint or for us, and its receipt says how much of it was the endpoint's.
func TestQueue_SaysForWhomItWaited(t *testing.T) {
	t.Parallel()
	const second = time.Second
	grant := func(d *desk) {
		d.lazy = false
		d.take(d.queue.Granted(d.now))
	}
	for _, row := range []struct {
		why            string
		config         domain.Endpoint
		live           func(d *desk)
		queue, blocked time.Duration
	}{
		{"nothing is in the way", domain.Endpoint{}, func(d *desk) { d.owe("ghl-ada", first) }, 0, 0},
		{"the node has no right to give: ours", domain.Endpoint{}, func(d *desk) {
			d.lazy = true
			d.owe("ghl-ada", first)
			d.advance(3 * second)
			grant(d)
		}, 3 * second, 0},
		{"its places are in use for two seconds, and then the node has none: two theirs, one ours", domain.Endpoint{Concurrency: 1}, func(d *desk) {
			a := d.owe("ghl-ada", first)
			d.owe("ghl-bob", first)
			d.advance(2 * second)
			d.lazy = true
			d.answer(a, answer(200, 0))
			d.advance(second)
			grant(d)
		}, 3 * second, 2 * second},
		{"its single place is taken, and free while the node has no right, and taken again: three of five theirs", domain.Endpoint{Concurrency: 1}, func(d *desk) {
			a, b := d.owe("ghl-ada", first), d.owe("ghl-bob", first)
			d.owe("ghl-cy", first)
			d.advance(2 * second)
			d.lazy = true
			d.answer(a, answer(200, 0))
			d.advance(2 * second)
			grant(d) // bob's
			d.advance(second)
			d.answer(b, answer(200, 0))
		}, 5 * second, 3 * second},
		{"a hundred others go before it, one after the other", domain.Endpoint{Concurrency: 1}, func(d *desk) {
			for i := range 100 {
				d.owe(domain.LeadID(fmt.Sprint("ghl-", i)), first)
			}
			last := d.owe("ghl-last", first)
			for d.sent[len(d.sent)-1].Delivery.N != last {
				n := d.sent[len(d.sent)-1].Delivery.N
				d.advance(second)
				d.answer(n, answer(200, 0))
			}
		}, 100 * second, 100 * second},
		{"its rate", domain.Endpoint{Rate: 1}, func(d *desk) {
			d.owe("ghl-ada", first)
			d.owe("ghl-bob", first)
			d.advance(2 * second)
		}, 1001 * time.Millisecond, 1001 * time.Millisecond},
		{"it has asked for a pause", domain.Endpoint{Schedule: []time.Duration{12 * time.Hour}}, func(d *desk) {
			a := d.owe("ghl-ada", first)
			s := answer(429, 0)
			s.RetryAfter = d.now.Add(90 * second)
			d.answer(a, s)
			d.owe("ghl-bob", first)
			d.advance(90 * second)
		}, 90 * second, 90 * second},
		{"it was paused while it was in memory", domain.Endpoint{}, func(d *desk) {
			d.take(d.queue.Configure(d.now, d.config, true, 5))
			d.owe("ghl-ada", first)
			d.advance(time.Minute)
			d.take(d.queue.Configure(d.now, d.config, false, 6))
		}, time.Minute, time.Minute},
		{"its secrets have to be read first: ours", domain.Endpoint{Paused: true}, func(d *desk) {
			d.owe("ghl-ada", first)
			d.advance(second)
			d.take(d.queue.Configure(d.now, domain.Endpoint{}, false, 5))
		}, second, 0},
		{"nobody had it for a minute: ours", domain.Endpoint{}, func(d *desk) {
			d.queue = queue.New(key, fence, d.config, true, 4, nil)
			d.owe("ghl-ada", first)
			d.advance(time.Minute)
			d.activate()
		}, time.Minute, 0},
		{"nobody had it for an hour, and nobody knows why: theirs until somebody has", domain.Endpoint{}, func(d *desk) {
			d.queue = queue.New(key, fence, d.config, true, 4, nil)
			d.owe("ghl-ada", first)
			d.advance(time.Hour)
			d.slow = true
			d.activate()
			d.advance(second)
			d.slow = false
			d.take(d.queue.Loaded(d.now, d.store.due(d.now, 64, nil), nil))
		}, time.Hour + second, time.Hour},
		{"it waits five seconds for others of its batch, and then for the node: two seconds of its turn, and ours", domain.Endpoint{Batch: domain.Batch{Count: 10, Delay: 5 * second}}, func(d *desk) {
			d.lazy = true
			d.owe("ghl-ada", update)
			d.advance(7 * second)
			grant(d)
		}, 2 * second, 0},
		{"it failed, and what has piled up goes when it is back", domain.Endpoint{}, func(d *desk) {
			d.failing()
			probed := d.owe("ghl-ada", first)
			d.owe("ghl-bob", first)
			d.advance(time.Minute)
			require.NotEmpty(d.t, d.sent, "a probe")
			require.Equal(d.t, domain.TriggerProbe, d.sent[len(d.sent)-1].Trigger)
			for _, n := range d.sends() {
				d.answer(n, answer(200, 0))
			}
			require.Equal(d.t, domain.DeliveryDelivered, d.store.of(probed).State)
		}, time.Minute, time.Minute},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			d := open(t, row.config)
			row.live(d)
			require.NotEmpty(t, d.sent)
			last := d.sent[len(d.sent)-1]
			require.Equal(t, row.queue, last.Queue)
			require.Equal(t, row.blocked, last.Blocked)
			d.answer(last.Delivery.N, answer(200, 0))
			require.Equal(t, row.blocked, d.records[len(d.records)-1].Receipt.Phases.Blocked)
		})
	}
}
