package budget_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/budget"
	"github.com/leadwire/leadwire/actors/domain"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// What waits for its own person, for its endpoint or for its batch does not wait for us, and the attempt itself is the
// receiver's.
func TestWait(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for name, row := range map[string]struct {
		receipt domain.Receipt
		want    time.Duration
		ok      bool
	}{
		"at once": {domain.Receipt{Number: 1, Trigger: domain.TriggerFirst, At: noon}, 0, true},
		"all of it ours, however long the receiver takes": {
			domain.Receipt{Number: 1, Trigger: domain.TriggerFirst, At: noon.Add(3 * s), Phases: domain.Phases{Queue: 3 * s, Total: 15 * s}}, 3 * s, true,
		},
		"its person's earlier event took two seconds of three": {
			domain.Receipt{Number: 1, Trigger: domain.TriggerFirst, At: noon.Add(3 * s), Phases: domain.Phases{Held: 2 * s, Queue: s}}, s, true,
		},
		"its endpoint was paused for two seconds of three": {
			domain.Receipt{Number: 1, Trigger: domain.TriggerFirst, At: noon.Add(3 * s), Phases: domain.Phases{Queue: 3 * s, Blocked: 2 * s}}, s, true,
		},
		"it was to wait for others for two seconds": {domain.Receipt{Number: 1, Trigger: domain.TriggerFirst, At: noon.Add(3 * s), Phases: domain.Phases{Gather: 2 * s, Queue: s}}, s, true},
		"another node's clock is ahead":             {domain.Receipt{Number: 1, Trigger: domain.TriggerFirst, At: noon.Add(-s)}, 0, true},
		"a retry":                                   {domain.Receipt{Number: 2, Trigger: domain.TriggerRetry, At: noon.Add(s)}, 0, false},
		"a first attempt again, after we stopped in the midst of it": {domain.Receipt{Number: 2, Trigger: domain.TriggerFirst, At: noon.Add(s)}, 0, false},
		"a replay":           {domain.Receipt{Number: 1, Trigger: domain.TriggerReplay, At: noon.Add(s)}, 0, false},
		"by hand":            {domain.Receipt{Number: 1, Trigger: domain.TriggerManual, At: noon.Add(s)}, 0, false},
		"a test":             {domain.Receipt{Number: 1, Trigger: domain.TriggerTest, At: noon.Add(s)}, 0, false},
		"a probe":            {domain.Receipt{Number: 1, Trigger: domain.TriggerProbe, At: noon.Add(s)}, 0, false},
		"an end without one": {domain.Receipt{Trigger: domain.TriggerFirst, At: noon.Add(s)}, 0, false},
	} {
		wait, ok := budget.Wait(&row.receipt, noon)
		require.Equal(t, row.want, wait, name)
		require.Equal(t, row.ok, ok, name)
	}
	_, ok := budget.Wait(&domain.Receipt{Number: 1, Trigger: domain.TriggerFirst, At: noon}, time.Time{})
	require.False(t, ok, "nobody knows since when it is owed")
}

// A better tier is promised no less than one that is not as good, and whatever a tier is called it is promised something.
func TestOf(t *testing.T) {
	t.Parallel()
	for i, tier := range domain.Tiers() {
		b := budget.Of(tier)
		require.False(t, b.Late(b.Within))
		require.True(t, b.Late(b.Within+1))
		if i > 0 {
			better := budget.Of(domain.Tiers()[i-1])
			require.Less(t, better.Within, b.Within)
			require.GreaterOrEqual(t, better.Objective, b.Objective)
		}
	}
	require.Equal(t, budget.Of(domain.TierStandard), budget.Of(""))
}

// A window forgets what is older than it, and a burn rate of 1 is what may go on for ever.
func TestMeter_Burn(t *testing.T) {
	t.Parallel()
	type phase struct {
		of          time.Duration // one attempt each second for so long
		lateOneOf   int           // 0: none
		quiet       time.Duration // and then nothing for so long
		fiveMinutes float64
		hour, six   float64
	}
	for name, phases := range map[string][]phase{
		"nothing at all is no burning":                  {{quiet: time.Hour}},
		"nothing late":                                  {{of: time.Hour}},
		"one of a hundred late: as much as is promised": {{of: 7 * time.Hour, lateOneOf: 100, fiveMinutes: 1, hour: 1, six: 1}},
		"everything late":                               {{of: 7 * time.Hour, lateOneOf: 1, fiveMinutes: 100, hour: 100, six: 100}},
		"six minutes of it, long ago for the shortest window": {
			{of: 6 * time.Hour},
			{of: 6 * time.Minute, lateOneOf: 1, fiveMinutes: 100, hour: 10, six: 100. / 60},
			{of: 6 * time.Minute, fiveMinutes: 0, hour: 10, six: 100. / 60},
			{of: 54 * time.Minute, hour: 0, six: 100. / 60},
			{of: 6 * time.Hour},
		},
		"an hour of silence is forgotten like an hour of traffic": {
			{of: 10 * time.Minute, lateOneOf: 1, quiet: time.Hour, six: 100},
			{quiet: 6 * time.Hour},
			{of: time.Minute, lateOneOf: 2, fiveMinutes: 50, hour: 50, six: 50},
		},
	} {
		m, now := budget.NewMeter(.99), noon.Add(-time.Second)
		for i, p := range phases {
			for n := range int(p.of / time.Second) {
				now = now.Add(time.Second)
				m.Count(now, p.lateOneOf > 0 && n%p.lateOneOf == 0)
			}
			now = now.Add(p.quiet)
			for w, want := range map[time.Duration]float64{5 * time.Minute: p.fiveMinutes, time.Hour: p.hour, 6 * time.Hour: p.six} {
				require.InDelta(t, want, m.Burn(now, w), want*.04, "%s, phase %d, %s", name, i, w)
			}
		}
	}
}

// A clock that is set back loses nothing, and windows longer than what is remembered are what is.
func TestMeter_Clock(t *testing.T) {
	t.Parallel()
	m := budget.NewMeter(.9)
	m.Count(noon, true)
	m.Count(noon.Add(-time.Hour), false)
	require.InDelta(t, 5, m.Burn(noon.Add(-time.Hour), time.Minute), 1e-9)
	require.InDelta(t, 5, m.Burn(noon.Add(time.Minute), 100*time.Hour), 1e-9)
	m.Count(noon.Add(365*24*time.Hour), false)
	require.Zero(t, m.Burn(noon.Add(365*24*time.Hour), budget.Longest))
	require.Zero(t, budget.NewMeter(.9).Burn(time.Unix(0, 0), budget.Longest), "at the beginning of time")
}

// Attempts end on many goroutines, and somebody looks.
func TestMeter_IsSafe(t *testing.T) {
	t.Parallel()
	m := budget.NewMeter(.99)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 1000 {
				m.Count(noon.Add(time.Duration(n)*time.Second), i == 0)
				m.Burn(noon, time.Hour)
			}
		})
	}
	wg.Wait()
	require.InDelta(t, 12.5, m.Burn(noon.Add(1000*time.Second), budget.Longest), 1e-6)
}
