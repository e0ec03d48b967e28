package bench

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

func someSpecs() []Spec {
	return []Spec{
		{Name: "sse.p95", Unit: Seconds}, {Name: "lost", Unit: Number}, {Name: "server.rss", Unit: Bytes},
		{Name: "cpu", Unit: Fraction}, {Name: "rate.achieved", Unit: PerSecond},
	}
}

func TestParseRequire(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		story, text, figure, op string
		value                   float64
	}{
		{"milliseconds", "sse.p95<25ms", "sse.p95", "<", 0.025},
		{"spaces are free", " sse.p95 <= 1.5 s ", "sse.p95", "<=", 1.5},
		{"microseconds either way", "sse.p95>80us", "sse.p95", ">", 80e-6},
		{"the real micro sign too", "sse.p95>=80µs", "sse.p95", ">=", 80e-6},
		{"a count has no unit", "lost=0", "lost", "=", 0},
		{"nothing needs no unit", "sse.p95>0", "sse.p95", ">", 0},
		{"binary bytes", "server.rss<8KiB", "server.rss", "<", 8192},
		{"decimal bytes", "server.rss<8KB", "server.rss", "<", 8000},
		{"percent is a fraction", "cpu<=50%", "cpu", "<=", 0.5},
		{"a fraction may be written plainly", "cpu<0.5", "cpu", "<", 0.5},
		{"a rate with its unit", "rate.achieved>=999/s", "rate.achieved", ">=", 999},
	} {
		reqs, err := ParseRequire(c.text, someSpecs())
		require.NoError(t, err, c.story)
		require.Len(t, reqs, 1, c.story)
		require.Equal(t, c.figure, reqs[0].Figure, c.story)
		require.Equal(t, c.op, reqs[0].Op, c.story)
		require.InDelta(t, c.value, reqs[0].Value, 1e-12, c.story)
	}
}

func TestParseRequire_Refuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ story, text, names string }{
		{"a figure nobody measures, before anything starts", "sse.p59<25ms", `"sse.p59"`},
		{"a latency without a unit: 25 what?", "sse.p95<25", "ms"},
		{"bytes for a latency", "sse.p95<25KiB", "ms"},
		{"a unit for a count", "lost<1ms", "count"},
		{"no operator", "sse.p95", "has no"},
		{"an operator of another language", "lost==0", "number"},
		{"no value", "lost=", "number"},
		{"a negative value", "lost>-1", "number"},
		{"not a number", "sse.p95<NaNms", "number"},
		{"one bad among good", "lost=0,sse.p95<<1ms", "number"},
	} {
		_, err := ParseRequire(c.text, someSpecs())
		require.ErrorContains(t, err, c.names, c.story)
		require.Equal(t, domain.Invalid, domain.CodeOf(err), c.story)
	}
	none, err := ParseRequire(" , ", someSpecs())
	require.NoError(t, err, "an empty list requires nothing")
	require.Empty(t, none)
}

func TestReport_Check(t *testing.T) {
	t.Parallel()
	report := newReport("crm", someSpecs())
	report.set("sse.p95", 0.020)
	report.set("lost", 1)
	for _, c := range []struct {
		story, text, miss string
	}{
		{"below is below", "sse.p95<25ms", ""},
		{"the border is not below", "sse.p95<20ms", "sse.p95<20ms does not hold: 20ms"},
		{"but at most", "sse.p95<=20ms", ""},
		{"at least, the other way", "sse.p95>=20ms", ""},
		{"above", "sse.p95>20ms", "sse.p95>20ms does not hold: 20ms"},
		{"one lost is not none", "lost=0", "lost=0 does not hold: 1"},
		{"what was not measured meets nothing, not even at least 0", "server.rss>=0", "server.rss>=0 does not hold: unmeasured"},
	} {
		reqs, err := ParseRequire(c.text, someSpecs())
		require.NoError(t, err, c.story)
		misses := report.Check(reqs)
		if c.miss == "" {
			require.Empty(t, misses, c.story)
			continue
		}
		require.Len(t, misses, 1, c.story)
		require.Equal(t, c.miss, misses[0].String(), c.story)
	}
	report.Cut = true
	reqs, err := ParseRequire("sse.p95<25ms", someSpecs())
	require.NoError(t, err)
	require.Len(t, report.Check(reqs), 1, "an interrupted run proves nothing")
}

// Whatever is written: the parser answers, and what it accepts it reads the same way again.
func FuzzParseRequire(f *testing.F) {
	for _, s := range []string{"sse.p95<25ms,lost=0", "server.rss<=8KiB", "cpu>50%", "lost==", "<,>,=", "sse.p95<1e9s", "lost=٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		reqs, err := ParseRequire(text, someSpecs())
		if err != nil {
			return
		}
		for _, r := range reqs {
			again, err := ParseRequire(r.String(), someSpecs())
			require.NoError(t, err)
			require.Equal(t, []Requirement{r}, again)
		}
	})
}
