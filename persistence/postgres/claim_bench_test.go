package postgres

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

// BenchmarkClaim is the statement by which a node takes so many partitions over.
func BenchmarkClaim(b *testing.B) {
	for _, n := range []int{1, 26, 86, domain.Partitions} {
		b.Run("partitions="+strconv.Itoa(n), func(b *testing.B) {
			s := open(b, pgtest.Fresh(b), Options{})
			wanted := make([]domain.Partition, n)
			for p := range wanted {
				wanted[p] = domain.Partition(p)
			}
			for b.Loop() {
				fences, err := s.Claim(b.Context(), "bench", wanted)
				require.NoError(b, err)
				require.Len(b, fences, n)
			}
		})
	}
}

// BenchmarkHoldings is what a node asks every now and then: who holds what. Every partition is held.
func BenchmarkHoldings(b *testing.B) {
	s := open(b, pgtest.Fresh(b), Options{})
	_, err := s.readers.Exec(context.WithoutCancel(b.Context()), `UPDATE partitions SET epoch = 1, node = 'a-node-of-22-characters'`)
	require.NoError(b, err)
	for b.Loop() {
		all, err := s.Holdings(b.Context())
		require.NoError(b, err)
		require.Len(b, all, domain.Partitions)
	}
}

// BenchmarkRenew is one node's renewal among so many that all take each other for members. names-B is how much of
// the answer is their views.
func BenchmarkRenew(b *testing.B) {
	for _, nodes := range []int{3, 10, 100, 1000} {
		b.Run("nodes="+strconv.Itoa(nodes), func(b *testing.B) {
			s := open(b, pgtest.Fresh(b), Options{})
			view := make([]domain.NodeID, nodes)
			for i := range view {
				view[i] = domain.NodeID(fmt.Sprintf("%022d", i)) // as long as a real one
			}
			_, err := s.readers.Exec(context.WithoutCancel(b.Context()), `INSERT INTO nodes (node, address, view, until, held, actors, mail)
				SELECT n, '10.0.0.1:7400', $1::text[], now() + interval '1 hour', 1, 1000, 0 FROM unnest($1::text[]) n`, view)
			require.NoError(b, err)
			lease := domain.NodeLease{Node: view[0], Address: "10.0.0.1:7400", View: view, TTL: time.Hour}
			told := 0
			for b.Loop() {
				living, err := s.Renew(b.Context(), lease)
				require.NoError(b, err)
				require.Len(b, living, nodes)
				told = 0
				for _, l := range living {
					for _, id := range l.View {
						told += len(id)
					}
				}
			}
			b.ReportMetric(float64(told), "names-B")
		})
	}
}
