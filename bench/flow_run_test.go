package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func isolationRun(t *testing.T, faults courierFaults) *Report {
	t.Helper()
	cfg := IsolationConfig{
		Rate: 60, Endpoints: 6, Sick: 0.5, Calm: time.Second, Trouble: time.Second, Warmup: 100 * time.Millisecond,
		Drain: 500 * time.Millisecond,
	}.withDefaults()
	require.NoError(t, cfg.validate())
	f := newFlow(cfg.plan())
	report, err := cfg.isolate(t.Context(), f, startCourier(t, f, faults))
	require.NoError(t, err)
	return report
}

// Of a server that does what it should everything is measured, nothing is lost, and what the broken ones did not take is
// told apart.
func TestIsolation_MeasuresEverything(t *testing.T) {
	t.Parallel()
	report := isolationRun(t, faultless())
	for _, f := range report.Figures {
		require.True(t, f.Known, "figure %s is measured", f.Name)
	}
	require.EqualValues(t, 126, value(t, report, "acked"))
	for _, none := range []string{"healthy.lost", "deliveries.repeated", "deliveries.strayed", "deliveries.forged", "failed", "refused"} {
		require.Zero(t, value(t, report, none), none)
	}
	// What is due in the moment of breaking may still arrive; each has ten page views in the trouble.
	require.Less(t, value(t, report, "dead.delivered"), 5.0)
	require.Less(t, value(t, report, "flapping.delivered"), 5.0, "it fails for longer than this run")
	require.Positive(t, value(t, report, "sick.pending"))
	require.EqualValues(t, 126, value(t, report, "deliveries")+value(t, report, "sick.pending"))
	require.Positive(t, value(t, report, "healthy_p95_ratio"))
}

// Each fault of a server is found, and named.
func TestIsolation_FindsFaults(t *testing.T) {
	t.Parallel()
	const well = 3 // a page view of a healthy endpoint
	for figure, harm := range map[string]func(*courierFaults){
		"healthy.lost":        func(f *courierFaults) { f.lose = well },
		"deliveries.repeated": func(f *courierFaults) { f.repeat = well },
		"deliveries.strayed":  func(f *courierFaults) { f.stray = well },
		"deliveries.forged":   func(f *courierFaults) { f.forge = well },
		"refused":             func(f *courierFaults) { f.refuse = func(n int64) bool { return n == well } },
	} {
		t.Run(figure, func(t *testing.T) {
			t.Parallel()
			faults := faultless()
			harm(&faults)
			require.EqualValues(t, 1, value(t, isolationRun(t, faults), figure))
		})
	}
}

// The endpoint is down until everything is owed to it; then all of it comes, and the others have theirs throughout.
func TestBacklog_MeasuresEverything(t *testing.T) {
	t.Parallel()
	cfg := BacklogConfig{
		Pending: 40, Drain: 100, Fill: 80, Rate: 60, Endpoints: 2, Calm: time.Second, Settle: 100 * time.Millisecond, Warmup: 100 * time.Millisecond,
	}.withDefaults()
	require.NoError(t, cfg.validate())
	f := newFlow(cfg.plan())
	report, err := (&backlogRun{cfg: cfg, flow: f, server: startCourier(t, f, faultless())}).measure(t.Context())
	require.NoError(t, err)
	for _, f := range report.Figures {
		ofWhile := strings.HasPrefix(f.Name, "meanwhile.") || strings.HasPrefix(f.Name, "others_p95_ratio") // too short a while, it may be
		require.True(t, f.Known || ofWhile, "figure %s is measured", f.Name)
	}
	require.EqualValues(t, 40, value(t, report, "backlog"))
	require.Positive(t, value(t, report, "drain.rate"))
	for _, none := range []string{"drain.lost", "others.lost", "deliveries.repeated", "deliveries.strayed", "failed", "refused"} {
		require.Zero(t, value(t, report, none), none)
	}
	require.Less(t, value(t, report, "sent"), float64(f.planned.stairs.Total()), "when it has drained the run is over")
}

// A server that refuses what is too much, and is itself again when it is less, has neither failed nor collapsed.
func TestRamp_MeasuresEverything(t *testing.T) {
	t.Parallel()
	cfg := RampConfig{
		Rates: []float64{50, 200}, Step: time.Second, Back: 2 * time.Second, Warmup: 100 * time.Millisecond, Known: 0.5, Endpoints: 2, Connections: 100,
	}.withDefaults()
	require.NoError(t, cfg.validate())
	f := newFlow(cfg.plan())
	faults := faultless()
	faults.refuse = func(n int64) bool { return n >= 55 && n < 255 && n%2 == 0 }
	report, err := cfg.climb(t.Context(), f, startCourier(t, f, faults))
	require.NoError(t, err)
	require.EqualValues(t, 50, value(t, report, "step1.acked"))
	require.EqualValues(t, 100, value(t, report, "step2.acked"))
	require.EqualValues(t, 100, value(t, report, "step2.refused"))
	require.EqualValues(t, 100, value(t, report, "back.acked"))
	for _, none := range []string{"failed", "deliveries.lost", "step1.refused", "back.refused"} {
		require.Zero(t, value(t, report, none), none)
	}
	require.Greater(t, value(t, report, "collapse"), 0.5, "the highest step was acked the most")
}

// When nobody answers, those who wait for a connection leave: their wait is not the next ones'.
func TestRamp_WhoFindsNoConnectionLeaves(t *testing.T) {
	t.Parallel()
	cfg := RampConfig{
		Rates: []float64{50, 100}, Step: time.Second, Back: time.Second, Warmup: -1, Connections: 1, Leave: 100 * time.Millisecond,
	}.withDefaults()
	f := newFlow(cfg.plan())
	faults := faultless()
	faults.refuse = func(n int64) bool {
		if n == 60 {
			<-time.After(500 * time.Millisecond)
		}
		return false
	}
	report, err := cfg.climb(t.Context(), f, startCourier(t, f, faults))
	require.NoError(t, err)
	require.Greater(t, value(t, report, "unsent"), 20.0)
	require.EqualValues(t, 200, value(t, report, "unsent")+value(t, report, "acked"))
	require.Zero(t, value(t, report, "failed"))
}
