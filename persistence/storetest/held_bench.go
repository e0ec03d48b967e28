package storetest

import (
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// BenchmarkBacklog100000Held measures what every node asks every two seconds. A campaign was full all afternoon, and in s
// 100,000 leads wait for a buyer.
func BenchmarkBacklog100000Held(b *testing.B, s domain.Store) {
	for b.Loop() {
		got, err := s.Backlog(b.Context())
		require.NoError(b, err)
		require.Equal(b, 100_000, got.Held)
	}
}

// BenchmarkHeldPage measures the pages that recovery offers them by. Those of s have the numbers 1 to 100,000.
func BenchmarkHeldPage(b *testing.B, s domain.Store) {
	partitions := make([]domain.Partition, domain.Partitions)
	for p := range partitions {
		partitions[p] = domain.Partition(p)
	}
	after := int64(0)
	for b.Loop() {
		page, err := s.Undecided(b.Context(), partitions, true, after, 500)
		require.NoError(b, err)
		require.Len(b, page, 500)
		if after = page[499].Seq; after == 100_000 {
			after = 0
		}
	}
}
