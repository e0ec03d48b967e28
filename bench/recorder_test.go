package bench

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRecorder_Quantiles(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	require.Zero(t, r.Quantile(0.99), "an empty recorder has no latency")
	require.Zero(t, r.Mean())
	for i := 1; i <= 1000; i++ {
		r.Record(time.Duration(i) * time.Millisecond)
	}
	require.InEpsilon(t, 0.5, r.Quantile(0.5).Seconds(), 0.001)
	require.InEpsilon(t, 0.99, r.Quantile(0.99).Seconds(), 0.001)
	require.Equal(t, time.Second, r.Max(), "the longest is kept exactly")
	require.Equal(t, 500500*time.Microsecond, r.Mean())
	require.LessOrEqual(t, r.Quantile(1), r.Max(), "rounding never invents a latency beyond the longest")
}

func TestRecorder_Bounds(t *testing.T) {
	t.Parallel()
	r := NewRecorder()
	r.Record(-time.Second)
	require.Zero(t, r.Max(), "a negative latency counts as none")
	r.Record(time.Hour)
	require.EqualValues(t, 2, r.Count(), "a latency beyond the scale is counted all the same")
	require.Equal(t, time.Hour, r.Max())
	require.InEpsilon(t, (10 * time.Minute).Seconds(), r.Quantile(1).Seconds(), 0.001)
}

// Merging parts gives what one recorder would have seen.
func TestRecorder_Merge(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	whole, parts := NewRecorder(), []*Recorder{NewRecorder(), NewRecorder(), NewRecorder()}
	for range 10_000 {
		d := time.Duration(random.ExpFloat64() * float64(5*time.Millisecond))
		whole.Record(d)
		parts[random.IntN(len(parts))].Record(d)
	}
	merged := NewRecorder()
	for _, p := range parts {
		merged.Merge(p)
	}
	require.Equal(t, whole.Count(), merged.Count())
	require.Equal(t, whole.Max(), merged.Max())
	require.Equal(t, whole.Mean(), merged.Mean())
	for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 0.999, 1} {
		require.Equal(t, whole.Quantile(q), merged.Quantile(q), "quantile %v", q)
	}
}
