//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// build makes the real binary: signals and exit codes are the process's.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "leadwire")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return binary
}

// serving starts the binary and returns when it serves. lines are the messages of its log from then on.
func serving(t *testing.T, binary string, args ...string) (cmd *exec.Cmd, lines func() string) {
	t.Helper()
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--log-format", "json"}, args...)
	cmd = exec.CommandContext(t.Context(), binary, args...)
	log, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	scanner := bufio.NewScanner(log)
	lines = func() string {
		var line struct{ Msg string }
		if !scanner.Scan() {
			return ""
		}
		require.NoError(t, json.Unmarshal(scanner.Bytes(), &line))
		return line.Msg
	}
	for msg := lines(); msg != "serving"; msg = lines() {
		require.NotEmpty(t, msg, "the node ended while it started")
	}
	return cmd, lines
}

// The first signal asks, and the node stops in order; a second one ends the process whatever it is doing.
func TestSignals(t *testing.T) {
	binary := build(t)
	for _, first := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run("a graceful stop on "+first.String(), func(t *testing.T) {
			cmd, lines := serving(t, binary, "--drain-grace", "-1s")
			require.NoError(t, cmd.Process.Signal(first))
			var last string
			for msg := lines(); msg != ""; msg = lines() {
				last = msg
			}
			require.Equal(t, "stopped", last)
			require.NoError(t, cmd.Wait())
		})
	}
	t.Run("a second signal ends it at once", func(t *testing.T) {
		cmd, lines := serving(t, binary, "--drain-grace", "1h", "--stop-timeout", "1h")
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		for msg := lines(); msg != "stopping"; msg = lines() {
			require.NotEmpty(t, msg)
		}
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		for lines() != "" { // to the log's end
		}
		require.Error(t, cmd.Wait())
		require.Equal(t, exitAtOnce, cmd.ProcessState.ExitCode())
	})
	t.Run("a stop that takes too long ends, and says so", func(t *testing.T) {
		cmd, lines := serving(t, binary, "--drain-grace", "1h", "--stop-timeout", "100ms")
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		for msg := lines(); msg != "stopped"; msg = lines() {
			require.NotEmpty(t, msg)
		}
		_ = cmd.Wait() // whether something was cut off depends on what was under way
	})
}
