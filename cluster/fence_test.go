package cluster_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
)

// An actor that was told it is fenced takes its whole partition with it, and the others stay. The
// partition comes back under a new epoch, because membership still says it is ours.
func TestFence_AbandonDropsThePartition(t *testing.T) {
	t.Parallel()
	ring, ledger := clustertest.NewArena(), clustertest.NewLedger()
	n := clustertest.Start(t, cluster.Config{}, cluster.Deps{Ledger: ledger, Kinds: []cluster.Kind{ring.Kind("probe")}})
	lives := map[string]int64{}
	for i := range 600 {
		id := strconv.Itoa(i)
		lives[id] = clustertest.Ask(t, n, id, "").GetLife()
	}
	part := cluster.PartitionOf("probe", "0")
	old := n.Held()[part]
	n.Abandon(old)
	for id, life := range lives {
		pong := clustertest.Ask(t, n, id, "")
		if cluster.PartitionOf("probe", id) == part {
			require.Greater(t, pong.GetLife(), life, "%s was dropped", id)
			require.Equal(t, old.Epoch+1, pong.GetEpoch())
		} else {
			require.Equal(t, life, pong.GetLife(), "%s was not", id)
			require.Equal(t, old.Epoch, pong.GetEpoch())
		}
	}
	n.Abandon(old) // a second actor of the partition, late
	require.Equal(t, old.Epoch+1, n.Held()[part].Epoch, "a fence that is not held any more is ignored")
	require.ErrorIs(t, ledger.Commit(old), domain.ErrFenced)
	require.NoError(t, ledger.Commit(n.Held()[part]))
	require.Zero(t, ring.Overlaps())
}

// Another node claims what we hold, and no actor of ours commits anything: reading the ledger again
// finds out within Reread.
func TestFence_RereadFindsWhatWasTaken(t *testing.T) {
	t.Parallel()
	ledger := clustertest.NewLedger()
	n := clustertest.Start(t, cluster.Config{Reread: 20 * time.Millisecond}, cluster.Deps{Ledger: ledger, Kinds: []cluster.Kind{clustertest.NewArena().Kind("probe")}})
	before := clustertest.Ask(t, n, "a", "")
	ledger.Seize(cluster.PartitionOf("probe", "a"), "thief")
	require.Eventually(t, func() bool { return clustertest.Ask(t, n, "a", "").GetEpoch() == before.GetEpoch()+2 }, clustertest.Timeout, time.Millisecond)
	require.Equal(t, map[domain.NodeID]int{n.ID(): domain.Partitions}, ledger.Holders(), "membership proposes us, so we claimed it back")
}

// Two nodes that each believe they are alone take a partition from each other: they slow down instead
// of doing so at the rate of their ledger.
func TestFence_ContendersSlowDown(t *testing.T) {
	t.Parallel()
	ledger := clustertest.NewLedger()
	n := clustertest.Start(t, cluster.Config{}, cluster.Deps{Ledger: ledger})
	before := ledger.Claims()
	for range 3 {
		require.Eventually(t, func() bool { return len(n.Held()) == domain.Partitions }, clustertest.Timeout, time.Millisecond)
		n.Abandon(n.Held()[0])
	}
	require.Less(t, len(n.Held()), domain.Partitions, "the third time it waits before it claims again")
	require.Eventually(t, func() bool { return len(n.Held()) == domain.Partitions }, clustertest.Timeout, time.Millisecond)
	require.Equal(t, before+3, ledger.Claims())
}

// While the store is down a partition that was lost stays Claiming: questions for it are turned away at
// once instead of piling up, the other partitions work, and it comes back by itself.
func TestFence_LedgerDown(t *testing.T) {
	t.Parallel()
	ledger := clustertest.NewLedger()
	n := clustertest.Start(t, cluster.Config{AskTimeout: time.Hour}, cluster.Deps{Ledger: ledger, Kinds: []cluster.Kind{clustertest.NewArena().Kind("probe")}})
	down := errors.New("the store is down")
	part := cluster.PartitionOf("probe", "a")
	other := "b"
	for cluster.PartitionOf("probe", other) == part {
		other += "b"
	}
	ledger.Fail(down)
	n.Abandon(n.Held()[part])
	_, err := n.Ask(t.Context(), clustertest.Ping("a", ""))
	require.ErrorIs(t, err, down)
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	clustertest.Ask(t, n, other, "")
	ledger.Fail(nil)
	require.Eventually(t, func() bool { return len(n.Held()) == domain.Partitions }, clustertest.Timeout, time.Millisecond)
	clustertest.Ask(t, n, "a", "")
}

// A node that drains finishes what is queued and refuses what comes after.
func TestDrain_FinishesTheQueue(t *testing.T) {
	t.Parallel()
	ring := clustertest.NewArena()
	n := clustertest.Start(t, cluster.Config{BusyGrace: clustertest.Timeout, DrainLimit: clustertest.Timeout},
		cluster.Deps{Kinds: []cluster.Kind{ring.Kind("probe")}})
	answers := make(chan error, 11)
	question := func(text string) {
		_, err := n.Ask(t.Context(), clustertest.Ping("a", text))
		answers <- err
	}
	go question("block")
	<-ring.Entered
	for range 10 {
		go question("busy") // busy until it is told that it leaves
	}
	require.Eventually(t, func() bool { return n.Pending() == 11 }, clustertest.Timeout, time.Millisecond)
	drained := make(chan error, 1)
	go func() { drained <- n.Drain(t.Context()) }()
	require.Eventually(t, func() bool { return len(n.Held()) == 0 }, clustertest.Timeout, time.Millisecond)
	_, err := n.Ask(t.Context(), clustertest.Ping("b", ""))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	close(ring.Release)
	for range 11 {
		require.NoError(t, <-answers, "what was queued is answered")
	}
	require.NoError(t, <-drained)
	require.Zero(t, n.Live("probe"))
}

// An actor that does not let go in time is stopped; one that does not even return is cut off. Either
// way the node ends.
func TestDrain_Ends(t *testing.T) {
	t.Parallel()
	ring := clustertest.NewArena()
	n := clustertest.Start(t, cluster.Config{BusyGrace: time.Millisecond, DrainLimit: 300 * time.Millisecond},
		cluster.Deps{Kinds: []cluster.Kind{ring.Kind("probe")}})
	require.NoError(t, n.Tell(clustertest.Ping("stuck", "block")))
	<-ring.Entered
	require.NoError(t, n.Drain(t.Context()))
	require.Zero(t, n.Live("probe"))
	close(ring.Release)
}
