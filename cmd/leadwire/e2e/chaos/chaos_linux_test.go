package chaos_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cmd/leadwire/e2e/chaos/arena"
	"github.com/leadwire/leadwire/cmd/leadwire/e2e/chaos/plan"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// The round that every run of the tests plays: three nodes under TLS, and a seed that has every sort of fault.
const (
	shortSeed   = 4
	shortNodes  = 3
	shortLength = 16 * time.Second
)

// A cluster under load from both sides keeps every promise, whatever happens to its nodes, links, clocks and store.
func TestChaos(t *testing.T) {
	pgtest.SkipShort(t)
	if os.Getenv("CHAOS_ROUNDS") == "" {
		one(t, plan.Draw(shortSeed, shortNodes, shortLength))
		return
	}
	rounds, first := number(t, "CHAOS_ROUNDS", 1), number(t, "CHAOS_SEED", 1)
	length, err := time.ParseDuration(or("CHAOS_LENGTH", "60s"))
	require.NoError(t, err, "CHAOS_LENGTH")
	for seed := first; seed < first+rounds; seed++ {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) { one(t, plan.Draw(uint64(seed), number(t, "CHAOS_NODES", 0), length)) })
	}
}

func or(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	n, err := strconv.Atoi(or(name, strconv.Itoa(otherwise)))
	require.NoError(t, err, name)
	return n
}

// one plays a plan. Its history is kept when it failed, or when CHAOS_KEEP asks for it.
func one(t *testing.T, p plan.Plan) {
	t.Helper()
	arena.Require(t, arena.Allowed())
	dir, err := os.MkdirTemp(os.Getenv("CHAOS_DIR"), fmt.Sprintf("leadwire-chaos-seed%d-", p.Seed)) //nolint:usetesting // it stays when the round failed
	require.NoError(t, err)
	t.Logf("%s  links lose and delay packets by a forwarder of our own, on any kernel", p)
	since := time.Now()
	told, err := play(t, p, dir)
	t.Logf("%v after %v: %v", verdictOf(err), time.Since(since).Round(time.Second), told)
	if err == nil && os.Getenv("CHAOS_KEEP") == "" {
		require.NoError(t, os.RemoveAll(dir))
		return
	}
	t.Logf("the history is in %s; again: make chaos SEED=%d CHAOS_ROUNDS=1 CHAOS_NODES=%d CHAOS_LENGTH=%v", filepath.Clean(dir), p.Seed, p.Nodes, p.Length)
	require.NoError(t, err)
}

func verdictOf(err error) string {
	if err != nil {
		return "NOT GREEN"
	}
	return "green"
}
