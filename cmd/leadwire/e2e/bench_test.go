package e2e_test

import (
	"bufio"
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// runBench runs "leadwire bench" and returns its figures, its complaints and its exit code.
func runBench(t *testing.T, args ...string) (figures map[string]string, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"bench"}, args...)...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	figures = map[string]string{}
	for line := range strings.Lines(out.String()) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name != "#" {
			figures[name] = value
		}
	}
	return figures, complaints.String(), cmd.ProcessState.ExitCode()
}

// The bench runs a whole node by itself, proves that nothing is lost, and judges by exit code.
func TestBench_Crm(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	short := []string{"crm", "--rate", "50", "--duration", "1s", "--warmup", "200ms", "--buyers", "5", "--patience", "1m", "--drain", "1m"}
	figures, stderr, code := runBench(t, append(short, "--require", "lost=0,duplicates=0,gaps=0,refused=0,failed=0,acked=60")...)
	require.Zero(t, code, stderr)
	require.Equal(t, "60", figures["acked"])
	for name, value := range figures {
		require.NotEqual(t, "unmeasured", value, "%s is measured on a server of our own", name)
	}

	_, stderr, code = runBench(t, append(short, "--require", "sse.p50<1us,lost=0")...)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "sse.p50<1us does not hold")
	require.NotContains(t, stderr, "lost=0 does not", "only what does not hold is listed")

	_, stderr, code = runBench(t, append(short, "--require", "sse.p59<1ms")...)
	require.Equal(t, 2, code, "a figure nobody measures is found before anything starts")
	require.Contains(t, stderr, "sse.p59")
}

func TestBench_Idle(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	figures, stderr, code := runBench(t, "idle", "--connections", "200", "--settle", "1s", "--require", "connections=200,reconnects=0")
	require.Zero(t, code, stderr)
	require.NotEmpty(t, figures["rss_per_connection"])
}

// Ctrl-C ends a run early: what there was is printed, and the server is gone.
func TestBench_Interrupted(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	cmd := exec.Command(binary, "bench", "crm", "--rate", "50", "--duration", "1h", "--presign", "100", "--buyers", "2")
	var text bytes.Buffer
	cmd.Stdout = &text
	progress, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for lines := bufio.NewScanner(progress); lines.Scan(); {
		if strings.Contains(lines.Text(), "measuring") {
			require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		}
	}
	require.Error(t, cmd.Wait(), "an interrupted run is not a good one")
	require.Contains(t, text.String(), "interrupted")
	require.Contains(t, text.String(), "acked ")
}

// The pixel's bench runs a node with a graph and endpoints of customers, and proves that everybody known was met once and that
// each endpoint has heard of it.
func TestBench_Pixel(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	figures, stderr, code := runBench(t, "pixel", "--rate", "60", "--batch", "2", "--duration", "2s", "--warmup", "200ms", "--visitors", "60", "--known", "0.5", "--people", "100",
		"--endpoints", "2", "--swaps", "1", "--patience", "1m", "--drain", "1m",
		"--require", "acked=132,refused=0,failed=0,swaps=1,first_matches.lost=0,first_matches.repeated=0,deliveries.lost=0,deliveries.repeated=0,deliveries.forged=0")
	require.Zero(t, code, stderr)
	require.NotEqual(t, "0", figures["first_matches"])
	require.NotEqual(t, "0", figures["deliveries"])
	require.NotEqual(t, "unmeasured", figures["delivered.p50"])
}
