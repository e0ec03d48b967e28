package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/vault"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// crew is nodes on one Postgres, with the customers whom they deliver to.
type crew struct {
	t      *testing.T
	url    string
	seeds  string
	master string
	crm    *crm
	party  *party
	tokens map[string]string
	store  domain.Store // beside the nodes
	leads  int
}

// member is a node of a crew, and its folder.
type member struct {
	*process

	data string
}

func newCrew(t *testing.T) *crew {
	t.Helper()
	key := vault.NewKey()
	c := &crew{t: t, url: pgtest.Fresh(t), seeds: filepath.Join(t.TempDir(), "seeds"), master: key.Encode(), crm: newCRM(t), party: newParty(t)}
	c.tokens = apply(t, []string{"--store", c.url, "--data", t.TempDir()}, c.crm.catalog(buyers, 0)+c.party.yaml())
	c.store = openStore(t, c.url)
	c.party.secrets(t, c.store, key)
	return c
}

// join starts one more node.
func (c *crew) join() *member {
	c.t.Helper()
	m := &member{data: c.t.TempDir()}
	m.process = serve(c.t, []string{"--store", c.url, "--data", m.data, "--master-key", c.master, "--allow-private"},
		"--join", "file:"+c.seeds, "--cluster-secret", "MDEyMzQ1Njc4OWFiY2RlZg==", "--farewell", "100ms", "--drain-grace", "100ms")
	if _, err := os.Stat(c.seeds); err != nil {
		require.NoError(c.t, os.WriteFile(c.seeds, []byte(m.standing(c.t).Gossip+"\n"), 0o600))
	}
	return m
}

// standing is how the cluster looks from a node, by its socket.
func (m *member) standing(t *testing.T) (s cluster.Standing) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://node/api/v1/cluster", nil)
	require.NoError(t, err)
	res, err := control.NewClient(m.data).Do(r)
	require.NoError(t, err, m.log)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.NoError(t, json.NewDecoder(res.Body).Decode(&s))
	return s
}

// until waits for the cluster to look like something from a node.
func (m *member) until(t *testing.T, what string, is func(cluster.Standing) bool) cluster.Standing {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		s := m.standing(t)
		if is(s) {
			return s
		}
		require.True(t, time.Now().Before(end), "it never came to this: %s\n%+v\n%s", what, s, m.log)
		<-time.After(patienceStep) // nobody tells of it
	}
}

// share waits until these nodes hold everything, each some of it.
func (c *crew) share(members ...*member) {
	c.t.Helper()
	for end := time.Now().Add(patience); ; {
		held, idle := 0, 0
		for _, m := range members {
			s := m.standing(c.t)
			if held += s.Held; s.Held == 0 || len(s.Members) != len(members) {
				idle++
			}
		}
		if held == domain.Partitions && idle == 0 {
			return
		}
		require.True(c.t, time.Now().Before(end), "%d are held, %d have no share", held, idle)
		<-time.After(patienceStep) // nobody tells of it
	}
}

// post tells of n new leads, each with two changes, by the nodes in turn, and requires that each of them is acked.
func (c *crew) post(n int, by ...*member) {
	c.t.Helper()
	for range n {
		c.leads++
		for i := range 3 {
			m := by[(c.leads+i)%len(by)]
			status, err := c.crm.post(m.process, event{lead: fmt.Sprint("h", c.leads), n: i}.body())
			require.NoError(c.t, err, m.log)
			require.Equal(c.t, http.StatusOK, status, m.log)
		}
	}
}

// under shuts the gate and has requests of every endpoint under way.
func (c *crew) under(by ...*member) *gate {
	c.t.Helper()
	g := c.party.shut()
	c.post(5, by...)
	c.party.wait(c.t, 1, everyone()...)
	return g
}

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

// endpointsOf are those whose partitions a node holds.
func (c *crew) endpointsOf(m *member) (all []string) {
	c.t.Helper()
	holdings, err := c.store.Holdings(c.t.Context())
	require.NoError(c.t, err)
	node := m.standing(c.t).Node
	for _, name := range everyone() {
		p := cluster.PartitionOf(wire.KindEndpoint, keyOf(name).String())
		if slices.ContainsFunc(holdings, func(h domain.Holding) bool { return h.Node == node && h.Fence.Partition == p }) {
			all = append(all, name)
		}
	}
	return all
}
