package e2e_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binary is the program under test, built once with the race detector on; empty with -short.
var binary string

func TestMain(m *testing.M) {
	flag.Parse() // by which testing.Short knows
	if testing.Short() {
		os.Exit(m.Run())
	}
	// They wait for processes more than they work: four at a time keep two processors busy.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "leadwire-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "leadwire")
	build := exec.Command("go", "build", "-race", "-o", binary, "github.com/leadwire/leadwire/cmd/leadwire")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// needsProgram leaves a test out when -short asks for what is quick.
func needsProgram(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped by -short: builds and runs the whole program")
	}
}

// patience is for what has to come by itself: a race-built program on a machine where other packages'
// tests run as well. It is only waited for when a test fails.
const patience = 2 * time.Minute

// patienceStep is the pause between looks at what gives no event of its own.
const patienceStep = 20 * time.Millisecond

// process is one run of `leadwire serve`.
type process struct {
	t       *testing.T
	cmd     *exec.Cmd
	address string
	exited  chan struct{}
	log     *syncBuffer
}

// serve starts a node on storage (its flags) and returns when it answers requests.
func serve(t *testing.T, storage []string, more ...string) *process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "address")
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--address-file", file, "--log-level", "info"}, storage...)
	p := &process{t: t, cmd: exec.Command(binary, append(args, more...)...), exited: make(chan struct{}), log: &syncBuffer{}}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = append(os.Environ(), "GORACE=halt_on_error=1 exitcode=66")
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		require.NotContains(t, p.log.String(), "DATA RACE")
	})
	for deadline := time.Now().Add(patience); ; {
		if b, err := os.ReadFile(file); err == nil && len(bytes.TrimSpace(b)) > 0 {
			p.address = strings.TrimSpace(string(b))
			return p
		}
		select {
		case <-p.exited:
			t.Fatalf("the node ended while starting:\n%s", p.log)
		case <-time.After(5 * time.Millisecond): // there is no event for a file of another process
		}
		if time.Now().After(deadline) {
			t.Fatalf("the node did not serve within %v:\n%s", patience, p.log)
		}
	}
}

func (p *process) url(path string) string { return "http://" + p.address + path }

// kill is kill -9: nothing in the process gets to say goodbye.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.exited
}

// stop asks for a graceful stop and waits for it.
func (p *process) stop() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("no graceful stop within %v:\n%s", patience, p.log)
	}
	require.Zero(p.t, p.cmd.ProcessState.ExitCode(), p.log.String())
}

// apply runs `leadwire apply` and returns the tokens by buyer.
func apply(t *testing.T, storage []string, catalog string) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "catalog.yaml")
	require.NoError(t, os.WriteFile(file, []byte(catalog), 0o600))
	cmd := exec.Command(binary, append([]string{"apply", "-f", file, "--json", "--all-tokens"}, storage...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var outcome struct {
		Tokens []struct {
			Buyer string `json:"buyer"`
			Token string `json:"token"`
		} `json:"tokens"`
	}
	require.NoError(t, json.Unmarshal(out, &outcome), string(out))
	tokens := map[string]string{}
	for _, token := range outcome.Tokens {
		tokens[token.Buyer] = token.Token
	}
	return tokens
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
