package e2e_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
)

// command is one of the program that runs beside the test.
type command struct {
	out  strings.Builder
	cmd  *exec.Cmd
	done chan error
}

func start(t *testing.T, args ...string) *command {
	t.Helper()
	c := &command{cmd: exec.Command(binary, args...), done: make(chan error, 1)}
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	require.NoError(t, c.cmd.Start())
	go func() { c.done <- c.cmd.Wait() }()
	t.Cleanup(func() { _ = c.cmd.Process.Kill() }) // it has ended, unless the test failed
	return c
}

// ends waits for a command's success, and returns what it printed.
func (c *command) ends(t *testing.T) string {
	t.Helper()
	select {
	case err := <-c.done:
		require.NoError(t, err, c.out.String())
	case <-time.After(patience):
		t.Fatal("the command does not end")
	}
	return c.out.String()
}

// fails waits for a command that has no success.
func (c *command) fails(t *testing.T) string {
	t.Helper()
	select {
	case err := <-c.done:
		require.Error(t, err, c.out.String())
	case <-time.After(patience):
		t.Fatal("the command does not end")
	}
	return c.out.String()
}

// exits waits for a process's end, with success.
func (p *process) exits(t *testing.T) {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatalf("it does not end:\n%s", p.log)
	}
	require.Zero(t, p.cmd.ProcessState.ExitCode(), p.log)
}

// Nodes are drained, join, are stopped and leave while requests to every endpoint are under way. Each of these ends where
// it was begun: an event comes to each endpoint once, a person's in order, and leads are acked all the while.
func TestCluster_HandsOver(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	c := newCrew(t)
	a, b := c.join(), c.join()
	c.share(a, b)

	g := c.under(a, b)
	share := b.standing(t).Held
	drain := start(t, "cluster", "drain", "--data", b.data)
	s := b.until(t, "only what has requests under way is still there", func(s cluster.Standing) bool { return s.Withdrawn && s.Held <= endpoints })
	require.Positive(t, s.Held, "each endpoint has a request under way")
	c.post(3, a, b)
	require.Regexp(t, `\b\d+ of \d+ partitions are still here after 100ms; it goes on\n$`, start(t, "cluster", "drain", "--wait", "100ms", "--data", b.data).fails(t))
	require.Positive(t, b.standing(t).Held)
	g.open()
	require.Equal(t, fmt.Sprintf("handed over: %d partitions\n", share), drain.ends(t))
	require.Zero(t, b.standing(t).Held)
	require.Regexp(t, `(?m)^127\.0\.0\.1:\d+ +0 +0 +\d+ +\d+ +\d\.\ds +this node, drained$`, start(t, "cluster", "status", "--data", b.data).ends(t))
	a.until(t, "the other has everything", func(s cluster.Standing) bool { return s.Held == domain.Partitions })

	dashboards := openAll(c.tokens)
	closed := watch(t, b.process, dashboards)
	before := shown(dashboards)
	c.post(5, b)
	require.Eventually(t, func() bool { return shown(dashboards) == before+15 }, patience, patienceStep, "a drained node holds streams")
	closed()
	require.Equal(t, "this node takes its share again\n", start(t, "cluster", "drain", "--undo", "--data", b.data).ends(t))
	c.share(a, b)

	g = c.under(a, b)
	d := c.join()
	s = d.until(t, "it waits for what has requests under way", func(s cluster.Standing) bool { return s.Held > 0 && s.Waiting > 0 && s.Waiting <= endpoints })
	c.post(3, a, b, d)
	require.Positive(t, d.standing(t).Waiting)
	g.open()
	c.share(a, b, d)

	g = c.under(a, b, d)
	require.NoError(t, a.cmd.Process.Signal(syscall.SIGTERM))
	d.until(t, "the two others have nearly everything", func(s cluster.Standing) bool {
		held := s.Held + b.standing(t).Held
		return len(s.Members) == 2 && held >= domain.Partitions-endpoints && held < domain.Partitions
	})
	c.post(3, b, d)
	g.open()
	a.exits(t)
	c.share(b, d)

	g = c.under(b, d)
	require.Contains(t, start(t, "cluster", "leave", "--data", d.data).ends(t), " leaves; it held ")
	b.until(t, "the last one has nearly everything", func(s cluster.Standing) bool {
		return len(s.Members) == 1 && s.Held >= domain.Partitions-endpoints && s.Held < domain.Partitions
	})
	c.post(3, b)
	g.open()
	d.exits(t)
	b.until(t, "the last one has everything", func(s cluster.Standing) bool { return s.Held == domain.Partitions })

	c.party.drained(t, c.store, everyone()...)
	c.party.inspect(t, c.store)
	for at, events := range c.party.cameTimes() {
		for id, n := range events {
			require.Equal(t, 1, n, "%s of %s", id, at)
		}
	}
	for _, m := range []*member{a, b, d} {
		require.NotContains(t, m.log.String(), "cut off")
	}
}

func shown(dashboards map[string]*dashboard) (n int) {
	for _, d := range dashboards {
		rows, _ := d.counts()
		n += rows
	}
	return n
}

// A process is stopped with its queues full, and goes on when the other has taken over. It finds that its lease has run
// out before it does anything: its requests that are under way end, no other leaves, and it gets a share anew.
func TestCluster_StaleProcess(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	c := newCrew(t)
	a, b := c.join(), c.join()
	c.share(a, b)

	const places = 4 // that an endpoint has at first
	gone := c.party.shut()
	c.post(8, a, b)
	c.party.wait(t, places, everyone()...)
	moved := c.endpointsOf(b)
	require.NotEmpty(t, moved)
	require.NoError(t, b.cmd.Process.Signal(syscall.SIGSTOP))
	first := c.party.cameTimes() // nothing else is on the wire
	again := c.party.shut()
	a.until(t, "the other has everything", func(s cluster.Standing) bool { return s.Held == domain.Partitions })
	c.party.wait(t, places, moved...)
	again.open()
	c.party.drained(t, c.store, moved...)

	require.NoError(t, b.cmd.Process.Signal(syscall.SIGCONT))
	c.party.until(t, "what was under way is cut off", func() bool {
		return !slices.ContainsFunc(moved, func(e string) bool { return c.party.cut[e] < places })
	})
	gone.open()
	c.share(a, b)
	require.Contains(t, b.log.String(), "our lease has run out")
	c.post(3, b)
	c.party.drained(t, c.store, everyone()...)
	c.party.inspect(t, c.store)
	for at, events := range c.party.cameTimes() {
		for id, n := range events {
			want := 1
			if slices.Contains(moved, at) && first[at][id] > 0 {
				want = 2
			}
			require.Equal(t, want, n, "%s of %s", id, at)
		}
	}
}
