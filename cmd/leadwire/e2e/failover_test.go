package e2e_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// A node of three is killed and comes back, one more joins and leaves, and what was acked is all there.
func TestBench_Failover(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	figures, stderr, code := runBench(t, "failover", "--parts", "kills,join", "--kills", "1", "--joins", "1", "--rate", "20", "--buyers", "6", "--warmup", "1s",
		"--patience", "1m", "--drain", "1m", "--store", pgtest.Fresh(t),
		"--require", "kills=1,stuck=0,lost=0,doubled=0,failed=0,unseen=0,duplicates=0,gaps=0,join.strayed=0")
	require.Zero(t, code, stderr)
	require.NotEqual(t, "0", figures["moved"])
	require.NotEqual(t, "0%", figures["join.moved_share"])
	for name, value := range figures {
		if !strings.HasPrefix(name, "recovery.buyers") { // none of six may have moved
			require.NotEqual(t, "unmeasured", value, name)
		}
	}
}

// Ctrl-C in the middle of a rolling restart leaves no node, no PostgreSQL and no folder behind.
func TestBench_FailoverInterrupted(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	dir, err := os.MkdirTemp("", "leadwire-interrupted-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o711)) // PostgreSQL may run as another user
	cmd := exec.Command(binary, "bench", "failover", "--parts", "rolling", "--rate", "20", "--buyers", "2", "--warmup", "-1s", "--calm", "1s")
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	var text bytes.Buffer
	cmd.Stdout = &text
	progress, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	running, log := 0, ""
	for lines := bufio.NewScanner(progress); lines.Scan(); {
		log += lines.Text() + "\n"
		if strings.Contains(lines.Text(), "a node is restarted") {
			running = len(processesOf(t, dir))
			require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		}
	}
	require.Error(t, cmd.Wait(), "an interrupted run is not a good one")
	require.Contains(t, text.String(), "interrupted", log)
	require.Greater(t, running, 3, "nodes and PostgreSQL ran below the folder")
	require.Empty(t, processesOf(t, dir))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

// processesOf are the command lines of this machine that name a folder.
func processesOf(t *testing.T, dir string) (all []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, file := range files {
		if line, err := os.ReadFile(file); err == nil && bytes.Contains(line, []byte(dir)) { // it may have ended meanwhile
			all = append(all, string(line))
		}
	}
	return all
}
