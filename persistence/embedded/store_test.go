package embedded

import (
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/leadwire/leadwire/persistence/groupcommit"
	"github.com/leadwire/leadwire/persistence/storetest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every promise of the port, kept by this store.
func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Harness{Steps: Steps(), Open: func(t *testing.T, o storetest.Options) storetest.Instance {
		in := open(t, t.TempDir(), Options{
			Fail: o.Fail, Commit: groupcommit.Config{MaxOps: o.BatchOps, QueueOps: o.QueueOps},
		})
		if o.BacklogLimit > 0 {
			in.Store.(*Store).backlogLimit, in.Store.(*Store).queueLimit = int64(o.BacklogLimit), int64(o.BacklogLimit)
		}
		return in
	}})
}

func open(t *testing.T, dir string, o Options) storetest.Instance {
	t.Helper()
	dead := &atomic.Bool{}
	fail := o.Fail
	o.Fail = func(step string) error {
		if dead.Load() {
			return io.ErrClosedPipe // the process is gone: nothing of it reaches the file any more
		}
		if fail == nil {
			return nil
		}
		return fail(step)
	}
	s, err := Open(t.Context(), dir, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return storetest.Instance{
		Store:  s,
		Crash:  func(t *testing.T) storetest.Instance { return open(t, crash(t, s, dead), Options{}) },
		Reopen: func(t *testing.T) storetest.Instance { return reopen(t, s) },
	}
}

func reopen(t *testing.T, s *Store) storetest.Instance {
	t.Helper()
	require.NoError(t, s.Close())
	return open(t, s.dir, Options{})
}

// crash takes the files as a killed process leaves them: the log is not moved, the shared memory is
// lost. It copies them, because within one process SQLite cannot be killed; TestKill does the real
// thing with a process of its own.
func crash(t *testing.T, s *Store, dead *atomic.Bool) string {
	t.Helper()
	dead.Store(true)
	require.Error(t, s.Ping(t.Context()), "a dead store commits nothing")
	to := t.TempDir()
	for _, name := range []string{fileName, fileName + "-wal"} {
		b, err := os.ReadFile(filepath.Join(s.dir, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(to, name), b, 0o600))
	}
	return to
}
