package cluster_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
	"github.com/leadwire/leadwire/cluster/clustertest/testpb"
)

// A node without seeds holds all 256 partitions when Start returns, answers, and gives everything
// back when it stops.
func TestNode_AloneHoldsEverything(t *testing.T) {
	t.Parallel()
	ledger, ring := clustertest.NewLedger(), clustertest.NewArena()
	n := clustertest.Start(t, cluster.Config{}, cluster.Deps{Ledger: ledger, Kinds: []cluster.Kind{ring.Kind("probe")}})
	require.Len(t, n.Held(), domain.Partitions)
	require.Equal(t, map[domain.NodeID]int{n.ID(): domain.Partitions}, ledger.Holders())
	require.Equal(t, 1, ledger.Claims(), "all in one claim")
	require.Equal(t, []string{n.Address()}, n.Members())

	pong := clustertest.Ask(t, n, "a", "hello")
	require.Equal(t, "hello", pong.GetText())
	require.EqualValues(t, 1, pong.GetEpoch(), "an activation knows the epoch it commits with")
	require.NoError(t, n.Tell(clustertest.Ping("b", "")))
	require.Eventually(t, func() bool { return n.Pending() == 0 && n.Live("probe") == 2 }, clustertest.Timeout, time.Millisecond)

	clustertest.Stop(t, n)
	require.Zero(t, n.Live("probe"))
	require.Empty(t, n.Held())
	require.EqualValues(t, 2, ring.Stops.Load(), "every actor heard of its end before Stop returned")
	_, err := n.Ask(t.Context(), clustertest.Ping("a", ""))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.Error(t, n.Tell(clustertest.Ping("a", "")))
}

// Nothing in starting and stopping waits for time to pass: the runtime's own start sleeps a second and
// its stop two, so twenty rounds would take a minute. This would time out long before.
func TestNode_StartsAndStopsWithoutSleeping(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for range 20 {
		n, err := cluster.Start(ctx, cluster.Config{Linger: time.Hour}, cluster.Deps{Ledger: clustertest.NewLedger()})
		require.NoError(t, err)
		require.NoError(t, n.Stop(ctx))
	}
}

func TestStart_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	kind := clustertest.NewArena().Kind("probe")
	taken := clustertest.Start(t, cluster.Config{}, cluster.Deps{})
	port := portOf(t, taken.Address())
	for _, row := range []struct {
		name  string
		cfg   cluster.Config
		kinds []cluster.Kind
		code  domain.Code
	}{
		{"a key that is not one of AES's", cluster.Config{SecretKey: []byte("short")}, nil, domain.Invalid},
		{"a host that nobody can reach", cluster.Config{Host: "0.0.0.0"}, nil, domain.Invalid},
		{"an advertised host without a port", cluster.Config{Advertise: "10.0.0.1"}, nil, domain.Invalid},
		{"a seed without a port", cluster.Config{Seeds: []string{"10.0.0.1"}}, nil, domain.Invalid},
		{"a name without a port", cluster.Config{Seeds: []string{"dns:leadwire"}}, nil, domain.Invalid},
		{"a file without a name", cluster.Config{Seeds: []string{"file:"}}, nil, domain.Invalid},
		{"two kinds of one name", cluster.Config{}, []cluster.Kind{kind, kind}, domain.Invalid},
		{"a kind with a slash", cluster.Config{}, []cluster.Kind{{Name: "a/b", New: kind.New}}, domain.Invalid},
		{"a port that is taken", cluster.Config{Port: port}, nil, domain.Unavailable},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := cluster.Start(t.Context(), row.cfg, cluster.Deps{Ledger: clustertest.NewLedger(), Kinds: row.kinds})
			require.Equal(t, row.code, domain.CodeOf(err), "%v", err)
		})
	}
}

// A store that is down when the node starts delays it; nothing is activated meanwhile.
func TestStart_WaitsForTheLedger(t *testing.T) {
	t.Parallel()
	ledger := clustertest.NewLedger()
	ledger.Fail(errors.New("the store is down"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-ledger.Refused()
		<-ledger.Refused() // it tried again
		cancel()
	}()
	_, err := cluster.Start(ctx, cluster.Config{}, cluster.Deps{Ledger: ledger})
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorContains(t, err, "the store is down")
	require.Empty(t, ledger.Holders())

	go func() {
		<-ledger.Refused()
		ledger.Fail(nil)
	}()
	n := clustertest.Start(t, cluster.Config{}, cluster.Deps{Ledger: ledger})
	require.Len(t, n.Held(), domain.Partitions)
}

// What became ours is told, once each, so that its work can be picked up.
func TestNode_TellsWhatItHolds(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	heard := map[domain.Fence]int{}
	changed := make(chan struct{}, 100)
	n := clustertest.Start(t, cluster.Config{}, cluster.Deps{
		OnHeld: func(fences []domain.Fence) {
			mu.Lock()
			defer mu.Unlock()
			for _, f := range fences {
				heard[f]++
			}
		},
		OnChange: func() { changed <- struct{}{} },
	})
	<-changed
	all := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(heard)
	}
	require.Eventually(t, func() bool { return all() == domain.Partitions }, clustertest.Timeout, time.Millisecond)

	old := n.Held()[7]
	n.Abandon(old)
	require.Eventually(t, func() bool { return all() == domain.Partitions+1 }, clustertest.Timeout, time.Millisecond)
	mu.Lock()
	defer mu.Unlock()
	for f, times := range heard {
		require.Equal(t, 1, times, "%v", f)
	}
	require.Contains(t, heard, domain.Fence{Partition: 7, Epoch: old.Epoch + 1})
}

// Every series exists from the start, or "never" would look like "not measured".
func TestNode_MetricsAreBornAtZero(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	n := clustertest.Start(t, cluster.Config{}, cluster.Deps{Registerer: reg, Kinds: []cluster.Kind{clustertest.NewArena().Kind("probe")}})
	for name, series := range map[string]int{
		"leadwire_cluster_asks_total": 4, "leadwire_cluster_asks_in_flight": 1, "leadwire_cluster_asks_in_flight_max": 1,
		"leadwire_cluster_peer_tells_unconfirmed": 1, "leadwire_cluster_peer_asks_in_flight_max": 1, "leadwire_cluster_partitions": 4, "leadwire_cluster_activations": 1, "leadwire_cluster_mailbox_max": 1,
		"leadwire_cluster_mailbox_rejects_total": 1, "leadwire_cluster_restarts_total": 1, "leadwire_cluster_panics_total": 1,
		"leadwire_cluster_activation_panics_total": 1, "leadwire_cluster_passivations_total": 1, "leadwire_cluster_members": 1,
		"leadwire_cluster_messages_dropped_total": 7, "leadwire_cluster_lease_lapses_total": 1, "leadwire_cluster_lease_seconds_left": 1, "leadwire_cluster_messages_pending": 1, "leadwire_cluster_partitions_fenced_total": 1,
	} {
		require.Equal(t, series, seriesOf(t, reg)[name], name)
	}
	clustertest.Stop(t, n)
	require.Empty(t, seriesOf(t, reg), "a node that stopped takes its series along, so that another can start")
}

func seriesOf(t *testing.T, reg *prometheus.Registry) map[string]int {
	families, err := reg.Gather()
	require.NoError(t, err)
	out := map[string]int{}
	for _, f := range families {
		out[f.GetName()] = len(f.GetMetric())
	}
	return out
}

// The runtime's plugs hold our parts: calls through its cluster end in Ask.
func TestNode_IsTheRuntimesCluster(t *testing.T) {
	t.Parallel()
	n := clustertest.Start(t, cluster.Config{}, cluster.Deps{Kinds: []cluster.Kind{clustertest.NewArena().Kind("probe")}})
	shell := runtimeCluster(n)
	answer, err := shell.Request("a", "probe", clustertest.Ping("a", "hello"))
	require.NoError(t, err)
	require.Equal(t, "hello", answer.(*testpb.Pong).GetText())
	_, err = shell.Request("b", "probe", clustertest.Ping("a", "hello"))
	require.ErrorContains(t, err, "addressed to probe/a, not to probe/b")
	_, err = shell.Request("a", "probe", "no address")
	require.Error(t, err)
	_, err = shell.RequestFuture("a", "probe", clustertest.Ping("a", "hello"))
	require.Error(t, err)
	require.Equal(t, n.Address(), shell.Get("a", "probe").GetAddress())
}
