package cluster

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// neighbours are members whose addresses differ in a digit or two, as those of one cluster do. Each
// draw has addresses of its own.
func neighbours(draw, n int) []*member {
	list := make([]*member, n)
	for i := range list {
		host := draw*2048 + i
		list[i] = &member{address: fmt.Sprintf("10.%d.%d.%d:7400", host>>16, host>>8&255, host&255)}
	}
	return list
}

// A node that joins takes its share from the others, and they take nothing from each other. When it
// leaves, everything is as before.
func TestTable_OnlyTheNewcomersShareMoves(t *testing.T) {
	t.Parallel()
	for draw := range 20 {
		list := neighbours(draw, 8)
		joined := list[7]
		before, after := newTable(list[:7]), newTable(list)
		moved := 0
		for p, owner := range after.owner {
			if owner == joined {
				moved++
				continue
			}
			require.Same(t, before.owner[p], owner, "partition %d went from one old member to another", p)
		}
		require.NotZero(t, moved)
	}
}

// Two nodes that hear of the same members in different orders propose the same owners.
func TestTable_DoesNotDependOnTheOrder(t *testing.T) {
	t.Parallel()
	list := neighbours(0, 9)
	want := newTable(list)
	slices.Reverse(list)
	require.Equal(t, want.owner, newTable(list).owner)
	require.Equal(t, want.members, newTable(list).members)
}

// Nobody is proposed while nobody is there, and everybody's partitions are someone's otherwise.
func TestTable_NobodyAndEverybody(t *testing.T) {
	t.Parallel()
	for _, owner := range newTable(nil).owner {
		require.Nil(t, owner)
	}
	held := map[*member]int{}
	for _, owner := range newTable(neighbours(3, 4)).owner {
		held[owner]++
	}
	require.Len(t, held, 4)
	require.Zero(t, held[nil])
}

// A partition's number is the lower digits of its identity's hash, so more partitions divide each of these.
func TestPartitionOf_IsAPartOfTheHash(t *testing.T) {
	t.Parallel()
	for i := range 1000 {
		id := fmt.Sprint("acme/", i)
		require.Equal(t, PartitionOf("lead", id), domain.Partition(hashOf("lead", id)%65536%domain.Partitions))
	}
}
