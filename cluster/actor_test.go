package cluster_test

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	runtime "github.com/asynkron/protoactor-go/cluster"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
)

func runtimeCluster(n *cluster.Node) *runtime.Cluster { return runtime.GetCluster(n.System()) }

func portOf(t *testing.T, address string) int {
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	return n
}

// One actor panics: whoever asked gets an error at once, that actor begins anew with its mailbox, and
// its neighbours notice nothing.
func TestActor_PanicRestartsItAlone(t *testing.T) {
	t.Parallel()
	ring := clustertest.NewArena()
	n := clustertest.Start(t, cluster.Config{AskTry: time.Hour}, cluster.Deps{Kinds: []cluster.Kind{ring.Kind("probe")}})
	before := map[string]int64{}
	for i := range 50 {
		id := strconv.Itoa(i)
		before[id] = clustertest.Ask(t, n, id, "").GetLife()
	}
	_, err := n.Ask(t.Context(), clustertest.Ping("7", "panic"))
	require.Equal(t, domain.Internal, domain.CodeOf(err))
	require.ErrorContains(t, err, "told to")
	for id, life := range before {
		if after := clustertest.Ask(t, n, id, "").GetLife(); id == "7" {
			require.NotEqual(t, life, after, "a new incarnation")
		} else {
			require.Equal(t, life, after, "untouched")
		}
	}
	require.Equal(t, 50, n.Live("probe"))
	require.Zero(t, ring.Overlaps())
}

// An actor that panics again and again is stopped after Restarts of them; the next message activates
// it afresh.
func TestActor_StopsAfterTooManyPanics(t *testing.T) {
	t.Parallel()
	ring := clustertest.NewArena()
	n := clustertest.Start(t, cluster.Config{Restarts: 2}, cluster.Deps{Kinds: []cluster.Kind{ring.Kind("probe")}})
	for i := range 3 {
		_, err := n.Ask(t.Context(), clustertest.Ping("a", "panic"))
		require.Equal(t, domain.Internal, domain.CodeOf(err), "panic %d", i)
	}
	require.Eventually(t, func() bool { return n.Live("probe") == 0 }, clustertest.Timeout, time.Millisecond)
	require.EqualValues(t, 3, ring.Lives.Load())
	require.EqualValues(t, 4, clustertest.Ask(t, n, "a", "").GetLife())
	require.Zero(t, ring.Overlaps())
}

// A constructor that panics answers those who asked and hurts nobody.
func TestActor_PanicInNew(t *testing.T) {
	t.Parallel()
	n := clustertest.Start(t, cluster.Config{AskTry: time.Hour}, cluster.Deps{Kinds: []cluster.Kind{clustertest.NewArena().Kind("probe")}})
	life := clustertest.Ask(t, n, "a", "").GetLife()
	for range 3 {
		_, err := n.Ask(t.Context(), clustertest.Ping("stillborn", ""))
		require.Equal(t, domain.Internal, domain.CodeOf(err))
		require.ErrorContains(t, err, "could not be activated")
	}
	require.Equal(t, life, clustertest.Ask(t, n, "a", "").GetLife())
	require.Equal(t, 1, n.Live("probe"))
}

func TestActor_UnknownKind(t *testing.T) {
	t.Parallel()
	n := clustertest.Start(t, cluster.Config{}, cluster.Deps{})
	_, err := n.Ask(t.Context(), clustertest.Ping("a", ""))
	require.Equal(t, domain.Internal, domain.CodeOf(err))
	require.Equal(t, domain.Internal, domain.CodeOf(n.Tell(clustertest.Ping("a", ""))))
}

// A full mailbox turns the next message away at once; nobody waits and nothing else is lost.
func TestActor_FullMailboxRejects(t *testing.T) {
	t.Parallel()
	ring := clustertest.NewArena()
	small := func(k *cluster.Kind) { k.Mailbox = 4 }
	n := clustertest.Start(t, cluster.Config{AskTry: time.Hour}, cluster.Deps{Kinds: []cluster.Kind{ring.Kind("probe", small)}})
	require.NoError(t, n.Tell(clustertest.Ping("a", "block")))
	<-ring.Entered
	for i := range 4 {
		require.NoError(t, n.Tell(clustertest.Ping("a", "")), "message %d waits", i)
	}
	require.EqualValues(t, 5, n.Pending())
	require.Equal(t, domain.Unavailable, domain.CodeOf(n.Tell(clustertest.Ping("a", ""))))
	_, err := n.Ask(t.Context(), clustertest.Ping("a", ""))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorContains(t, err, "full")
	clustertest.Ask(t, n, "b", "") // its neighbour works
	close(ring.Release)
	require.Eventually(t, func() bool { return n.Pending() == 0 }, clustertest.Timeout, time.Millisecond)
	clustertest.Ask(t, n, "a", "")
}

// An actor that does not answer costs its caller no more than the caller's deadline.
func TestAsk_EndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	n := clustertest.Start(t, cluster.Config{AskTimeout: 50 * time.Millisecond}, cluster.Deps{Kinds: []cluster.Kind{clustertest.NewArena().Kind("probe")}})
	_, err := n.Ask(context.Background(), clustertest.Ping("a", "silence"))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorContains(t, err, "no answer")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = n.Ask(ctx, clustertest.Ping("a", "silence"))
	require.ErrorIs(t, err, context.Canceled)
	clustertest.Ask(t, n, "a", "")
}

// Asks in flight are bounded per node.
func TestAsk_InFlightLimit(t *testing.T) {
	t.Parallel()
	ring := clustertest.NewArena()
	n := clustertest.Start(t, cluster.Config{AsksInFlight: 3}, cluster.Deps{Kinds: []cluster.Kind{ring.Kind("probe")}})
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() { clustertest.Ask(t, n, strconv.Itoa(i), "block") })
		<-ring.Entered
	}
	_, err := n.Ask(t.Context(), clustertest.Ping("d", ""))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorContains(t, err, "the limit")
	close(ring.Release)
	wg.Wait()
	clustertest.Ask(t, n, "d", "")
}

// An actor that stops itself leaves its queue to its successor: nothing that was asked is lost.
func TestActor_SuccessorTakesTheQueue(t *testing.T) {
	t.Parallel()
	ring := clustertest.NewArena()
	n := clustertest.Start(t, cluster.Config{AskTry: time.Hour}, cluster.Deps{Kinds: []cluster.Kind{ring.Kind("probe")}})
	require.NoError(t, n.Tell(clustertest.Ping("a", "block")))
	<-ring.Entered
	require.NoError(t, n.Tell(clustertest.Ping("a", "stop")))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { clustertest.Ask(t, n, "a", "after") })
	}
	require.Eventually(t, func() bool { return n.Pending() == 22 }, clustertest.Timeout, time.Millisecond)
	close(ring.Release)
	wg.Wait()
	require.EqualValues(t, 2, ring.Lives.Load())
	require.Zero(t, ring.Overlaps())
}
