package bench

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// short is a run of one second after a short warm-up, 220 webhooks in all.
func short(target *Target) CrmConfig {
	return CrmConfig{
		Rate: 200, Duration: time.Second, Warmup: 100 * time.Millisecond, Target: target,
		Patience: time.Minute, Drain: time.Minute, // only what is never to come takes so long
	}
}

func value(t *testing.T, r *Report, name string) float64 {
	t.Helper()
	f, ok := r.Get(name)
	require.True(t, ok, "figure %s", name)
	require.True(t, f.Known, "figure %s is measured", name)
	return f.Value
}

// A faultless server: everything is acked, every lead is seen once, and every figure is measured.
func TestCrm_MeasuresEverything(t *testing.T) {
	t.Parallel()
	server, target := startStandIn(t, 5, faults{})
	report, err := Crm(t.Context(), short(target))
	require.NoError(t, err)
	require.Zero(t, server.forged, "every signature verifies over the body that was sent")
	for _, f := range report.Figures {
		require.True(t, f.Known, "figure %s is measured", f.Name)
	}
	require.EqualValues(t, 220, value(t, report, "sent"), "warm-up and measured part, both at the rate")
	require.EqualValues(t, 220, value(t, report, "acked"))
	for _, none := range []string{"lost", "duplicates", "gaps", "refused", "failed", "unacked", "reconnects", "resyncs"} {
		require.Zero(t, value(t, report, none), none)
	}
	require.LessOrEqual(t, value(t, report, "rate.achieved"), 202.0, "the plan is never run ahead of")
	require.InDelta(t, 1, value(t, report, "store.round_trips_per_lead"), 0.1, "the stand-in commits once a webhook")
	require.InDelta(t, 2, value(t, report, "store.batch_ops_mean"), 0.01)
	require.InDelta(t, 0.002, value(t, report, "store.commit_mean"), 1e-6)
	require.LessOrEqual(t, value(t, report, "sse.p50"), value(t, report, "sse.max"))
}

// What goes wrong is found, counted under its own name, and nothing else is.
func TestCrm_FindsFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		story  string
		faults faults
		want   map[string]float64
	}{
		{"an acked webhook whose lead never shows is lost", faults{swallow: 50}, map[string]float64{"acked": 220, "lost": 1}},
		{"a lead shown to two buyers is a duplicate", faults{double: 50}, map[string]float64{"acked": 220, "duplicates": 1}},
		{"a number left out is a gap", faults{skip: 50}, map[string]float64{"acked": 220, "gaps": 1}},
		{"429 is refused, and a refused webhook is not lost", faults{refuse: 50}, map[string]float64{"acked": 219, "refused": 1}},
		{"another status is failed", faults{fail: 50}, map[string]float64{"acked": 219, "failed": 1}},
		{"no answer at all is failed", faults{hangUp: 50}, map[string]float64{"acked": 219, "failed": 1}},
		{"a stream that is cut resumes where it was", faults{cutStream: 50}, map[string]float64{"acked": 220, "reconnects": 3}},
		{"answers may be chunked", faults{chunked: true}, map[string]float64{"acked": 220}},
	} {
		t.Run(c.story, func(t *testing.T) {
			t.Parallel()
			_, target := startStandIn(t, 3, c.faults)
			cfg := short(target)
			if c.faults.swallow > 0 {
				cfg.Drain = 2 * time.Second // the others show within that
			}
			report, err := Crm(t.Context(), cfg)
			require.NoError(t, err)
			for _, name := range []string{"acked", "lost", "duplicates", "gaps", "refused", "failed", "unacked", "reconnects", "resyncs"} {
				require.Equal(t, c.want[name], value(t, report, name), name)
			}
		})
	}
}

// With one connection and a slow server the webhooks wait, and their latency says so: it counts from
// when they were due. The loop sleeps meanwhile.
func TestCrm_ChargesTheWait(t *testing.T) {
	t.Parallel()
	_, target := startStandIn(t, 2, faults{slow: 20 * time.Millisecond})
	cfg := short(target)
	cfg.Connections, cfg.Duration, cfg.Warmup = 1, 250*time.Millisecond, -1
	report, err := Crm(t.Context(), cfg)
	require.NoError(t, err)
	require.EqualValues(t, 50, value(t, report, "acked"))
	require.EqualValues(t, 1, value(t, report, "connections"))
	require.Greater(t, value(t, report, "waited"), 40.0)
	require.Greater(t, value(t, report, "ack.max"), 0.7, "50 answers of 20 ms one after the other, asked for within 250 ms")
	require.Less(t, value(t, report, "ack.p50"), value(t, report, "ack.max"))
}

func TestSender_Pause(t *testing.T) {
	t.Parallel()
	l := &sender{plan: sendPlan{pacer: Pacer{Rate: 100}, total: 10}}
	for _, c := range []struct {
		story   string
		noticed int64
		elapsed time.Duration
		want    time.Duration
	}{
		{"until the next is due", 3, 25 * time.Millisecond, 5 * time.Millisecond},
		{"not beyond the next look around", 9, 0, housekeeping},
		{"overdue: not at all", 3, time.Second, 0},
		{"nothing more to come: only answers wake it", 10, time.Second, housekeeping},
	} {
		l.noticed = c.noticed
		require.Equal(t, c.want, l.pause(c.elapsed), c.story)
	}
}

// Signatures made ahead and signatures made on the way are the same to the server.
func TestCrm_SignsWhatIsNotPresigned(t *testing.T) {
	t.Parallel()
	server, target := startStandIn(t, 2, faults{})
	cfg := short(target)
	cfg.Presign = 100
	report, err := Crm(t.Context(), cfg)
	require.NoError(t, err)
	require.Zero(t, server.forged)
	require.EqualValues(t, 220, value(t, report, "acked"))
}

// An interrupted run reports what there was, and meets no requirement.
func TestCrm_Interrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	_, target := startStandIn(t, 2, faults{after: func(k int) {
		if k == 50 {
			interrupt()
		}
	}})
	cfg := short(target)
	cfg.Duration, cfg.Presign = time.Hour, 100
	report, err := Crm(ctx, cfg)
	require.NoError(t, err)
	require.True(t, report.Cut)
	require.Positive(t, value(t, report, "acked"))
	reqs, err := ParseRequire("lost>=0", CrmFigures())
	require.NoError(t, err)
	require.Len(t, report.Check(reqs), 1)
}

func TestCrm_RefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cfg   CrmConfig
		field string
	}{
		{CrmConfig{Rate: -1}, "rate"},
		{CrmConfig{Duration: -1}, "duration"},
		{CrmConfig{Rate: 1e6, Duration: time.Hour}, "duration"},
		{CrmConfig{Ramp: time.Minute}, "ramp"},
		{CrmConfig{Buyers: -1}, "buyers"},
		{CrmConfig{Connections: -1}, "connections"},
		{CrmConfig{Target: &Target{URL: "https://example"}}, "http://"},
	} {
		_, err := Crm(t.Context(), c.cfg)
		require.ErrorContains(t, err, c.field)
	}
}

// A server that refuses the streams is an error within the time for opening, and says why.
func TestLoad_StreamsRefused(t *testing.T) {
	t.Parallel()
	_, target := startStandIn(t, 1, faults{})
	target.Tokens = []string{"wrong"}
	l, err := prepare(t.Context(), short(target).withDefaults(), *target, newRun())
	require.NoError(t, err)
	l.cfg.openTimeout = 2 * time.Second
	require.ErrorContains(t, l.run(t.Context()), "status 401")
}

func TestIdle_HoldsConnections(t *testing.T) {
	t.Parallel()
	_, target := startStandIn(t, 20, faults{})
	report, err := Idle(t.Context(), IdleConfig{Connections: 40, Buyers: 20, Settle: time.Second, Target: target})
	require.NoError(t, err)
	for _, f := range report.Figures {
		require.True(t, f.Known, "figure %s is measured", f.Name)
	}
	require.EqualValues(t, 40, value(t, report, "connections"))
	require.GreaterOrEqual(t, value(t, report, "server.fds"), 40.0)
}
