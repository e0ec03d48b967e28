package embedded

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/embedded/disktest"
	"github.com/stretchr/testify/require"
)

// A disk fills up under load. What does not fit is refused and can come again; what was acknowledged
// stays; and once there is space, the store goes on without being touched.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := disktest.Small(t, 4<<20)
	s, err := Open(t.Context(), dir, Options{CheckpointPages: 64})
	require.NoError(t, err)
	defer func() { _ = s.Close() }()
	f := claimOne(t, s)
	ballast := filepath.Join(dir, "ballast")
	disktest.Fill(t, ballast, 1<<20)

	kept, full := 0, false
	for i := 0; !full; i++ {
		_, err := s.Receive(t.Context(), f, bulky(i))
		if err != nil {
			require.Equal(t, domain.Unavailable, domain.CodeOf(err), "%v", err)
			full = true
			continue
		}
		kept++
	}
	require.Positive(t, kept, "there was room for some")
	require.Equal(t, kept, backlog(t, s), "reads go on")

	require.NoError(t, os.Remove(ballast))
	require.Eventually(t, func() bool { return s.Ping(t.Context()) == nil }, time.Minute, time.Millisecond)
	got, err := s.Receive(t.Context(), f, bulky(kept))
	require.NoError(t, err)
	require.False(t, got.Duplicate, "what was refused was not written")
	require.NoError(t, s.Close())

	s, err = Open(t.Context(), dir, Options{})
	require.NoError(t, err)
	require.NoError(t, checkIntegrity(s.tx.conn))
	require.Equal(t, kept+1, backlog(t, s))
}

// The log does not grow with the traffic: checkpoints keep up while commits never pause.
func TestCheckpoint_KeepsTheLogShort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const target = 200
	s, err := Open(t.Context(), dir, Options{CheckpointPages: target})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	f := claimOne(t, s)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 500 {
				lead(t, s, f, w*1000+i)
			}
		})
	}
	wg.Wait()
	info, err := os.Stat(filepath.Join(dir, fileName+"-wal"))
	require.NoError(t, err)
	whole, err := os.Stat(filepath.Join(dir, fileName))
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(20*target*4096), "the log began anew, again and again")
	require.Greater(t, whole.Size(), info.Size()/20, "its content is in the file")
}
