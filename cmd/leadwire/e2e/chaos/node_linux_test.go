package chaos_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/leadwire/leadwire/cmd/leadwire/e2e/chaos/arena"
	"github.com/leadwire/leadwire/cmd/leadwire/e2e/chaos/plan"
)

// node is one host with one `leadwire serve`, and an orchestrator that starts it again when it ends by itself.
type node struct {
	name    plan.Place
	host    *arena.Host
	data    string   // its folder
	args    []string // of every run
	store   string   // URL
	history *history
	broken  func(format string, args ...any) // tells that the node did what it must not

	turn sync.Mutex // of faults: a stop may take longer than its plan knows

	mu     sync.Mutex
	wanted bool
	runs   int
	skew   time.Duration
	cmd    *exec.Cmd
	ended  chan struct{} // closed when it is not wanted and not there any more
}

func (n *node) url(path string) string { return "http://" + n.host.Address + ":8080" + path }

// app is what the store knows a run by.
func app(name plan.Place, run int) string { return fmt.Sprintf("%s.%d", name, run) }

// up wants the node, with a clock that is wrong by skew.
func (n *node) up(skew time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wanted, n.skew, n.ended = true, skew, make(chan struct{})
	go n.keep(n.ended)
}

// pauseOfOrchestrator is how soon a node that ended by itself is started again.
const pauseOfOrchestrator = 200 * time.Millisecond

func (n *node) keep(ended chan struct{}) {
	defer close(ended)
	for {
		cmd, err := n.start()
		if errors.Is(err, errUnwanted) {
			return
		}
		if err != nil {
			n.broken("%s does not start: %v", n.name, err)
			return
		}
		_ = cmd.Wait() // how it ended is its state
		n.mu.Lock()
		wanted := n.wanted
		n.mu.Unlock()
		switch code := cmd.ProcessState.ExitCode(); {
		case code == 2 || code == raceFound:
			n.broken("%s crashed, see its log: exit code %d", n.name, code)
		case wanted:
			n.history.note(planned, map[string]any{"what": "ended by itself", "node": n.name, "state": cmd.ProcessState.String()})
		}
		if !wanted {
			return
		}
		<-time.After(pauseOfOrchestrator)
	}
}

// raceFound is the exit code of a program in which the race detector found something; 2 is a panic's.
const raceFound = 66

var errUnwanted = errors.New("the node is not wanted any more")

// start runs the program once more, or says errUnwanted.
func (n *node) start() (*exec.Cmd, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.wanted {
		return nil, errUnwanted
	}
	n.runs++
	log, err := os.OpenFile(filepath.Join(n.history.dir, string(n.name)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	fmt.Fprintf(log, "--- run %d, %.3fs, clock wrong by %v\n", n.runs, time.Since(n.history.since).Seconds(), n.skew)
	cmd := exec.Command(os.Getenv(binaryFile), append([]string{"serve", "--store", n.store + "&application_name=" + app(n.name, n.runs),
		"--data", n.data, "--test-clock-skew", n.skew.String()}, n.args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), fmt.Sprintf("GORACE=halt_on_error=1 exitcode=%d", raceFound))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.host.Start(cmd); err != nil {
		return nil, err
	}
	n.cmd = cmd
	return cmd, nil
}

// patienceToStop is for a graceful stop while links are cut: the product's own limit, and some.
const patienceToStop = 40 * time.Second

// down ends the node with a signal, and returns when it has ended.
func (n *node) down(how syscall.Signal) {
	n.mu.Lock()
	n.wanted = false
	cmd, ended := n.cmd, n.ended
	n.mu.Unlock()
	if ended == nil {
		return
	}
	if cmd != nil {
		_ = cmd.Process.Signal(how) // it may have ended
	}
	select {
	case <-ended:
		return
	case <-time.After(patienceToStop):
	}
	n.broken("%s did not stop within %v", n.name, patienceToStop)
	_ = cmd.Process.Kill()
	<-ended
}

// signal reaches the run of now, if there is one; the same run is told again by the function returned.
func (n *node) signal(s syscall.Signal) (again func(syscall.Signal)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	cmd := n.cmd
	again = func(s syscall.Signal) {
		if cmd != nil {
			_ = cmd.Process.Signal(s)
		}
	}
	again(s)
	return again
}
