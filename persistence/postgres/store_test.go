package postgres

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
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

// Without named prepared statements and connection settings, as behind PgBouncer, it is the same store.
func TestStore_AsBehindAPooler(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Fresh(t), Options{PgBouncer: true, Clock: at(noon)})
	crowd := newCrowd(s, claim(t, s, "node", 1, 2, 3))
	crowd.awaitProgress(t)
	f := claim(t, s, "node", 7)[0]
	waiting := event("waiting")
	held, err := s.Decide(t.Context(), deciding(f, receive(t, s, f, waiting), waiting, domain.Hold))
	require.NoError(t, err)
	require.Equal(t, domain.Waiting, held.Lead.State)
	pending, err := s.Undecided(t.Context(), []domain.Partition{7}, true, 0, 10)
	require.NoError(t, err)
	require.Len(t, pending, 1)
	got := assigned(t, s, f, "one")
	n, err := s.RecordSeen(t.Context(), []domain.Seen{{Account: "acme", Buyer: "bob", Seq: got.Event.Seq, ReportedAt: noon}})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Len(t, feedOf(t, s, 0), 1)
	visited(t, s, f, "one")
	_, err = s.Erase(t.Context(), erasureOf("one", "v-one", "hem", "phone"))
	require.NoError(t, err)
	maintain(t, s, noon.AddDate(0, 0, 40))
	require.NoError(t, s.Ping(t.Context()))
	crowd.stop(t)
	requireNamedStatements(t, s, 0)
}

// requireNamedStatements checks how many the connections of the pool keep on the server.
func requireNamedStatements(t *testing.T, s *Store, want int64) {
	t.Helper()
	for range s.opts.Readers {
		require.Equal(t, want, count(t, s, `SELECT count(*) FROM pg_prepared_statements WHERE NOT from_sql`))
	}
}

func harness(base Options) storetest.Harness {
	return storetest.Harness{
		Steps: Steps(),
		Open: func(t *testing.T, o storetest.Options) storetest.Instance {
			opts := base
			opts.Fail = o.Fail
			opts.Commit = groupcommit.Config{QueueOps: o.QueueOps, MaxOps: o.BatchOps}
			in := instance(t, migrated(t), opts, base)
			if o.BacklogLimit > 0 {
				in.Store.(*Store).backlogLimit = o.BacklogLimit
			}
			return in
		},
	}
}

// migrated is an empty store's database. What Open draws for a new store is taken out again, so that no two are
// one store.
func migrated(t testing.TB) string {
	t.Helper()
	return pgtest.Copied(t, func(ctx context.Context, url string) error {
		if err := Migrate(ctx, url, Options{}); err != nil {
			return err
		}
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, `DELETE FROM store`)
		return errors.Join(err, conn.Close(ctx))
	})
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
