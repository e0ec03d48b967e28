package cluster_test

import (
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
)

// lines is what nodes log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) have(words string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), words)
}

func newKey() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	return base64.StdEncoding.EncodeToString(key)
}

// The key of gossip is replaced under two nodes, step by step; they stay together, and who has the old one alone is a stranger.
func TestSecrets_AreReplacedWhileNodesRun(t *testing.T) {
	t.Parallel()
	dir, ledger, said := t.TempDir(), clustertest.NewLedger(), &lines{}
	file := func(name string, keys ...string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path+".new", []byte("# gossip\n"+strings.Join(keys, "\n")+"\n"), 0o600))
		require.NoError(t, os.Rename(path+".new", path))
		return path
	}
	before, after := newKey(), newKey()
	start := func(path string, seeds ...string) *cluster.Node {
		return clustertest.Start(t, cluster.Config{SecretFile: path, Seeds: seeds}, cluster.Deps{Ledger: ledger, Log: slog.New(slog.NewTextHandler(said, nil))})
	}
	a := start(file("a", before))
	b := start(file("b", before), a.GossipAddress())
	together := func(n int) func() bool {
		return func() bool { return len(a.Members()) == n && len(b.Members()) == n }
	}
	require.Eventually(t, together(2), clustertest.Timeout, clustertest.Timeout/1000)
	for _, step := range [][]string{{before, after}, {after, before}, {after}} {
		file("a", step...)
		file("b", step...)
		require.Eventually(t, func() bool {
			return cluster.GossipKeys(a) == strings.Join(step, " ") && cluster.GossipKeys(b) == strings.Join(step, " ")
		}, clustertest.Timeout, clustertest.Timeout/1000)
	}
	c := start(file("c", after), b.GossipAddress())
	require.Eventually(t, together(3), clustertest.Timeout, clustertest.Timeout/1000)
	require.Len(t, c.Members(), 3)
	stranger := clustertest.Start(t, cluster.Config{SecretFile: file("d", before), Seeds: []string{a.GossipAddress()}}, cluster.Deps{})
	require.Len(t, stranger.Members(), 1)

	file("a", before, "not a key")
	require.Eventually(t, func() bool { return said.have("gossip keys cannot be taken over") }, clustertest.Timeout, clustertest.Timeout/1000)
	require.Equal(t, after, cluster.GossipKeys(a), "a file with a slip changes nothing")
}

// A file that cannot be used is refused when a node starts, by its line.
func TestSecrets_OfAFileWithASlip(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	for text, rule := range map[string]string{"": "has 0", "# none\n": "has 0", newKey() + "\nc2hvcnQ=\n": "line 2", "!": "line 1"} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := cluster.Start(t.Context(), cluster.Config{SecretFile: path}, cluster.Deps{Ledger: clustertest.NewLedger()})
		require.ErrorContains(t, err, rule)
	}
	_, err := cluster.Start(t.Context(), cluster.Config{SecretFile: path, SecretKey: make([]byte, 32)}, cluster.Deps{Ledger: clustertest.NewLedger()})
	require.Equal(t, domain.Invalid, domain.CodeOf(err))
}
