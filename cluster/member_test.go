package cluster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
	"github.com/leadwire/leadwire/cluster/clustertest/testpb"
)

// Where browsers reach a node is known on every node, for whatever lives there. One that says nothing has no URL.
func TestNode_TellsItsURL(t *testing.T) {
	ledger := clustertest.NewLedger()
	start := func(cfg cluster.Config) *cluster.Node { return clustertest.Start(t, cfg, cluster.Deps{Ledger: ledger}) }
	a := start(cluster.Config{URL: "https://a.example.com/" + strings.Repeat("x", 158)})
	seeds := []string{a.GossipAddress()}
	b := start(cluster.Config{URL: "http://10.0.0.2:8080", Seeds: seeds})
	c := start(cluster.Config{Seeds: seeds})
	want := map[string]cluster.Member{}
	for n, url := range map[*cluster.Node]string{a: "https://a.example.com/" + strings.Repeat("x", 158), b: "http://10.0.0.2:8080", c: ""} {
		want[n.Address()] = cluster.Member{ID: string(n.ID()) + ".0", Address: n.Address(), URL: url}
	}
	for _, n := range []*cluster.Node{a, b, c} {
		require.Eventually(t, func() bool { return len(n.Members()) == 3 }, clustertest.Timeout, time.Millisecond)
		require.Equal(t, []string{"http://10.0.0.2:8080", want[a.Address()].URL}, n.URLs())
		require.Equal(t, domain.Unavailable, domain.CodeOf(n.Notify("10.0.0.2:8080", "nobody", &testpb.Ping{})))
		seen := map[string]bool{}
		for i := range 100 {
			home, ok := n.Home("probe", fmt.Sprint(i))
			require.True(t, ok)
			m := want[home.Address]
			m.Local = home.Address == n.Address()
			require.Equal(t, m, home)
			seen[home.Address] = true
		}
		require.Len(t, seen, 3)
	}

	require.NoError(t, b.Withdraw(t.Context())) // it owns nothing, and is there
	require.Eventually(t, func() bool { return len(a.Members()) == 2 }, clustertest.Timeout, time.Millisecond)
	require.Len(t, a.URLs(), 2)
	clustertest.Stop(t, b)
	require.Eventually(t, func() bool { return len(a.URLs()) == 1 }, clustertest.Timeout, time.Millisecond)
	require.Error(t, a.Notify(b.Address(), "nobody", &testpb.Ping{}))
}

func TestConfig_NodeURL(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"node-1", "ftp://node-1", "https://", "https:///x", "//node-1", "https://u:p@node-1", "https://node-1/", "https://node-1?x=1", "https://node-1?",
		"https://node-1#x", "https://node-1/#", "https://node-1/a b", "https://node-1;script-src", "https://" + strings.Repeat("x", 180),
	} {
		_, err := cluster.Start(t.Context(), cluster.Config{URL: bad}, cluster.Deps{Ledger: clustertest.NewLedger()})
		require.ErrorContains(t, err, "node_url", bad)
	}
}
