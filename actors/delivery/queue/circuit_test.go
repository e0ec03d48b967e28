package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// Five failures of the endpoint open the circuit. Then one probe at a time is made, at growing distances; the oldest goes
// first. A success closes it, and what has piled up goes one at a time at first.
func TestQueue_OpensItsCircuit(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	for range 3 {
		n := d.owe("ghl-picky", first)
		d.sends()
		d.answer(n, answer(422, 0))
	}
	require.False(t, d.queue.Figures().Open, "what it does not like about a payload says nothing of the endpoint")
	d = open(t, domain.Endpoint{})
	d.failing()
	require.True(t, d.queue.Figures().Open)
	require.Equal(t, []queue.Notice{queue.Failing, queue.Opened}, d.notes)
	d.oweMany("ghl-", first, 30)
	require.Empty(t, d.sends())
	opened, last := d.now, d.now
	var distances []time.Duration
	for len(distances) < 7 {
		d.advance(time.Millisecond)
		if len(d.sent) == 0 {
			continue
		}
		require.Len(t, d.sent, 1)
		require.Equal(t, domain.TriggerProbe, d.sent[0].Trigger)
		require.False(t, d.sent[0].Delivery.DueAt.After(opened.Add(6*time.Second)), "the oldest")
		distances, last = append(distances, d.now.Sub(last)), d.now
		d.answerAll(answer(502, 0))
	}
	for i, seconds := range []int{5, 10, 20, 40, 50, 50, 50} {
		base := time.Duration(seconds) * time.Second
		require.GreaterOrEqual(t, distances[i], base)
		require.LessOrEqual(t, distances[i], base*6/5+time.Millisecond)
	}
	d.advance(2 * time.Minute)
	require.Len(t, d.sent, 1)
	d.answerAll(answer(200, 0))
	require.Contains(t, d.notes, queue.Closed)
	for wave := range 5 {
		require.Len(t, d.sent, wave+1, "no herd")
		d.answerAll(answer(200, 0))
	}
}

// What has waited past its terminal time for a dead endpoint ends without an attempt, and says what the endpoint last said.
func TestQueue_GivesUpWhileTheCircuitIsOpen(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Terminal: time.Hour})
	d.failing()
	d.advance(time.Minute)
	d.answerAll(answer(500, 0)) // the probe that is in the air
	n := d.owe("ghl-ada", first)
	behind := d.owe("ghl-ada", update)
	for d.now.Before(noon.Add(4 * time.Hour)) {
		d.advance(10 * time.Second)
		for _, s := range d.sent {
			require.NotEqual(t, domain.TriggerFirst, s.Trigger)
		}
		d.answerAll(answer(500, 0))
	}
	require.Empty(t, d.store.pending, "every delivery ends")
	for _, o := range []int64{n, behind} {
		require.Equal(t, domain.DeliveryExhausted, d.store.of(o).State)
		require.NotEmpty(t, d.store.of(o).Reason)
	}
	without := 0
	for _, a := range d.records {
		if a.Receipt.Error == domain.ErrorDown {
			without++
			require.Zero(t, a.Receipt.Number)
			require.Equal(t, "not sent: the endpoint is down; it last answered: 500 Internal Server Error", a.Receipt.Reason)
			o := d.store.of(a.Delivery)
			require.False(t, o.EndedAt.Before(o.OwedAt.Add(time.Hour)), "not before its time")
			require.Less(t, o.EndedAt.Sub(o.OwedAt), 2*time.Hour+time.Minute)
		}
	}
	require.Positive(t, without)
}
