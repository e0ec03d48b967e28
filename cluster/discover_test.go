package cluster_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
)

// Seeds are looked for each time: a name's addresses as they are now, and a file as it is now. What cannot be found is
// left out, and the others are tried.
func TestSeeds_AreLookedForEachTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "seeds")
	names := map[string][]string{}
	lookup := func(_ context.Context, host string) ([]string, error) {
		if found := names[host]; found != nil {
			return found, nil
		}
		return nil, errors.New("no such host")
	}
	addresses := cluster.Addresses(lookup, "10.0.0.1:7946", "dns:leadwire.svc:7946", "file:"+path, "db-1:7946")
	require.Equal(t, []string{"10.0.0.1:7946"}, addresses())

	names["leadwire.svc"], names["db-1"] = []string{"10.0.0.3", "10.0.0.2", "fd00::1"}, []string{"10.0.0.9"}
	require.NoError(t, os.WriteFile(path, []byte("# ours\n\n10.0.0.7:7946\n  db-1:7947\nnot an address\n10.0.0.1:7946\n"), 0o600))
	require.Equal(t, []string{
		"10.0.0.1:7946", "10.0.0.2:7946", "10.0.0.3:7946", "10.0.0.7:7946", "10.0.0.9:7946", "10.0.0.9:7947", "[fd00::1]:7946",
	}, addresses())

	names["leadwire.svc"] = []string{"10.0.0.4"}
	require.NoError(t, os.Remove(path))
	require.Equal(t, []string{"10.0.0.1:7946", "10.0.0.4:7946", "10.0.0.9:7946"}, addresses())
}

// Two nodes that begin alone, because their seed file is not there yet, are one cluster once it is.
func TestSeeds_AreFoundLater(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "seeds")
	ledger := clustertest.NewLedger()
	start := func() *cluster.Node {
		return clustertest.Start(t, cluster.Config{Seeds: []string{"file:" + path}}, cluster.Deps{Ledger: ledger})
	}
	a, b := start(), start()
	require.NoError(t, os.WriteFile(path, []byte(a.GossipAddress()+"\n"), 0o600))
	require.Eventually(t, func() bool {
		all := len(a.Held()) + len(b.Held())
		return len(a.Held()) > 0 && len(b.Held()) > 0 && all == 256
	}, clustertest.Timeout, clustertest.Timeout/1000)
}
