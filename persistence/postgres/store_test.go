package postgres

import (
	"os"
	"testing"

	"github.com/leadwire/leadwire/persistence/groupcommit"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/leadwire/leadwire/persistence/storetest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := pgtest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

func TestStore(t *testing.T) { storetest.Run(t, harness(Options{})) }

// The same contract without named prepared statements and connection settings, as behind PgBouncer.
func TestStore_AsBehindAPooler(t *testing.T) { storetest.Run(t, harness(Options{PgBouncer: true})) }

func harness(base Options) storetest.Harness {
	return storetest.Harness{
		Steps: Steps(),
		Open: func(t *testing.T, o storetest.Options) storetest.Instance {
			opts := base
			opts.Fail = o.Fail
			opts.Commit = groupcommit.Config{QueueOps: o.QueueOps, MaxOps: o.BatchOps}
			return instance(t, pgtest.Fresh(t), opts, base)
		},
	}
}

// instance opens the store at url; whatever is opened after it is opened with the bare options.
func instance(t *testing.T, url string, opts, bare Options) storetest.Instance {
	t.Helper()
	s := open(t, url, opts)
	again := func(t *testing.T) storetest.Instance { t.Helper(); return instance(t, url, bare, bare) }
	return storetest.Instance{
		Store: s,
		Crash: func(t *testing.T) storetest.Instance {
			t.Helper()
			s.crash()
			return again(t)
		},
		Reopen: func(t *testing.T) storetest.Instance {
			t.Helper()
			require.NoError(t, s.Close())
			return again(t)
		},
		Second: again,
	}
}

func open(t testing.TB, url string, opts Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), url, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// crash takes the process away from under the store: its sockets close in the middle of whatever they
// carry, and nothing is finished.
func (s *Store) crash() {
	l := s.line
	l.mu.Lock()
	conn := l.conn
	l.closed, l.conn, l.gaveUp = true, nil, true
	l.mu.Unlock()
	if conn != nil {
		_ = conn.PgConn().Conn().Close() // abruptly: that is the point
	}
	s.writer.Close()
	s.readers.Close()
}
