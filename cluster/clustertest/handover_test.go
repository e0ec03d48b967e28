package clustertest_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
)

// A node that does not reach the ledger stops acting before the other one has anything of it, although both are members to
// each other all the while; and it gets its share back.
func stopsBeforeOthersBegin(t *testing.T, c *clustertest.Cluster, _ *clustertest.Arena) {
	a, b := c.Join(t), c.Join(t)
	requireShares(t, c.Ledger, a, b)
	before := a.Held()
	for _, f := range before {
		require.True(t, a.Acts(f))
	}
	c.Ledger.Cut(a.ID(), true)
	require.Eventually(t, func() bool {
		taken := c.Ledger.Holders()[b.ID()] > domain.Partitions-len(before) // first: what is asked after it is later
		for _, f := range before {
			acts := a.Acts(f)
			require.False(t, taken && acts, "partition %d", f.Partition)
		}
		return taken
	}, clustertest.Timeout, time.Millisecond)
	require.Eventually(t, func() bool { return len(b.Held()) == domain.Partitions }, clustertest.Timeout, time.Millisecond)
	require.Empty(t, a.Held())
	require.Len(t, a.Members(), 2)
	_, err := a.Ask(t.Context(), clustertest.Ping("x", ""))
	if owner, _ := a.Owner("probe", "x"); owner == a.Address() {
		require.Equal(t, domain.Unavailable, domain.CodeOf(err), "at once: it says why")
	} else {
		require.NoError(t, err)
	}
	c.Ledger.Cut(a.ID(), false)
	requireShares(t, c.Ledger, a, b)
	for _, f := range before {
		require.False(t, a.Acts(f), "what it held before has an older epoch")
	}
	everyoneAnswers(t, a, b)
}

// A partition that moves is at work where it was until what it has begun outside is over, whoever asks, and then where it
// belongs.
func worksOnUntilSettled(t *testing.T, c *clustertest.Cluster, ring *clustertest.Arena) {
	a := c.Join(t)
	for i := range identities {
		clustertest.Ask(t, a, strconv.Itoa(i), "busy")
	}
	b := c.Join(t)
	require.Eventually(t, func() bool { return len(a.Members()) == 2 && len(b.Members()) == 2 }, clustertest.Timeout, time.Millisecond)
	moving := ""
	for i := range identities {
		id := strconv.Itoa(i)
		if _, local := b.Owner("probe", id); local {
			moving = id
		}
		for _, n := range []*cluster.Node{a, b} {
			require.Equal(t, a.Address(), clustertest.Ask(t, n, id, "").GetAddress(), "%s", id)
		}
	}
	require.NotEmpty(t, moving)
	life := clustertest.Ask(t, b, moving, "").GetLife()
	for i := range identities {
		clustertest.Ask(t, b, strconv.Itoa(i), "free")
	}
	requireShares(t, c.Ledger, a, b)
	everyoneAnswers(t, a, b)
	require.Greater(t, clustertest.Ask(t, a, moving, "").GetLife(), life)
	require.Zero(t, ring.Overlaps())
}

// A node that withdraws while something is under way works on for everybody.
func answersWhileItWithdraws(t *testing.T, c *clustertest.Cluster, _ *clustertest.Arena) {
	a, b := c.Join(t), c.Join(t)
	requireShares(t, c.Ledger, a, b)
	for i := range identities {
		clustertest.Ask(t, a, strconv.Itoa(i), "busy")
	}
	require.NoError(t, b.Withdraw(t.Context()))
	require.Eventually(t, func() bool { return len(a.Members()) == 1 && len(b.Members()) == 1 }, clustertest.Timeout, time.Millisecond)
	there := 0
	for i := range identities {
		for _, n := range []*cluster.Node{a, b} {
			if clustertest.Ask(t, n, strconv.Itoa(i), "").GetAddress() == b.Address() {
				there++
			}
		}
	}
	require.Positive(t, there)
	for i := range identities {
		clustertest.Ask(t, b, strconv.Itoa(i), "free")
	}
	require.NoError(t, b.Handed(t.Context()))
	require.Eventually(t, func() bool { return len(a.Held()) == domain.Partitions }, clustertest.Timeout, time.Millisecond)
}

// grants is what nodes were told that they hold.
type grants struct {
	mu  sync.Mutex
	all []domain.Fence
}

func (g *grants) add(fences []domain.Fence) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, fences...)
}

// forget returns what was told since it was asked last.
func (g *grants) forget() []domain.Fence {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.all
	g.all = nil
	return all
}

// A partition that was to go and stays is told of like one that was granted: what was to begin in it meanwhile was turned
// away. Who lives there has not moved.
func staysAfterAll(t *testing.T, c *clustertest.Cluster, told *grants) {
	a, b := c.Join(t), c.Join(t)
	requireShares(t, c.Ledger, a, b)
	at, busy := "", map[domain.Partition]bool{}
	for i := range identities {
		if id := strconv.Itoa(i); clustertest.Ask(t, a, id, "busy").GetAddress() == b.Address() {
			at, busy[cluster.PartitionOf("probe", id)] = id, true
		}
	}
	life := clustertest.Ask(t, a, at, "").GetLife()
	require.NoError(t, b.Withdraw(t.Context()))
	require.Eventually(t, func() bool { return len(a.Members()) == 1 && len(b.Members()) == 1 }, clustertest.Timeout, time.Millisecond)
	moving := slices.DeleteFunc(b.Held(), func(f domain.Fence) bool { return !busy[f.Partition] })
	require.Len(t, moving, len(busy))
	told.forget()
	require.NoError(t, b.Return(t.Context()))
	var again []domain.Fence
	require.Eventually(t, func() bool {
		again = append(again, told.forget()...)
		for _, f := range moving {
			if !slices.Contains(again, f) {
				return false
			}
		}
		return true
	}, clustertest.Timeout, time.Millisecond)
	require.Equal(t, life, clustertest.Ask(t, a, at, "free").GetLife())
	for i := range identities {
		clustertest.Ask(t, b, strconv.Itoa(i), "free")
	}
	requireShares(t, c.Ledger, a, b)
}

// A node that withdraws holds nothing, brings messages to whoever does, and comes back.
func withdrawsAndReturns(t *testing.T, c *clustertest.Cluster, _ *clustertest.Arena) {
	a, b := c.Join(t), c.Join(t)
	requireShares(t, c.Ledger, a, b)
	ctx, cancel := context.WithTimeout(t.Context(), clustertest.Timeout)
	defer cancel()
	require.NoError(t, b.Withdraw(ctx))
	require.Eventually(t, func() bool { return len(a.Held()) == domain.Partitions }, clustertest.Timeout, time.Millisecond)
	require.NoError(t, b.Handed(ctx))
	require.True(t, b.Standing().Withdrawn)
	everyoneAnswers(t, a, b)
	require.Equal(t, domain.Conflict, domain.CodeOf(a.Withdraw(ctx)), "nobody else takes part")
	require.NoError(t, b.Return(ctx))
	requireShares(t, c.Ledger, a, b)
	everyoneAnswers(t, a, b)
}
