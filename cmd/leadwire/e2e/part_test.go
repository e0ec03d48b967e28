package e2e_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cluster"
)

// deployDir has what operators start from; the tests run those files and no others.
const deployDir = "../../../docs/deploy"

// part finds a program that docs/deploy.md speaks of. Without it the test is skipped and says how to get it; with
// CI_REQUIRE_REAL_PARTS=1 it fails.
func part(t *testing.T, name, debian string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	require.NotEqual(t, "1", os.Getenv("CI_REQUIRE_REAL_PARTS"), "there is no %s: install the Debian package %s", name, debian)
	t.Skipf("there is no %s: install the Debian package %s", name, debian)
	return ""
}

// check runs a tool of somebody else's on our files and requires that it is content.
func check(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	require.NoError(t, err, "%s %s\n%s", filepath.Base(program), strings.Join(args, " "), out)
	return string(out)
}

// shipped is a file of docs/deploy with what an operator would change in it. Each of the pairs has to be there.
func shipped(t *testing.T, name string, pairs ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(deployDir, name))
	require.NoError(t, err)
	text := string(b)
	for i := 0; i < len(pairs); i += 2 {
		require.Contains(t, text, pairs[i], name)
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// daemon runs a program that serves on an address until the test ends, and returns when it does.
func daemon(t *testing.T, address, program string, args ...string) {
	t.Helper()
	var said syncBuffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	require.NoError(t, cmd.Start())
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-exited
		if t.Failed() {
			t.Log(filepath.Base(program), said.String())
		}
	})
	for end := time.Now().Add(patience); ; {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			require.NoError(t, conn.Close())
			return
		}
		select {
		case <-exited:
			t.Fatalf("%s ended while starting:\n%s", program, said.String())
		case <-time.After(patienceStep): // there is no event for a port of another process
		}
		require.True(t, time.Now().Before(end), said.String())
	}
}

// freeAddress is one of this machine that nobody listens on, for programs that cannot choose one themselves.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// write puts a file below dir and returns its path.
func write(t *testing.T, dir, name string, text ...[]byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, bytes.Join(text, nil), 0o600))
	return path
}

// The page's recipe makes certificates by which nodes know each other, and which a third party verifies for both sides of a connection.
func TestDeploy_Certificates(t *testing.T) {
	t.Parallel()
	part(t, "openssl", "openssl")
	page, err := os.ReadFile(deployDir + ".md")
	require.NoError(t, err)
	_, recipe, found := strings.Cut(string(page), "```\n(umask 077\n")
	require.True(t, found)
	recipe, _, _ = strings.Cut(recipe, "```")
	dir := t.TempDir()
	made := exec.Command("sh", "-e", "-c", "(umask 077\n"+recipe)
	made.Dir = dir
	out, err := made.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, 2, strings.Count(string(out), "node.crt: OK"), string(out))
	server, client, err := cluster.MutualTLS(filepath.Join(dir, "node.crt"), filepath.Join(dir, "node.key"), filepath.Join(dir, "ca.crt"))
	require.NoError(t, err)
	called, calling := net.Pipe()
	defer called.Close()
	defer calling.Close()
	answered := make(chan error, 1)
	go func() {
		_, err := tls.Server(called, server).Write([]byte{1})
		answered <- err
	}()
	_, err = tls.Client(calling, client).Read(make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, <-answered)
}

// The unit is one that systemd accepts, and closes what a service need not reach.
func TestDeploy_UnitVerifies(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	analyze, dir := part(t, "systemd-analyze", "systemd"), t.TempDir()
	unit := write(t, dir, "leadwire.service", []byte(shipped(t, "leadwire.service", "/usr/local/bin/leadwire", binary)))
	require.Empty(t, check(t, analyze, "verify", "--man=no", unit))
	check(t, analyze, "security", "--offline=true", "--threshold=20", unit) // of 100
}
