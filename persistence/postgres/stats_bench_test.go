package postgres

import (
	"testing"

	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/leadwire/leadwire/persistence/storetest"
)

func BenchmarkStats(b *testing.B) {
	storetest.BenchmarkStats(b, open(b, pgtest.Fresh(b), Options{}))
}
