package bench

import (
	"bufio"
	"bytes"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each request names the pixel it is for, and nobody else.
func TestLanes_Build(t *testing.T) {
	t.Parallel()
	h := newLanes("0badcafe", "127.0.0.1:80", 1764000000000, 100, func(n int64) int { return int(n % 12) })
	for n := range int64(100) {
		request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(h.build(n))))
		require.NoError(t, err)
		require.Equal(t, string(laneID(int(n%12))), request.URL.Query().Get("px"))
		require.Equal(t, visitorID("0badcafe", h.of(n)), request.URL.Query().Get("v"))
	}
}

// What fills the backlog is as much as was asked for, and the others go on beside it.
func TestBacklogConfig_Plan(t *testing.T) {
	t.Parallel()
	c := BacklogConfig{Pending: 10_000, Fill: 800, Rate: 300, Endpoints: 7}.withDefaults()
	p := c.plan()
	lanes := make([]int64, p.lanes)
	for n := p.stairs.first[filling]; n < p.stairs.first[filling+1]; n++ {
		lanes[p.lane(n)]++
	}
	require.InDelta(t, 10_000, lanes[returning], 1)
	require.Greater(t, slices.Min(lanes[1:])*7, int64(3600), "all of the others, about 300 a second")
	for n := range p.stairs.Total() {
		if n < p.stairs.first[filling] || n >= p.stairs.first[filling+1] {
			require.NotEqual(t, returning, p.lane(n))
		}
	}
}

// The filling is over when its last page view was answered: the others wait for connections until then.
func TestBacklog_FilledAt(t *testing.T) {
	t.Parallel()
	f := newFlow(BacklogConfig{Pending: 10, Fill: 10, Rate: 10, Endpoints: 1}.withDefaults().plan())
	f.sent = f.planned.stairs.Total()
	last := f.planned.stairs.first[settling] - 1
	f.took[last] = uint32(30 * time.Second / time.Microsecond)
	f.took[last+1] = uint32(time.Minute / time.Microsecond) // of what is due later
	b := &backlogRun{flow: f}
	require.Equal(t, f.planned.stairs.Due(last)+30*time.Second, b.filledAt())
}

func TestGather(t *testing.T) {
	t.Parallel()
	var requests []request
	for second, took := range []time.Duration{1, 2, 90} { // one bad second of three
		for i := range 20 {
			requests = append(requests, request{10*time.Second + time.Duration(second)*time.Second + time.Duration(i), took * time.Millisecond})
		}
	}
	s := gather(10*time.Second, slices.Values(requests))
	require.EqualValues(t, 60, s.all.Count())
	require.Equal(t, 90*time.Millisecond, s.all.Quantile(0.95).Round(time.Millisecond))
	require.Equal(t, 2*time.Millisecond, s.second, "the median second")
	require.Equal(t, map[int]time.Duration{0: time.Millisecond, 1: 2 * time.Millisecond, 2: 90 * time.Millisecond}, s.seconds)
}

func TestTellRecovery(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	first := spell{all: NewRecorder()}
	first.all.Record(10 * ms)
	for story, row := range map[string]struct {
		seconds map[int]time.Duration
		want    float64
		known   bool
	}{
		"at once":                          {map[int]time.Duration{0: 20 * ms}, 0, true},
		"after two seconds":                {map[int]time.Duration{0: 90 * ms, 1: 21 * ms, 2: 9 * ms}, 2, true},
		"a second without an ack is worse": {map[int]time.Duration{1: 9 * ms}, 1, true},
		"never":                            {map[int]time.Duration{0: 90 * ms, 1: 90 * ms, 2: 90 * ms}, 0, false},
	} {
		r := newReport("ramp", RampFigures(2))
		tellRecovery(r, "recovered.seconds", span{5 * time.Second, 8 * time.Second}, first, spell{seconds: row.seconds})
		f, there := r.Get("recovered.seconds")
		require.True(t, there)
		require.Equal(t, row.known, f.Known, story)
		require.InDelta(t, row.want, f.Value, 1e-9, story)
	}
}

func TestBusiest(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	require.Equal(t, 0, busiest(nil))
	require.Equal(t, 1, busiest([]time.Duration{0, time.Second, 2 * time.Second}), "a second ends where the next begins")
	require.Equal(t, 3, busiest([]time.Duration{0, 900 * ms, 1200 * ms, 1899 * ms, 3000 * ms}))
}

// It fails for a while and works for as long.
func TestFlap(t *testing.T) {
	t.Parallel()
	start := time.Unix(0, 0)
	m := flap(start)
	for after, want := range map[time.Duration]int{0: 500, flapEvery - 1: 500, flapEvery: 204, 2*flapEvery - 1: 204, 2 * flapEvery: 500} {
		status, wait := m(start.Add(after))
		require.Equal(t, want, status, after)
		require.Zero(t, wait)
	}
}

func TestFlowConfigs_Validate(t *testing.T) {
	t.Parallel()
	for field, harm := range map[string]func(*IsolationConfig){
		"rate":        func(c *IsolationConfig) { c.Rate = -1 },
		"endpoints":   func(c *IsolationConfig) { c.Endpoints = 1001 },
		"sick":        func(c *IsolationConfig) { c.Endpoints = 8 },
		"calm":        func(c *IsolationConfig) { c.Calm = 1 },
		"trouble":     func(c *IsolationConfig) { c.Trouble = 1000 * time.Hour },
		"connections": func(c *IsolationConfig) { c.Connections = -1 },
		"patience":    func(c *IsolationConfig) { c.Patience = -1 },
	} {
		c := IsolationConfig{}.withDefaults()
		require.NoError(t, c.validate())
		harm(&c)
		require.ErrorContains(t, c.validate(), field+":")
	}
	for field, harm := range map[string]func(*BacklogConfig){
		"pending":     func(c *BacklogConfig) { c.Pending = -1 },
		"drain-rate":  func(c *BacklogConfig) { c.Drain = 20_000 },
		"fill":        func(c *BacklogConfig) { c.Fill = -1 },
		"rate":        func(c *BacklogConfig) { c.Rate = -1 },
		"endpoints":   func(c *BacklogConfig) { c.Endpoints = 1000 },
		"calm":        func(c *BacklogConfig) { c.Calm = 1 },
		"connections": func(c *BacklogConfig) { c.Connections = -1 },
		"patience":    func(c *BacklogConfig) { c.Patience = -1 },
	} {
		c := BacklogConfig{}.withDefaults()
		require.NoError(t, c.validate())
		harm(&c)
		require.ErrorContains(t, c.validate(), field+":")
	}
	for field, harm := range map[string]func(*RampConfig){
		"rates":       func(c *RampConfig) { c.Rates = []float64{2, 2} },
		"step":        func(c *RampConfig) { c.Step = 1 },
		"back":        func(c *RampConfig) { c.Back = 1 },
		"known":       func(c *RampConfig) { c.Known = 2 },
		"endpoints":   func(c *RampConfig) { c.Endpoints = 1001 },
		"connections": func(c *RampConfig) { c.Connections = -1 },
		"patience":    func(c *RampConfig) { c.Patience = -1 },
	} {
		c := RampConfig{}.withDefaults()
		require.NoError(t, c.validate())
		harm(&c)
		require.ErrorContains(t, c.validate(), field+":")
	}
}
