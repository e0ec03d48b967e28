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

func FuzzParseSamples(f *testing.F) {
	f.Add([]byte("a{x=\"1\"} 2\nb 3"))
	f.Add([]byte("{} {"))
	f.Fuzz(func(_ *testing.T, page []byte) { parseSamples(page) })
}
