package admin_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/httpedge/admin"
)

// later moves the world's clock on.
func (w *world) later(d time.Duration) {
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	w.clock.now = w.clock.now.Add(d)
}

// tooFast checks a refusal by a rate.
func (a answer) tooFast(rule string) {
	a.t.Helper()
	a.refused(429, "", "please send it again")
	require.Contains(a.t, string(a.body), `"rule":"`+rule+`"`)
	require.NotEmpty(a.t, a.header.Get("Retry-After"))
}

// A program in a loop is put off, with and without the scope; other keys of the same account are not.
func TestRates_Calls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onEmbedded(t))
	loop, other := w.key("acme", "pixels:read"), w.key("acme", "pixels:read")
	for range admin.CallsPerSecond - 1 {
		require.Equal(t, 200, w.call(loop, "GET", "/api/v1/pixels", nil).status)
	}
	w.call(loop, "GET", "/api/v1/keys", nil).refused(403, "", "scope")
	w.call(loop, "GET", "/api/v1/pixels", nil).tooFast("rate_calls")
	w.call(loop, "GET", "/api/v1/keys", nil).tooFast("rate_calls")
	require.Equal(t, 200, w.call(other, "GET", "/api/v1/pixels", nil).status)
	w.later(time.Second / admin.CallsPerSecond)
	require.Equal(t, 200, w.call(loop, "GET", "/api/v1/pixels", nil).status)
	w.call(loop, "GET", "/api/v1/pixels", nil).tooFast("rate_calls")
	require.Equal(t, map[string]float64{"rate_calls": 3}, w.counted("leadwire_api_rate_limited_total", "rate"))
}

// Events are charged one by one, whatever a request brings and whatever becomes of them. A request that is over
// is put off whole, and the same one is taken once there is room.
func TestRates_Events(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onEmbedded(t))
	request := func(n, size int) string {
		var hits []string
		for i := range size {
			hits = append(hits, hit("id", fmt.Sprintf("h-%d-%d", n, i)))
		}
		return list(hits...)
	}
	const full = 50
	for n := range admin.EventsPerSecond / full {
		require.Equal(t, 200, w.call(w.acme, "POST", "/api/v1/events", request(n, full)).status)
	}
	kept := len(w.visitors.hits)
	require.Equal(t, admin.EventsPerSecond, kept)
	w.call(w.acme, "POST", "/api/v1/events", request(1000, full)).tooFast("rate_events")
	w.call(w.acme, "POST", "/api/v1/events", hit("id", "one")).tooFast("rate_events")
	w.call(w.acme, "POST", "/api/v1/events", request(0, full)).tooFast("rate_events")
	require.Len(t, w.visitors.hits, kept, "nothing of what is put off is kept")
	require.Equal(t, 200, w.call(w.acme, "GET", "/api/v1/pixels", nil).status, "calls are another rate")
	require.Equal(t, []string{"kept"}, outcomes(t, w.call(w.all, "POST", "/api/v1/events", hit("id", "others"))))

	w.later(full * time.Second / admin.EventsPerSecond)
	again := outcomes(t, w.call(w.acme, "POST", "/api/v1/events", request(1000, full)))
	require.Equal(t, slices.Repeat([]string{"kept"}, full), again)
	require.Equal(t, map[string]float64{"rate_events": 3}, w.counted("leadwire_api_rate_limited_total", "rate"))
	require.InDelta(t, 2*full+1, w.counted("leadwire_api_events_total", "outcome")["deferred"], 0)
}
