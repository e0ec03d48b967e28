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
	ring := newArena()
	n := clustertest.Start(t, cluster.Config{AskTry: time.Hour}, cluster.Deps{Kinds: []cluster.Kind{ring.kind("probe")}})
	before := map[string]int64{}
	for i := range 50 {
		id := strconv.Itoa(i)
		before[id] = ask(t, n, id, "").GetLife()
	}
	_, err := n.Ask(t.Context(), ping("7", "panic"))
	require.Equal(t, domain.Internal, domain.CodeOf(err))
	require.ErrorContains(t, err, "told to")
	for id, life := range before {
		if after := ask(t, n, id, "").GetLife(); id == "7" {
			require.NotEqual(t, life, after, "a new incarnation")
		} else {
			require.Equal(t, life, after, "untouched")
		}
	}
	require.Equal(t, 50, n.Live("probe"))
	require.Zero(t, ring.overlapping())
}

// An actor that panics again and again is stopped after Restarts of them; the next message activates
// it afresh.
func TestActor_StopsAfterTooManyPanics(t *testing.T) {
	t.Parallel()
	ring := newArena()
	n := clustertest.Start(t, cluster.Config{Restarts: 2}, cluster.Deps{Kinds: []cluster.Kind{ring.kind("probe")}})
	for i := range 3 {
		_, err := n.Ask(t.Context(), ping("a", "panic"))
		require.Equal(t, domain.Internal, domain.CodeOf(err), "panic %d", i)
	}
	require.Eventually(t, func() bool { return n.Live("probe") == 0 }, clustertest.Timeout, time.Millisecond)
	require.EqualValues(t, 3, ring.lives.Load())
	require.EqualValues(t, 4, ask(t, n, "a", "").GetLife())
	require.Zero(t, ring.overlapping())
}

// A constructor that panics answers those who asked and hurts nobody.
func TestActor_PanicInNew(t *testing.T) {
	t.Parallel()
	n := clustertest.Start(t, cluster.Config{AskTry: time.Hour}, cluster.Deps{Kinds: []cluster.Kind{newArena().kind("probe")}})
	life := ask(t, n, "a", "").GetLife()
	for range 3 {
		_, err := n.Ask(t.Context(), ping("stillborn", ""))
		require.Equal(t, domain.Internal, domain.CodeOf(err))
		require.ErrorContains(t, err, "could not be activated")
	}
	require.Equal(t, life, ask(t, n, "a", "").GetLife())
	require.Equal(t, 1, n.Live("probe"))
}

func TestActor_UnknownKind(t *testing.T) {
	t.Parallel()
	n := clustertest.Start(t, cluster.Config{}, cluster.Deps{})
	_, err := n.Ask(t.Context(), ping("a", ""))
	require.Equal(t, domain.Internal, domain.CodeOf(err))
	require.Equal(t, domain.Internal, domain.CodeOf(n.Tell(ping("a", ""))))
}

// A full mailbox turns the next message away at once; nobody waits and nothing else is lost.
func TestActor_FullMailboxRejects(t *testing.T) {
	t.Parallel()
	ring := newArena()
	small := func(k *cluster.Kind) { k.Mailbox = 4 }
	n := clustertest.Start(t, cluster.Config{AskTry: time.Hour}, cluster.Deps{Kinds: []cluster.Kind{ring.kind("probe", small)}})
	require.NoError(t, n.Tell(ping("a", "block")))
	<-ring.entered
	for i := range 4 {
		require.NoError(t, n.Tell(ping("a", "")), "message %d waits", i)
	}
	require.EqualValues(t, 5, n.Pending())
	require.Equal(t, domain.Unavailable, domain.CodeOf(n.Tell(ping("a", ""))))
	_, err := n.Ask(t.Context(), ping("a", ""))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorContains(t, err, "full")
	ask(t, n, "b", "") // its neighbour works
	close(ring.release)
	require.Eventually(t, func() bool { return n.Pending() == 0 }, clustertest.Timeout, time.Millisecond)
	ask(t, n, "a", "")
}

// An actor that does not answer costs its caller no more than the caller's deadline.
func TestAsk_EndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	n := clustertest.Start(t, cluster.Config{AskTimeout: 50 * time.Millisecond}, cluster.Deps{Kinds: []cluster.Kind{newArena().kind("probe")}})
	_, err := n.Ask(context.Background(), ping("a", "silence"))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorContains(t, err, "no answer")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = n.Ask(ctx, ping("a", "silence"))
	require.ErrorIs(t, err, context.Canceled)
	ask(t, n, "a", "")
}

// Asks in flight are bounded per node.
func TestAsk_InFlightLimit(t *testing.T) {
	t.Parallel()
	ring := newArena()
	n := clustertest.Start(t, cluster.Config{AsksInFlight: 3}, cluster.Deps{Kinds: []cluster.Kind{ring.kind("probe")}})
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() { ask(t, n, strconv.Itoa(i), "block") })
		<-ring.entered
	}
	_, err := n.Ask(t.Context(), ping("d", ""))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorContains(t, err, "the limit")
	close(ring.release)
	wg.Wait()
	ask(t, n, "d", "")
}

// An actor that stops itself leaves its queue to its successor: nothing that was asked is lost.
func TestActor_SuccessorTakesTheQueue(t *testing.T) {
	t.Parallel()
	ring := newArena()
	n := clustertest.Start(t, cluster.Config{AskTry: time.Hour}, cluster.Deps{Kinds: []cluster.Kind{ring.kind("probe")}})
	require.NoError(t, n.Tell(ping("a", "block")))
	<-ring.entered
	require.NoError(t, n.Tell(ping("a", "stop")))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { ask(t, n, "a", "after") })
	}
	require.Eventually(t, func() bool { return n.Pending() == 22 }, clustertest.Timeout, time.Millisecond)
	close(ring.release)
	wg.Wait()
	require.EqualValues(t, 2, ring.lives.Load())
	require.Zero(t, ring.overlapping())
}
