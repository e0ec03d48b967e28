package clustertest_test

import (
	"crypto/tls"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
	"github.com/leadwire/leadwire/cluster/clustertest/authority"
	"github.com/leadwire/leadwire/cluster/clustertest/testpb"
)

// TestCluster runs the stories one after the other. All their nodes open their ports before the first
// story begins: see cluster.Listen.
func TestCluster(t *testing.T) {
	type story struct {
		name  string
		nodes int
		cfg   cluster.Config
		deps  cluster.Deps
		tell  func(*testing.T, *clustertest.Cluster, *clustertest.Arena)
		// handsOver is of its kind.
		handsOver bool

		arena   *clustertest.Arena
		cluster *clustertest.Cluster
	}
	log, grants := &transcript{}, &grants{}
	stories := []*story{
		{name: "StrangersStayOut", nodes: 2, cfg: cluster.Config{SecretKey: []byte("0123456789abcdef")}, tell: strangersStayOut}, // first: it opens more ports
		{name: "GrowsAndShrinks", nodes: 3, tell: growsAndShrinks},
		{name: "AnswersWhileItChanges", nodes: 3, tell: answersWhileItChanges},
		{name: "TellsAcross", nodes: 2, tell: tellsAcross},
		{name: "NotifiesWithinBounds", nodes: 2, cfg: cluster.Config{TellWindow: 2}, tell: notifiesWithinBounds},
		{name: "RefusalsCross", nodes: 2, cfg: cluster.Config{AskTry: time.Hour}, tell: refusalsCross},
		{name: "SpeaksTLS", nodes: 2, cfg: mutualTLS(t), tell: growsToTwo},
		{name: "GrowsAndShrinksUnderTLS", nodes: 3, cfg: mutualTLS(t), tell: growsAndShrinks},
		{name: "LogsOneLinePerChange", nodes: 2, deps: cluster.Deps{Log: slog.New(slog.NewTextHandler(log, nil))},
			tell: func(t *testing.T, c *clustertest.Cluster, _ *clustertest.Arena) { logsOneLinePerChange(t, c, log) }},
		{name: "StopsBeforeOthersBegin", nodes: 2, cfg: cluster.Config{Lease: time.Second}, tell: stopsBeforeOthersBegin},
		{name: "WorksOnUntilSettled", nodes: 2, tell: worksOnUntilSettled, handsOver: true},
		{name: "WithdrawsAndReturns", nodes: 2, tell: withdrawsAndReturns},
		{name: "AnswersWhileItWithdraws", nodes: 2, cfg: cluster.Config{AskTry: time.Hour}, tell: answersWhileItWithdraws, handsOver: true},
		{name: "StaysAfterAll", nodes: 2, deps: cluster.Deps{OnHeld: grants.add}, handsOver: true,
			tell: func(t *testing.T, c *clustertest.Cluster, _ *clustertest.Arena) { staysAfterAll(t, c, grants) }},
		{name: "AsksAgainWhenTheOwnerDies", nodes: 2, cfg: cluster.Config{AskTry: time.Hour}, tell: asksAgainWhenTheOwnerDies},
	}
	for _, s := range stories {
		s.arena = clustertest.NewArena()
		s.deps.Kinds = []cluster.Kind{s.arena.Kind("probe", func(k *cluster.Kind) { k.HandsOver = s.handsOver })}
		s.cluster = clustertest.New(t, s.nodes, s.cfg, s.deps)
	}
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) { s.tell(t, s.cluster, s.arena) })
	}
}

const identities = 300

// everyoneAnswers asks every identity from every node, and expects each to live where all nodes say it
// does. On a machine that is busy a node may be thought dead and come back meanwhile: then again.
func everyoneAnswers(t *testing.T, nodes ...*cluster.Node) {
	t.Helper()
	require.Eventually(t, func() bool {
		for i := range identities {
			if len(homes(t, strconv.Itoa(i), nodes)) != 1 {
				return false
			}
		}
		return true
	}, clustertest.Timeout, 10*time.Millisecond, "every identity lives on one node, and all know which")
}

func homes(t *testing.T, id string, nodes []*cluster.Node) map[string]bool {
	home := map[string]bool{}
	for _, n := range nodes {
		home[clustertest.Ask(t, n, id, "").GetAddress()] = true
		owner, _ := n.Owner("probe", id)
		home[owner] = true
	}
	return home
}

// All members hold their shares, which make up the whole.
func requireShares(t *testing.T, ledger *clustertest.Ledger, nodes ...*cluster.Node) {
	t.Helper()
	require.Eventually(t, func() bool {
		total := 0
		for _, n := range nodes {
			if held := len(n.Held()); held == 0 || held != ledger.Holders()[n.ID()] || len(n.Members()) != len(nodes) {
				return false
			}
			total += len(n.Held())
		}
		return total == domain.Partitions
	}, clustertest.Timeout, 5*time.Millisecond)
}

// A second and a third node join: each identity lives on one node, and any node can ask it. One leaves
// and one crashes: the survivor takes over everything.
func growsAndShrinks(t *testing.T, c *clustertest.Cluster, ring *clustertest.Arena) {
	a := c.Join(t)
	everyoneAnswers(t, a)
	b := c.Join(t)
	requireShares(t, c.Ledger, a, b)
	everyoneAnswers(t, a, b)
	d := c.Join(t)
	requireShares(t, c.Ledger, a, b, d)
	everyoneAnswers(t, a, b, d)
	for _, n := range []*cluster.Node{a, b, d} {
		require.InDelta(t, domain.Partitions/3, len(n.Held()), 40, "shares are even, within chance")
	}

	clustertest.Stop(t, b)
	requireShares(t, c.Ledger, a, d)
	everyoneAnswers(t, a, d)

	d.Kill() // no word to anybody
	requireShares(t, c.Ledger, a)
	everyoneAnswers(t, a)
	require.Zero(t, ring.Overlaps(), "never twice on one node")
}

// While nodes come and go, no question goes unanswered.
func answersWhileItChanges(t *testing.T, c *clustertest.Cluster, ring *clustertest.Arena) {
	a := c.Join(t)
	stop := make(chan struct{})
	var load sync.WaitGroup
	var asked atomic.Int64
	for w := range 8 {
		load.Go(func() {
			for i := w; ; i++ {
				select {
				case <-stop:
					return
				default:
					clustertest.Ask(t, a, strconv.Itoa(i%identities), "")
					asked.Add(1)
				}
			}
		})
	}
	b := c.Join(t)
	requireShares(t, c.Ledger, a, b)
	d := c.Join(t)
	requireShares(t, c.Ledger, a, b, d)
	clustertest.Stop(t, b)
	requireShares(t, c.Ledger, a, d)
	d.Kill()
	requireShares(t, c.Ledger, a)
	close(stop)
	load.Wait()
	require.Zero(t, ring.Overlaps())
	t.Logf("%d questions, every one answered", asked.Load())
}

// One-way messages reach another node, and what cannot cross is refused where it is sent.
func tellsAcross(t *testing.T, c *clustertest.Cluster, _ *clustertest.Arena) {
	a, b := c.Join(t), c.Join(t)
	requireShares(t, c.Ledger, a, b)
	refused := 0
	for range 1000 { // 20,000 messages: five windows of unconfirmed ones
		for i := range 20 {
			for a.Tell(clustertest.Ping(far(a, i), "")) != nil { // the window is full: b has not caught up
				refused++
				runtime.Gosched()
			}
		}
	}
	require.Eventually(t, func() bool { return b.Live("probe") == 20 && b.Pending() == 0 }, clustertest.Timeout, time.Millisecond)
	t.Logf("the window was full %d times", refused)

	local := &stay{far(a, 0)}
	require.Equal(t, domain.Internal, domain.CodeOf(a.Tell(local)))
	_, err := a.Ask(t.Context(), local)
	require.ErrorContains(t, err, "only a protobuf message")
}

// far is the i-th identity that does not live on n.
func far(n *cluster.Node, i int) string {
	for j := 0; ; j++ {
		id := strconv.Itoa(j)
		if _, local := n.Owner("probe", id); local {
			continue
		}
		if i--; i < 0 {
			return id
		}
	}
}

// stay is a message that cannot leave its node.
type stay struct{ id string }

func (m *stay) Address() (kind, id string) { return "probe", m.id }

// With certificates on both sides, nodes speak TLS and nothing else changes.
func growsToTwo(t *testing.T, c *clustertest.Cluster, _ *clustertest.Arena) {
	a, b := c.Join(t), c.Join(t)
	requireShares(t, c.Ledger, a, b)
	everyoneAnswers(t, a, b)
	for _, n := range []*cluster.Node{a, b} { // both see the same, each from its side
		s, proposed := n.Standing(), 0
		require.Len(t, s.Members, 2)
		for _, m := range s.Members {
			proposed += m.Proposed
			require.Equal(t, m.Address == n.Address(), m.Local)
			if m.Local {
				require.Equal(t, m.Proposed, s.Held)
			}
		}
		require.Equal(t, 256, proposed)
	}
	_, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}}).DialContext(t.Context(), "tcp", a.Address())
	require.NoError(t, err, "the port speaks TLS")
}

// mutualTLS is a configuration in which each side shows a certificate that the other one knows.
func mutualTLS(t *testing.T) cluster.Config {
	a := authority.New(t)
	cert, key := a.Issue("node")
	server, client, err := cluster.MutualTLS(cert, key, a.File())
	require.NoError(t, err)
	return cluster.Config{ServerTLS: server, ClientTLS: client}
}

// What a named actor elsewhere is sent counts among what its node has yet to confirm, also while that node takes no part in
// partitions; what is for this node has no such bound.
func notifiesWithinBounds(t *testing.T, c *clustertest.Cluster, _ *clustertest.Arena) {
	a, b := c.Join(t), c.Join(t)
	requireShares(t, c.Ledger, a, b)
	require.NoError(t, b.Withdraw(t.Context()))
	require.Eventually(t, func() bool { return len(a.Members()) == 1 }, clustertest.Timeout, time.Millisecond)
	for range 2 {
		require.NoError(t, a.Notify(b.Address(), "nobody", &testpb.Ping{}))
	}
	err := a.Notify(b.Address(), "nobody", &testpb.Ping{}) // b is asked to confirm only now
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorContains(t, err, "has not confirmed the last 2 messages")
	require.Eventually(t, func() bool { return a.Notify(b.Address(), "nobody", &testpb.Ping{}) == nil }, clustertest.Timeout, time.Millisecond)
	for range 10 {
		require.NoError(t, a.Notify(a.Address(), "nobody", &testpb.Ping{}))
	}
}

// An actor's refusals cross nodes: a panic over there is an error here, at once, and a full mailbox too.
func refusalsCross(t *testing.T, c *clustertest.Cluster, ring *clustertest.Arena) {
	a, b := c.Join(t), c.Join(t)
	requireShares(t, c.Ledger, a, b)
	id := far(a, 0)
	_, err := a.Ask(t.Context(), clustertest.Ping(id, "panic"))
	require.Equal(t, domain.Internal, domain.CodeOf(err))
	require.ErrorContains(t, err, "told to")
	require.NoError(t, a.Tell(clustertest.Ping(id, "block")))
	<-ring.Entered
	for range 256 {
		require.NoError(t, b.Tell(clustertest.Ping(id, "")))
	}
	_, err = a.Ask(t.Context(), clustertest.Ping(id, ""))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorContains(t, err, "full")
	close(ring.Release)
}

// Nodes of another cluster, or without the key, are not heard.
func strangersStayOut(t *testing.T, c *clustertest.Cluster, _ *clustertest.Arena) {
	key := []byte("0123456789abcdef")
	a := c.Join(t)
	for _, row := range []struct {
		name string
		cfg  cluster.Config
	}{
		{"another key", cluster.Config{SecretKey: []byte("fedcba9876543210")}},
		{"no key", cluster.Config{}},
		{"another name", cluster.Config{SecretKey: key, Name: "other"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.cfg.Seeds = []string{a.GossipAddress()}
			row.cfg.JoinWait = time.Millisecond
			stranger := clustertest.Start(t, row.cfg, cluster.Deps{})
			require.Len(t, stranger.Members(), 1)
			require.Len(t, stranger.Held(), domain.Partitions, "it begins alone, with its own ledger")
			require.Len(t, a.Members(), 1)
		})
	}
	b := c.Join(t)
	requireShares(t, c.Ledger, a, b)
}

// The runtime and the gossip library say nothing; a change of members is one line on each node.
func logsOneLinePerChange(t *testing.T, c *clustertest.Cluster, log *transcript) {
	a, b := c.Join(t), c.Join(t)
	requireShares(t, c.Ledger, a, b)
	everyoneAnswers(t, a, b)
	clustertest.Stop(t, b)
	requireShares(t, c.Ledger, a)
	clustertest.Stop(t, a)
	count := map[string]int{}
	for _, line := range log.lines() {
		require.Contains(t, line, "level=INFO")
		for _, msg := range []string{"node started", "node stopped", "cluster members changed", "partitions held", "partitions given back"} {
			if strings.Contains(line, msg) {
				count[msg]++
			}
		}
	}
	require.Equal(t, 2, count["node started"])
	require.Equal(t, 2, count["node stopped"])
	require.LessOrEqual(t, count["cluster members changed"], 5, "a alone; b alone, perhaps, for a moment; both, on each; a without b:\n%s", log)
	require.Len(t, log.lines(), count["node started"]+count["node stopped"]+count["cluster members changed"]+count["partitions held"]+count["partitions given back"], "and nothing else:\n%s", log)
}

// transcript keeps what is logged.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *transcript) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func (w *transcript) lines() []string { return strings.Split(strings.TrimSpace(w.String()), "\n") }

// A question that is on its way to a node that dies is asked again of its successor.
func asksAgainWhenTheOwnerDies(t *testing.T, c *clustertest.Cluster, ring *clustertest.Arena) {
	a, b := c.Join(t), c.Join(t)
	requireShares(t, c.Ledger, a, b)
	id := far(a, 0)
	require.Equal(t, b.Address(), clustertest.Ask(t, a, id, "").GetAddress())
	answers := make(chan string, 1)
	go func() { answers <- clustertest.Ask(t, a, id, "block").GetAddress() }()
	<-ring.Entered
	go func() { // the question is being answered, and never will be
		<-ring.Entered // by its successor
		close(ring.Release)
	}()
	b.Kill()
	require.Equal(t, a.Address(), <-answers)
}
