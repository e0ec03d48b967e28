package queue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// The limit grows by one per window of successes while there is more to send, and halves once for what was in the air.
func TestQueue_AdaptsToTheEndpoint(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Concurrency: 10, Timeout: time.Second})
	limit := func() int { return d.queue.Figures().Limit }
	require.Equal(t, 4, limit())
	d.owe("ghl-ada", first)
	d.answerAll(answer(200, 0))
	require.Equal(t, 4, limit(), "no backlog, no growth")
	d.oweMany("ghl-", first, 60)
	for _, n := range d.sends() {
		d.answer(n, answer(200, 0))
	}
	require.Equal(t, 5, limit(), "four in a row")
	for limit() < 8 {
		d.answerAll(answer(200, 0))
	}
	d.advance(time.Second)
	n := d.answerAll(broken(domain.ErrorTimeout, time.Second))
	require.Greater(t, n, 5)
	require.Equal(t, 4, limit(), "%d timeouts of one moment halve it once", n)
	require.True(t, d.queue.Figures().Open)
}

func TestQueue_KeepsTheRate(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Rate: 2})
	d.oweMany("ghl-", first, 9)
	for _, want := range []int{2, 0, 1, 0, 1} { // a burst of one second's worth; then one each half second
		require.Equal(t, want, d.answerAll(answer(200, 0)))
		d.advance(251 * time.Millisecond)
	}
	d.advance(time.Minute)
	for d.answerAll(answer(200, 0)) > 0 {
		d.advance(time.Minute)
	}
	require.Empty(t, d.store.pending)
}

// 429 and 503 are about the endpoint: nothing is sent to it until it wants to be asked again, or for a pause that grows.
func TestQueue_SlowsDown(t *testing.T) {
	t.Parallel()
	after := func(status int, wait time.Duration) domain.Sent {
		s := answer(status, 0)
		s.RetryAfter = noon.Add(wait)
		return s
	}
	for _, row := range []struct {
		why  string
		sent domain.Sent
		wait time.Duration
	}{
		{"429 with Retry-After", after(429, 90*time.Second), 90 * time.Second},
		{"503 with Retry-After", after(503, 90*time.Second), 90 * time.Second},
		{"nobody makes us wait for a day", after(429, 24*time.Hour), time.Hour},
		{"429 without", answer(429, 0), time.Second},
		{"503 without", answer(503, 0), time.Second},
		{"of any other status it is for that delivery alone", after(500, 90*time.Second), 0},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			d := open(t, domain.Endpoint{Schedule: []time.Duration{12 * time.Hour}})
			a, b := d.owe("ghl-ada", first), d.owe("ghl-bob", first)
			d.sends()
			d.answer(a, row.sent)
			d.answer(b, answer(200, 0)) // was in the air
			c := d.owe("ghl-eve", first)
			if row.wait > 0 {
				require.Empty(t, d.sends())
				d.advance(row.wait - 1)
				require.Empty(t, d.sends())
				d.advance(1)
			}
			require.Equal(t, []int64{c}, d.sends())
		})
	}
	d := open(t, domain.Endpoint{Schedule: []time.Duration{12 * time.Hour}})
	for i := range 4 { // the fifth would open the circuit
		n := d.owe(domain.LeadID(fmt.Sprint("ghl-", i)), first)
		if i > 0 {
			require.Empty(t, d.sends())
			d.advance(time.Second<<(i-1) - 1)
			require.Empty(t, d.sends(), "the pause doubles")
			d.advance(1)
		}
		require.Equal(t, []int64{n}, d.sends())
		d.answer(n, answer(429, 0))
	}
}

// An endpoint that was failing when it changed hands gets one attempt at a time, and its circuit opens with the next failure.
func TestQueue_BeginsWithCare(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	d.failing()
	d.oweMany("ghl-", first, 20)
	d.advance(time.Second)
	d.activate()
	require.Len(t, d.sent, 1)
	d.answerAll(answer(500, 0))
	require.True(t, d.queue.Figures().Open)
	require.Empty(t, d.sent)
}
