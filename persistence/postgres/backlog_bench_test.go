package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/storetest"
	"github.com/stretchr/testify/require"
)

func BenchmarkBacklog100000Held(b *testing.B) { storetest.BenchmarkBacklog100000Held(b, withHeld(b)) }

func BenchmarkHeldPage(b *testing.B) { storetest.BenchmarkHeldPage(b, withHeld(b)) }

// withHeld is a store with 100,000 held events of every partition, with contacts of 300 bytes.
func withHeld(b *testing.B) *Store {
	s, _ := fresh(b)
	for _, sql := range []string{
		`INSERT INTO events SELECT n, current_date, 'acme', 'ghl', 'e' || n, false, '', 'open', 'l' || n, '', convert_to(repeat('x', 300), 'UTF8'), '', null, 0 FROM generate_series(1, 100000) n`,
		`INSERT INTO pending_events SELECT n % 256, true, n, current_date FROM generate_series(1, 100000) n`,
		`VACUUM ANALYZE pending_events`, // as autovacuum would
	} {
		_, err := s.readers.Exec(context.WithoutCancel(b.Context()), sql)
		require.NoError(b, err)
	}
	return s
}

// 100,000 sightings are being gathered and none is past its time: what every node asks every two seconds.
func BenchmarkOwedNoneOf100000(b *testing.B) { owedOf(b, "1 hour", 0) }

// And after a node was away: a page of 100,000 that are past their time.
func BenchmarkOwedPageOf100000(b *testing.B) { owedOf(b, "-1 hour", 500) }

func owedOf(b *testing.B, due string, want int) {
	s, _ := fresh(b)
	for _, sql := range []string{
		`INSERT INTO sightings SELECT n, n % 256, now() + '` + due + `', 'acme', 'v' || n, 'l' || n, n, 1, convert_to('{"pad":"' || repeat('x', 600) || '"}', 'UTF8'), '{}', 0 FROM generate_series(1, 100000) n`,
		`VACUUM ANALYZE sightings`,
	} {
		_, err := s.readers.Exec(context.WithoutCancel(b.Context()), sql)
		require.NoError(b, err)
	}
	partitions := make([]domain.Partition, domain.Partitions)
	for p := range partitions {
		partitions[p] = domain.Partition(p)
	}
	for b.Loop() {
		page, err := s.Owed(b.Context(), partitions, time.Now(), 0, 500)
		require.NoError(b, err)
		require.Len(b, page, want)
	}
}
