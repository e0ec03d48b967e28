package bench

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// skipShort leaves out what -short has no time for.
func skipShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped by -short: runs a real process")
	}
}

// By itself the bench starts a server process, configures it, measures it, and leaves nothing behind.
func TestCrm_WithAServerOfItsOwn(t *testing.T) {
	skipShort(t)
	t.Setenv("TMPDIR", t.TempDir())
	report, err := Crm(t.Context(), CrmConfig{
		Rate: 100, Duration: 500 * time.Millisecond, Warmup: -1, Buyers: 3, Connections: 50, Drain: time.Minute,
	})
	require.NoError(t, err)
	require.EqualValues(t, 50, value(t, report, "acked"))
	require.Zero(t, value(t, report, "lost"))
	require.Positive(t, value(t, report, "server.rss"), "the memory is the child's")
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left, "the server's folder is gone")
}

// The profile is of the server that was started for the run, over the measured time.
func TestCrm_ProfilesItsServer(t *testing.T) {
	skipShort(t)
	t.Setenv("TMPDIR", t.TempDir())
	file := filepath.Join(t.TempDir(), "profile")
	_, err := Crm(t.Context(), CrmConfig{
		Rate: 100, Duration: 2 * time.Second, Warmup: -1, Buyers: 1, Connections: 50, Drain: time.Minute, Server: ServerConfig{Profile: file},
	})
	require.NoError(t, err)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "/debug/pprof/profile?seconds=2", string(text))
}

// A server that ends while starting is an error at once, and the end of its log is in it.
func TestStartProcess_Broken(t *testing.T) {
	skipShort(t)
	t.Setenv("TMPDIR", t.TempDir())
	_, err := startProcess(t.Context(), ServerConfig{Args: []string{"--break", "now"}})
	require.ErrorContains(t, err, "told to break")
	_, err = startProcess(t.Context(), ServerConfig{Executable: "/does/not/exist"})
	require.ErrorContains(t, err, "start server")
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left)
}

// A store that holds somebody's catalog is left alone.
func TestStartServer_RefusesAStoreInUse(t *testing.T) {
	skipShort(t)
	t.Setenv("TMPDIR", t.TempDir())
	p, err := startProcess(t.Context(), ServerConfig{})
	require.NoError(t, err)
	s := &ownServer{process: p}
	_, err = s.provision(t.Context(), newRun(), 2, nil)
	require.NoError(t, err)
	_, err = s.provision(t.Context(), newRun(), 2, nil)
	require.ErrorContains(t, err, "empty database")
	require.NoError(t, p.stop())
}

func TestPlainEnvironment(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"PATH=/bin", "X=LEADWIRE_"}, plainEnvironment([]string{"PATH=/bin", "LEADWIRE_STORE=x", "X=LEADWIRE_"}),
		"what is measured is what the command line says")
}

// A server that was killed is started again in its place, with its arguments and its folder, and its log goes on.
func TestProcess_Again(t *testing.T) {
	skipShort(t)
	t.Setenv("TMPDIR", t.TempDir())
	ports, err := freeAddresses(1)
	require.NoError(t, err)
	p, err := startProcess(t.Context(), ServerConfig{Args: []string{"--listen", ports[0].String()}})
	require.NoError(t, err)
	before, url := p.cmd.Process.Pid, p.URL
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "server.log"), []byte("the first life\n"), 0o600))
	require.NoError(t, (&fleetNode{process: p}).kill())
	<-p.exited
	f := &fleet{nodes: []*fleetNode{{process: p}}}
	require.ErrorContains(t, f.whole(t.Context()), "node 1 ended", "it is not waited for")
	require.NoError(t, p.again(t.Context()))
	require.NotEqual(t, before, p.cmd.Process.Pid)
	require.Equal(t, url, p.URL)
	require.NoError(t, f.ended())
	require.Contains(t, p.lastLines(), "the first life")
	require.NoError(t, p.stop())
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	require.Empty(t, left)
}
