package cluster_test

import (
	"crypto/tls"
	"math"
	"math/big"
	"net"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
	"github.com/leadwire/leadwire/cluster/clustertest/authority"
)

// node is a node's configuration, with a certificate of its own and the authority that it goes by.
func node(t *testing.T, name string, of, by *authority.Authority) cluster.Config {
	t.Helper()
	cert, key := of.Issue(name)
	server, client, err := cluster.MutualTLS(cert, key, by.File())
	require.NoError(t, err)
	return cluster.Config{ServerTLS: server, ClientTLS: client}
}

// shake is a handshake between two configurations: what each side makes of it.
func shake(t *testing.T, server, client *tls.Config) (ofServer, ofClient error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	require.NoError(t, err)
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			defer conn.Close()
			_, err = conn.Read(make([]byte, 1)) // shakes hands first
		}
		done <- err
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), client)
	if err == nil {
		defer conn.Close()
		_, _ = conn.Write([]byte{1})
	}
	return <-done, err
}

// Nodes with certificates of one authority speak with each other, whatever their names; those of another one are strangers in
// both directions, and so is who shows none.
func TestMutualTLS_IsForNodesOfOneAuthority(t *testing.T) {
	t.Parallel()
	ours, theirs := authority.New(t), authority.New(t)
	a, b := node(t, "a", ours, ours), node(t, "b", ours, ours)
	ofServer, ofClient := shake(t, a.ServerTLS, b.ClientTLS)
	require.NoError(t, ofServer)
	require.NoError(t, ofClient)

	_, ofClient = shake(t, node(t, "c", theirs, ours).ServerTLS, a.ClientTLS)
	require.ErrorContains(t, ofClient, "unknown authority", "the server is a stranger")
	ofServer, _ = shake(t, a.ServerTLS, node(t, "d", theirs, ours).ClientTLS)
	require.Error(t, ofServer, "the client is a stranger")
	ofServer, _ = shake(t, a.ServerTLS, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	require.Error(t, ofServer, "the client is nobody")

	// It holds for real nodes, and for their gossip: a third finds the others, and never one of another authority.
	ledger := clustertest.NewLedger()
	first := clustertest.Start(t, a, cluster.Deps{Ledger: ledger})
	b.Seeds = []string{first.GossipAddress()}
	second := clustertest.Start(t, b, cluster.Deps{Ledger: ledger})
	require.Eventually(t, func() bool { return len(first.Held())+len(second.Held()) == 256 && len(second.Held()) > 0 }, clustertest.Timeout, clustertest.Timeout/1000)
	for name, stranger := range map[string]cluster.Config{"another authority's": node(t, "e", theirs, theirs), "none": {}} {
		stranger.Seeds, stranger.JoinWait = b.Seeds, time.Millisecond
		alone := clustertest.Start(t, stranger, cluster.Deps{Ledger: clustertest.NewLedger()})
		require.Len(t, alone.Members(), 1, name)
		require.Len(t, first.Members(), 2, name)
	}
}

// A certificate that is renewed is shown from the next connection on; while its files do not fit together, the one before is.
func TestMutualTLS_FollowsItsFiles(t *testing.T) {
	t.Parallel()
	ours := authority.New(t)
	a, b := node(t, "a", ours, ours), node(t, "b", ours, ours)
	serial := func() *big.Int {
		cert, err := a.ServerTLS.GetCertificate(nil)
		require.NoError(t, err)
		return cert.Leaf.SerialNumber
	}
	before := serial()
	cert, key := ours.Issue("a")
	later := time.Now().Add(time.Minute)
	touch := func() {
		for _, file := range []string{cert, key} {
			require.NoError(t, os.Chtimes(file, later, later))
		}
		later = later.Add(time.Minute)
	}
	touch()
	renewed := serial()
	require.NotEqual(t, before, renewed)
	require.NoError(t, os.WriteFile(key, []byte("half"), 0o600))
	touch()
	require.Equal(t, renewed, serial())
	require.NoError(t, os.Remove(cert))
	require.Equal(t, renewed, serial())
	ofServer, ofClient := shake(t, b.ServerTLS, a.ClientTLS)
	require.NoError(t, ofServer)
	require.NoError(t, ofClient)

	_, _, err := cluster.MutualTLS(cert, key, ours.File()) // it was taken away
	require.ErrorContains(t, err, "certificate")
	cert, key = ours.Issue("b")
	_, _, err = cluster.MutualTLS(cert, key, key)
	require.ErrorContains(t, err, "holds no certificate")
}

// Gossip's series are there before a seed has answered, which may take long, and say for how long the node's certificate is good; they
// go with the node.
func TestMutualTLS_IsShownFromTheBeginning(t *testing.T) {
	t.Parallel()
	ours := authority.New(t)
	seed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer seed.Close()
	reg := prometheus.NewRegistry()
	shown := func() map[string]float64 {
		families, err := reg.Gather()
		assert.NoError(t, err)
		all := map[string]float64{}
		for _, f := range families {
			all[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
		}
		return all
	}
	asked := make(chan map[string]float64, 1)
	go func() {
		conn, err := seed.Accept()
		if err != nil {
			return
		}
		asked <- shown()
		_ = seed.Close()
		_ = conn.Close()
	}()
	cfg := node(t, "a", ours, ours)
	cfg.Seeds, cfg.JoinWait = []string{seed.Addr().String()}, time.Millisecond
	n := clustertest.Start(t, cfg, cluster.Deps{Ledger: clustertest.NewLedger(), Registerer: reg})
	early := <-asked // Start has come back, so the seed was asked
	require.Contains(t, early, "leadwire_cluster_gossip_links")
	require.InDelta(t, (24 * time.Hour).Seconds(), early["leadwire_cluster_certificate_left_seconds"], time.Hour.Seconds())
	n.Kill()
	require.Empty(t, shown())
}

// A node without a certificate has none that ends.
func TestMutualTLS_LeftOut(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	clustertest.Start(t, cluster.Config{}, cluster.Deps{Ledger: clustertest.NewLedger(), Registerer: reg})
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		require.NotContains(t, f.GetName(), "gossip_")
		if f.GetName() == "leadwire_cluster_certificate_left_seconds" {
			require.True(t, math.IsInf(f.GetMetric()[0].GetGauge().GetValue(), 1))
			return
		}
	}
	require.Fail(t, "it is not shown")
}
