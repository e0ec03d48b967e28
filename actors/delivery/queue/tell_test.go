package queue_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// Days of an endpoint that fails: that it has begun to is said once, then when half, seven and nine tenths of its time are
// over, and in the end that it is disabled. What it has said is with the attempts, and nothing more is.
func TestQueue_TellsTheLadder(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{DisableAfter: 10 * time.Hour, Schedule: slices.Repeat([]time.Duration{time.Hour}, 20)})
	d.owe("ghl-ada", first)
	failed := d.now
	for range 2000 {
		if d.answerAll(answer(503, 0)) == 0 {
			d.advance(time.Minute)
		}
	}
	require.Equal(t, []string{"failing 0", "failing 50", "failing 70", "failing 90", "disabled 100"}, d.store.saidOf())
	require.Len(t, d.told, 5, "nothing is made that is not said")
	for i, o := range d.told {
		require.Equal(t, failed, o.Since)
		require.Equal(t, 10*time.Hour, o.Patience)
		require.Equal(t, "503 Service Unavailable", o.Receipt.Reason)
		require.Equal(t, 1, o.Pending)
		require.GreaterOrEqual(t, o.At.Sub(failed), o.Patience*time.Duration(o.Percent)/100)
		require.Equal(t, i == 4, o.NextAt.IsZero(), "when it is tried again, until it is not")
		require.Equal(t, i == 4, o.Reason != "")
	}
	require.Equal(t, domain.ToldDisabled, d.store.state.Told)

	d.take(d.queue.Changed(d.now, d.store.enable()))
	d.answerAll(answer(200, 0))
	require.Equal(t, "recovered 0", d.store.saidOf()[5])
	require.Equal(t, failed, d.told[5].Since, "how long it took")
	require.Empty(t, d.store.pending, "the queue was kept")
}

// Whatever the endpoint does after it was enabled is said: that it fails once more, too.
func TestQueue_TellsAfterItWasEnabled(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	d.owe("ghl-ada", first)
	d.answerAll(answer(410, 0))
	d.take(d.queue.Changed(d.now, d.store.enable()))
	d.advance(time.Minute)
	d.answerAll(answer(500, 0))
	require.Equal(t, []string{"disabled 0", "failing 0"}, d.store.saidOf())
	require.Contains(t, d.told[0].Reason, "410")
}

// An episode is told once however many of its failures are recorded at the same time, and its end waits until its beginning
// was told.
func TestQueue_TellsInOrder(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	d.oweMany("ghl-", first, 4)
	all := d.sends()
	away := true
	d.refuse = func(domain.Attempted) error {
		if away {
			return domain.Fail("record", domain.Unavailable, errors.New("the store is away"))
		}
		return nil
	}
	d.answer(all[0], answer(500, 0))
	d.answer(all[1], answer(500, 0))
	d.answer(all[2], answer(200, 0))
	d.answer(all[3], answer(500, 0))
	require.Empty(t, d.store.said)
	require.Len(t, d.records, 2, "the others have something to tell after the first")
	away = false
	d.advance(time.Second)
	require.Equal(t, []string{"failing 0", "recovered 0", "failing 0"}, d.store.saidOf())
}

// An activation that crashes leaves a record on its way, and the next one does not tell what that has told.
func TestQueue_TellsOnceAcrossActivations(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	a, b := d.owe("ghl-ada", first), d.owe("ghl-bob", first)
	d.sends()
	var lost domain.Attempted
	d.refuse = func(r domain.Attempted) error {
		lost = r
		return domain.Fail("record", domain.Unavailable, errors.New("the store is away"))
	}
	d.answer(a, answer(500, 0))
	d.refuse = nil
	d.activate()
	_, err := d.store.record(lost)
	require.NoError(t, err)
	d.answer(b, answer(500, 0))
	require.Equal(t, []string{"failing 0"}, d.store.saidOf())
	require.Len(t, d.store.receipt[b], 1, "its receipt is kept all the same")
	d.answer(a, answer(200, 0))
	d.advance(time.Minute)
	d.answerAll(answer(200, 0))
	require.Equal(t, []string{"failing 0", "recovered 0"}, d.store.saidOf())
}

// The next activation goes on from what was told.
func TestQueue_TellsWhatTheLastOneBegan(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	d.owe("ghl-ada", first)
	d.answerAll(answer(500, 0))
	d.activate()
	d.advance(time.Minute)
	d.answerAll(answer(200, 0))
	require.Equal(t, []string{"failing 0", "recovered 0"}, d.store.saidOf())
	require.Equal(t, noon, d.told[1].Since)
}

// Somebody has ended the delivery whose attempt was to tell that the endpoint fails: the next attempt tells it.
func TestQueue_TellsWithTheNextOne(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	a, b := d.owe("ghl-ada", first), d.owe("ghl-bob", first)
	d.sends()
	d.store.end(d.store.of(a), domain.DeliveryCancelled, d.now)
	d.slow = true
	d.answer(a, answer(500, 0))
	require.Empty(t, d.store.said)
	d.answer(b, answer(500, 0))
	require.Equal(t, []string{"failing 0"}, d.store.saidOf())
}

// A delivery that is given up is told, with an attempt and without.
func TestQueue_TellsWhatIsGivenUp(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Terminal: time.Minute, Schedule: []time.Duration{time.Second}})
	n := d.owe("ghl-ada", first)
	for range 200 {
		if d.answerAll(answer(500, 0)) == 0 {
			d.advance(time.Second)
		}
	}
	require.Equal(t, domain.DeliveryExhausted, d.store.of(n).State)
	require.Equal(t, domain.DeliveryExhaustedEvent, d.store.said[len(d.store.said)-1].Type)
	last := d.told[len(d.told)-1]
	require.Equal(t, domain.DeliveryExhausted, last.State)
	require.Equal(t, n, last.Delivery.N)
	require.Zero(t, last.Pending)
}

// Where nobody is to be told, nothing is, and nothing waits for it. From the moment somebody is, they hear how it is.
func TestQueue_TellsNobody(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	d.deaf = true
	d.oweMany("ghl-", first, 3)
	d.answerAll(answer(500, 0))
	require.Empty(t, d.store.said)
	require.Zero(t, d.store.state.Told)
	d.deaf = false
	for range 20 {
		if d.answerAll(answer(500, 0)) == 0 {
			d.advance(time.Second)
		}
	}
	require.Equal(t, []string{"failing 0"}, d.store.saidOf())
}
