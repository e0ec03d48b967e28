package bench

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	cpu, err := parseStat([]byte("42 (a (odd) name) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 9 0 100 1 1"))
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, cpu, "user and system, in hundredths, whatever the command is called")
	for _, bad := range []string{"", "42 (x) S 1", "42 (x) S 1 2 3 4 5 6 7 8 9 10 a b 0"} {
		_, err := parseStat([]byte(bad))
		require.Error(t, err, bad)
	}
}

func TestParseStatus(t *testing.T) {
	t.Parallel()
	now, peak, err := parseStatus([]byte("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nThreads:\t3\n"))
	require.NoError(t, err)
	require.EqualValues(t, 1<<20, now)
	require.EqualValues(t, 2<<20, peak)
	for _, bad := range []string{"", "VmRSS:\t1 MB\n", "VmRSS:\tx kB\n", "VmRSS: \n"} {
		_, _, err := parseStatus([]byte(bad))
		require.Error(t, err, bad)
	}
}

func TestParseMachine(t *testing.T) {
	t.Parallel()
	busy, err := parseMachine([]byte("cpu  100 10 50 9000 500 5 15 20 0 0\ncpu0 1 2 3\n"))
	require.NoError(t, err)
	require.Equal(t, 2*time.Second, busy, "everything but idle and waiting for a disk")
	for _, bad := range []string{"", "cpu 1 2 3", "cpu a b c d e f g h", "intr 1 2 3 4 5 6 7 8"} {
		_, err := parseMachine([]byte(bad))
		require.Error(t, err, bad)
	}
	now, err := machineBusy()
	require.NoError(t, err)
	require.Positive(t, now)
}

func TestReadUsage_OfThisProcess(t *testing.T) {
	t.Parallel()
	u, err := readUsage(os.Getpid())
	require.NoError(t, err)
	require.Greater(t, u.RSS, int64(1<<20))
	require.GreaterOrEqual(t, u.PeakRSS, u.RSS)
	files, err := countFiles(os.Getpid())
	require.NoError(t, err)
	require.Greater(t, files, 2)
}

func TestParseSamples(t *testing.T) {
	t.Parallel()
	page := "# TYPE a counter\na{x=\"1\"} 2\na{x=\"} 7 {\"} 3\nb 1.5e3 1700000000\nbroken\nnan NaNx\n\n"
	require.Equal(t, samples{"a": 5, "b": 1500}, parseSamples([]byte(page)), "labels are summed, what is unreadable is passed over")
}

// The quantiles of a summary are known one by one.
func TestParseSamples_Quantiles(t *testing.T) {
	t.Parallel()
	page := "gc{quantile=\"0.5\"} 2\ngc{quantile=\"1\"} 7\ngc_sum 9\ngc_count 3\n"
	require.Equal(t, samples{"gc": 9, "gc{quantile=\"0.5\"}": 2, "gc{quantile=\"1\"}": 7, "gc_sum": 9, "gc_count": 3}, parseSamples([]byte(page)))
}

// A pause's mean is of the measured part. What only the last 256 collections know is taken as it is.
func TestTellCollector(t *testing.T) {
	t.Parallel()
	before := snapshot{metrics: samples{"go_gc_duration_seconds_sum": 1, "go_gc_duration_seconds_count": 10}}
	after := snapshot{metrics: samples{
		"go_gc_duration_seconds_sum": 3, "go_gc_duration_seconds_count": 14,
		"go_gc_duration_seconds{quantile=\"0.5\"}": 0.6, "go_gc_duration_seconds{quantile=\"1\"}": 0.9, "go_memstats_heap_objects": 1000,
	}}
	r := newReport("pixel", collectorFigures())
	tellCollector(r, before, after)
	require.Equal(t, 4.0, value(t, r, "server.gc_cycles"))
	require.Equal(t, 0.5, value(t, r, "server.gc_pause.mean"))
	require.Equal(t, 0.6, value(t, r, "server.gc_pause.p50"))
	require.Equal(t, 0.9, value(t, r, "server.gc_pause.max"))
	require.Equal(t, 1000.0, value(t, r, "server.heap_objects"))
	r = newReport("pixel", collectorFigures())
	tellCollector(r, snapshot{}, after)
	for _, f := range r.Figures {
		require.False(t, f.Known, "without a first look %s is not measured", f.Name)
	}
}

func FuzzParseSamples(f *testing.F) {
	f.Add([]byte("a{x=\"1\"} 2\nb 3"))
	f.Add([]byte("{} {"))
	f.Fuzz(func(_ *testing.T, page []byte) { parseSamples(page) })
}
