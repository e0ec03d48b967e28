package embedded

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// killDir tells this test binary, run again by TestKill, to be the process that is killed.
const killDir = "LEADWIRE_TEST_KILL_DIR"

// A real process with a real file is killed in the middle of its commits, again and again over the
// same folder. Every lead that it said was assigned is there, once, and the feed has no gap.
func TestKill(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(killDir); dir != "" {
		writeUntilKilled(t, dir)
	}
	dir := t.TempDir()
	acked := map[string]bool{}
	for round := range 5 {
		for _, id := range killAfter(t, dir, round, 50+37*round) {
			acked[id] = true
		}
		s, err := Open(t.Context(), dir, Options{})
		require.NoError(t, err)
		require.NoError(t, checkIntegrity(s.tx.conn))
		events, err := s.Feed(t.Context(), domain.BuyerKey{Account: "acme", Buyer: "bea"}, 0, 1_000_000)
		require.NoError(t, err)
		found := map[string]bool{}
		for i, e := range events {
			require.EqualValues(t, i+1, e.Seq, "a gap")
			require.False(t, found[string(e.EventID)], "%s twice", e.EventID)
			found[string(e.EventID)] = true
		}
		for id := range acked {
			require.True(t, found[id], "round %d: %s was acknowledged and is gone", round, id)
		}
		require.NoError(t, s.Close())
	}
	require.NotEmpty(t, acked)
}

// killAfter runs a writer until it has acknowledged n leads, and kills it.
func killAfter(t *testing.T, dir string, round, n int) (acked []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKill$", "-test.v")
	cmd.Env = append(os.Environ(), killDir+"="+dir, "LEADWIRE_TEST_KILL_ROUND="+strconv.Itoa(round))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		id, ok := strings.CutPrefix(lines.Text(), "acked ")
		if !ok {
			continue
		}
		acked = append(acked, id)
		if len(acked) == n {
			require.NoError(t, cmd.Process.Kill()) // SIGKILL; what it still printed is read to the end
		}
	}
	_ = cmd.Wait() // it was killed
	require.GreaterOrEqual(t, len(acked), n, "the writer ended by itself")
	return acked
}

// writeUntilKilled writes leads from several goroutines and says which are durable. Checkpoints come
// every few commits, so that kills hit them too.
func writeUntilKilled(t *testing.T, dir string) {
	s, err := Open(t.Context(), dir, Options{CheckpointPages: 20})
	require.NoError(t, err)
	fences, err := s.Claim(t.Context(), "doomed", []domain.Partition{1})
	require.NoError(t, err)
	round, err := strconv.Atoi(os.Getenv("LEADWIRE_TEST_KILL_ROUND"))
	require.NoError(t, err)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 1_000_000 {
				n := round*1_000_000_000 + w*1_000_000 + i
				lead(t, s, fences[0], n)
				if t.Failed() {
					return
				}
				fmt.Printf("acked e-%d\n", n)
			}
		})
	}
	wg.Wait()
}
