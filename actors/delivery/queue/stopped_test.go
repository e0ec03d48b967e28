package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// 410 disables, and so does nothing but failures for too long. The queue is kept whole, and when it is enabled what is past
// its terminal time has one attempt at once.
func TestQueue_IsDisabled(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why   string
		sent  domain.Sent
		after time.Duration
		want  string
	}{
		{"gone", answer(410, 0), 0, "the endpoint answered 410 Gone"},
		{"failing for too long", answer(422, 0), 2 * time.Hour, "nothing but failures since 2026-03-02T12:00:00Z; the last: 422 Unprocessable Entity"},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			d := open(t, domain.Endpoint{DisableAfter: 2 * time.Hour, Terminal: 5 * time.Hour, Schedule: []time.Duration{time.Hour, time.Hour}})
			n := d.owe("ghl-ada", first)
			for d.store.state.DisabledAt.IsZero() {
				require.LessOrEqual(t, d.now.Sub(noon), row.after+time.Hour)
				d.answerAll(row.sent)
				d.advance(time.Minute)
			}
			require.GreaterOrEqual(t, d.now.Sub(noon), row.after)
			require.Equal(t, row.want, d.store.state.Reason)
			require.Contains(t, d.notes, queue.Disabled)
			m := d.owe("ghl-bob", first)
			d.advance(48 * time.Hour)
			require.Empty(t, d.sends(), "nothing is sent")
			require.Len(t, d.store.pending, 2, "and nothing ends")
			require.False(t, d.queue.Busy(), "it need not stay in memory for that")
			d.take(d.queue.Changed(d.now, d.store.enable()))
			require.Len(t, d.sent, 1, "begins with one")
			for len(d.sent) > 0 {
				if d.sent[0].Delivery.N == m {
					d.answerAll(answer(200, 0))
				} else {
					d.answerAll(answer(500, 0))
				}
			}
			require.Equal(t, domain.DeliveryExhausted, d.store.of(n).State, "that was its last")
		})
	}
}

func TestQueue_IsPaused(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Terminal: time.Hour})
	a, b := d.owe("ghl-ada", first), d.owe("ghl-ada", update)
	d.take(d.queue.Configure(d.now, d.config, true, 5))
	d.answer(a, answer(500, 0)) // was in the air
	d.sends()
	d.owe("ghl-bob", first)
	d.advance(72 * time.Hour)
	require.Empty(t, d.sends())
	require.Len(t, d.store.pending, 3)
	require.False(t, d.queue.Busy())
	d.take(d.queue.Configure(d.now, d.config, false, 6))
	for len(d.sent) > 0 {
		d.answerAll(answer(200, 0))
	}
	require.Empty(t, d.store.pending)
	require.EqualValues(t, 6, d.store.receipt[b][0].Revision, "the configuration that it was sent by")

	d = open(t, domain.Endpoint{Paused: true})
	d.oweMany("ghl-", first, 9)
	d.advance(time.Hour)
	require.Zero(t, d.loads, "there is nothing to do, and nothing is done")
	d.take(d.queue.Configure(d.now, d.config, false, 5))
	require.Len(t, d.sends(), 4, "nothing was sent before: it begins as any other does")
}

// A queue that is paused settles when the last of what was in the air is recorded, and stays so whatever happens until it
// goes on.
func TestQueue_Settles(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	require.True(t, d.queue.Settled(), "nothing was ever sent")
	a, b := d.owe("ghl-ada", first), d.owe("ghl-bob", first)
	require.Len(t, d.sends(), 2)
	require.False(t, d.queue.Settled())
	d.take(d.queue.Configure(d.now, d.config, true, 5))
	d.answer(a, answer(200, 0))
	require.False(t, d.queue.Settled(), "the other is in the air")
	d.refuse = func(domain.Attempted) error { return domain.Fail("record", domain.Unavailable, nil) }
	d.answer(b, answer(500, 0))
	require.False(t, d.queue.Settled(), "its record is not there yet")
	d.refuse = nil
	d.advance(time.Second)
	require.True(t, d.queue.Settled())

	d.owe("ghl-ada", update)
	d.take(d.queue.Owed(d.now))
	d.take(d.queue.Hastened(d.now, *d.store.of(b)))
	d.advance(time.Hour)
	require.True(t, d.queue.Settled())
	require.Empty(t, d.sends())
	d.take(d.queue.Configure(d.now, d.config, false, 6))
	require.False(t, d.queue.Settled())
}

// Our own stop ends nothing, says nothing of the endpoint, and costs no place in the queue.
func TestQueue_SurvivesOurOwnStop(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Terminal: time.Minute})
	n := d.owe("ghl-ada", first)
	d.sends()
	d.advance(2 * time.Minute)
	d.answer(n, broken(domain.ErrorStopped, 2*time.Minute))
	require.Equal(t, domain.ClassFirst, d.store.of(n).Class)
	require.Empty(t, d.sends(), "what stops us may last: not again at once")
	d.advance(100 * time.Millisecond)
	require.Equal(t, []int64{n}, d.sends())
	require.Empty(t, d.notes)
}

// Two attempts show that it is gone, and somebody enables it before the queue knows that the second is recorded.
func TestQueue_IsEnabledWhileARecordDisablesIt(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	d.oweMany("ghl-", first, 2)
	require.Len(t, d.sends(), 2)
	d.answer(1, answer(410, 0))
	d.before = func() { d.take(d.queue.Changed(d.now, d.store.enable())) }
	d.answer(2, answer(410, 0))
	d.advance(time.Minute)
	require.NotEmpty(t, d.sends(), "what somebody has enabled is sent to, whatever was under way")
}
