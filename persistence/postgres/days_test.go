package postgres

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

func maintain(t *testing.T, s *Store, now time.Time) domain.Maintained {
	t.Helper()
	done, err := s.Maintain(t.Context(), now, domain.Retention{})
	require.NoError(t, err)
	return done
}

func partitionsOf(t *testing.T, s *Store, d dayTable) []string {
	t.Helper()
	names, err := d.partitions(t.Context(), s.readers)
	require.NoError(t, err)
	return names
}

// Open leaves a week of room, and every day of maintenance adds one.
func TestDays_AreMadeAhead(t *testing.T) {
	t.Parallel()
	s, _ := fresh(t)
	for _, table := range dayTables {
		names := partitionsOf(t, s, table)
		require.Len(t, names, daysBehind+1+daysAhead)
		require.Equal(t, table.name+"_20261121", names[0])
		require.Equal(t, table.name+"_20261129", names[len(names)-1])
	}
	require.Empty(t, maintain(t, s, noon).Created, "nothing is missing")
	require.ElementsMatch(t, []string{"announcements_20261130", "events_20261130", "feed_events_20261130", "receipts_20261130", "seen_20261130"}, maintain(t, s, noon.Add(day)).Created)
}

// Rows go to the partition of their UTC day, to the microsecond at its edges.
func TestDays_SplitAtMidnightUTC(t *testing.T) {
	t.Parallel()
	s, f := fresh(t)
	midnight := dayOf(noon).Add(day)
	assignedAt(t, s, f, "last", midnight.Add(-2*time.Millisecond))
	assignedAt(t, s, f, "first", midnight.In(time.FixedZone("", -5*3600)))
	require.EqualValues(t, 1, count(t, s, `SELECT count(*) FROM events_20261122`))
	require.EqualValues(t, 1, count(t, s, `SELECT count(*) FROM events_20261123`))
	require.Zero(t, count(t, s, `SELECT count(*) FROM events_default`))
}

// A day for which nobody made a partition is kept all the same, and moves into its own when there is one.
func TestDays_TheDefaultPartitionCatchesAndGivesBack(t *testing.T) {
	t.Parallel()
	s, f := fresh(t)
	far := noon.AddDate(0, 0, 20)
	for _, id := range names(3) {
		assignedAt(t, s, f, id, far)
	}
	seen, err := s.Observe(t.Context(), meetingAt(f, "h-1", "v-1", "p-ada", far))
	require.NoError(t, err)
	_, err = s.Judge(t.Context(), judging(f, meetingAt(f, "h-1", "v-1", "p-ada", far), seen.Owed[0], 0))
	require.NoError(t, err)
	n, err := s.RecordSeen(t.Context(), []domain.Seen{{Account: "acme", Buyer: "bob", Seq: 2, ReportedAt: far}})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	record(t, s, failing(f, owe(t, s, f, "a-1", "l-1", far, "crm")[0], far))
	for _, table := range dayTables {
		require.Positive(t, count(t, s, `SELECT count(*) FROM `+table.net()), table.name)
	}
	got := maintain(t, s, far)
	require.Contains(t, got.Created, "feed_events_20261212")
	for _, table := range dayTables {
		require.Zero(t, count(t, s, `SELECT count(*) FROM `+table.net()), table.name)
	}
	require.EqualValues(t, 3, count(t, s, `SELECT count(*) FROM feed_events_20261212`))
	require.EqualValues(t, 1, count(t, s, `SELECT count(*) FROM receipts_20261212`))
	requireGapless(t, s)
}

// A day with more strays than may be moved under a lock stays in the default partition; it is served and
// retained from there, and its partition is not made.
func TestDays_ACrowdedDefaultPartitionIsLeftInPlace(t *testing.T) {
	t.Parallel()
	s, f := fresh(t)
	far := noon.AddDate(0, 0, 20)
	for _, id := range names(4) {
		assignedAt(t, s, f, id, far)
	}
	got, err := s.Maintain(t.Context(), far, domain.Retention{BatchLimit: 3})
	require.NoError(t, err)
	require.NotContains(t, got.Created, "events_20261212")
	require.Contains(t, got.Created, "events_20261213")
	require.Equal(t, 4.0, value(t, s.metrics.netRows.WithLabelValues("feed_events")))
	require.Len(t, feedOf(t, s, 0), 4)

	// Past retention they go in portions, and the feed's floor rises with them.
	for range 10 {
		if got, err = s.Maintain(t.Context(), far.AddDate(0, 0, 31), domain.Retention{BatchLimit: 3}); !got.More {
			break
		}
	}
	require.NoError(t, err)
	heads, err := s.Heads(t.Context(), []domain.BuyerKey{{Account: "acme", Buyer: "bob"}})
	require.NoError(t, err)
	require.Equal(t, []domain.Head{{Seq: 4, Floor: 4}}, heads)
	require.Zero(t, count(t, s, `SELECT count(*) FROM events`))
}

func feedOf(t *testing.T, s *Store, after domain.Seq) []domain.FeedEvent {
	t.Helper()
	events, err := s.Feed(t.Context(), domain.BuyerKey{Account: "acme", Buyer: "bob"}, after, 1000)
	require.NoError(t, err)
	return events
}

// Retention drops whole days: the feed's floor says how far, later events stay, and what still waits for
// its decision outlives its day.
func TestDays_AreDroppedWhenAllOfThemIsPast(t *testing.T) {
	t.Parallel()
	s, f := fresh(t)
	assigned(t, s, f, "a")
	assigned(t, s, f, "b")
	waiting := receive(t, s, f, event("waiting"))
	next := noon.Add(day)
	assignedAt(t, s, f, "c", next)

	require.ElementsMatch(t, []string{"announcements_20261121", "events_20261121", "feed_events_20261121", "receipts_20261121", "seen_20261121"},
		maintain(t, s, noon.AddDate(0, 0, 30)).Dropped, "of the day itself the afternoon is not past")
	got := maintain(t, s, noon.AddDate(0, 0, 31))
	require.ElementsMatch(t, []string{"announcements_20261122", "events_20261122", "feed_events_20261122", "receipts_20261122", "seen_20261122"}, got.Dropped)
	require.False(t, got.More)
	heads, err := s.Heads(t.Context(), []domain.BuyerKey{{Account: "acme", Buyer: "bob"}})
	require.NoError(t, err)
	require.Equal(t, []domain.Head{{Seq: 3, Floor: 2}}, heads)
	require.Len(t, feedOf(t, s, 0), 1)
	pending, err := s.Undecided(t.Context(), []domain.Partition{7}, false, 0, 10)
	require.NoError(t, err)
	require.Len(t, pending, 1)
	require.Equal(t, waiting, pending[0].Seq)
	again, err := s.Receive(t.Context(), f, event("a"))
	require.NoError(t, err)
	require.True(t, again.Duplicate, "its key is kept for longer than its body")

	_, err = s.Decide(t.Context(), deciding(f, waiting, event("waiting"), domain.Assign))
	require.NoError(t, err)
	maintain(t, s, noon.AddDate(0, 0, 31))
	require.Zero(t, count(t, s, `SELECT count(*) FROM events_default`), "decided, it goes")
}

// Keys and leads go row by row, so many a call, oldest first.
func TestDays_KeysAndLeadsExpireInPortions(t *testing.T) {
	t.Parallel()
	s, f := fresh(t)
	for _, id := range names(7) {
		assigned(t, s, f, id)
	}
	later := noon.AddDate(0, 0, 500)
	var rounds int
	for more := true; more; rounds++ {
		got, err := s.Maintain(t.Context(), later, domain.Retention{BatchLimit: 3})
		require.NoError(t, err)
		require.LessOrEqual(t, got.Removed["leads"], int64(3))
		require.LessOrEqual(t, got.Removed["event_keys"], int64(3))
		more = got.More
	}
	require.Equal(t, 3, rounds, "3 + 3 + 1")
	require.Zero(t, count(t, s, `SELECT (SELECT count(*) FROM leads) + (SELECT count(*) FROM event_keys)`))
}

// Maintenance on two nodes, and on a store under load, gets in nobody's way.
func TestDays_MaintenanceBesideTraffic(t *testing.T) {
	t.Parallel()
	url := pgtest.Fresh(t)
	s, other := open(t, url, Options{Clock: at(noon)}), open(t, url, Options{Clock: at(noon)})
	fences := claim(t, s, "node", 1, 2, 3)
	crowd := newCrowd(s, fences)
	for n := range 5 {
		crowd.awaitProgress(t)
		done := make(chan error, 1)
		go func() {
			_, err := other.Maintain(t.Context(), noon.AddDate(0, 0, n), domain.Retention{})
			done <- err
		}()
		maintain(t, s, noon.AddDate(0, 0, n))
		require.NoError(t, <-done)
	}
	crowd.stop(t)
	select {
	case <-crowd.refused:
		t.Fatal("maintenance made a commit fail")
	default:
	}
	requireGapless(t, s)
}

// The next program version finds its place, and a node of the older one goes on beside a newer schema.
func TestMigrate(t *testing.T) {
	t.Parallel()
	url := pgtest.Fresh(t)
	all, err := migrations()
	require.NoError(t, err)
	done := make(chan error, 4)
	for range cap(done) {
		go func() { done <- Migrate(t.Context(), url, Options{}) }()
	}
	for range cap(done) {
		require.NoError(t, <-done, "several nodes at once")
	}
	s := open(t, url, Options{})
	require.EqualValues(t, len(all), count(t, s, `SELECT count(*) FROM migrations`))
	_, err = s.readers.Exec(t.Context(), `INSERT INTO migrations (version, name) VALUES ($1, 'later')`, len(all)+1)
	require.NoError(t, err)
	require.NoError(t, Migrate(t.Context(), url, Options{}))
	key, err := s.TokenKey(t.Context())
	require.NoError(t, err)
	require.Len(t, key, 32)
	require.Equal(t, s.Epoch(), open(t, url, Options{}).Epoch(), "one history for all nodes")
	require.NotEqual(t, s.Epoch(), open(t, pgtest.Fresh(t), Options{}).Epoch())
}

// A server that would confirm and forget is refused, and so is one that is only there to be read.
func TestOpen_RefusesAServerItCannotTrust(t *testing.T) {
	t.Parallel()
	for name, setting := range map[string]string{
		"an unsafe commit": "synchronous_commit=off",
		"a standby":        "default_transaction_read_only=on",
	} {
		_, err := Open(t.Context(), fmt.Sprintf("%s&%s", pgtest.Fresh(t), setting), Options{})
		require.Error(t, err, name)
	}
}

// A store of the release before is brought up to date with what is in it, and no table is written anew for it.
func TestMigrate_FromTheReleaseBefore(t *testing.T) {
	t.Parallel()
	url := pgtest.Fresh(t)
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	all, err := migrations()
	require.NoError(t, err)
	filenodes := func() (nodes []uint32) {
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT array_agg(pg_relation_filenode(oid) ORDER BY relname) FROM pg_class
			WHERE relname IN ('events_20261122', 'feed_events_default', 'leads', 'pending_events', 'store') AND relnamespace = current_schema()::regnamespace`).Scan(&nodes))
		return nodes
	}
	_, err = conn.PgConn().Exec(t.Context(), all[0].sql+`;
		CREATE TABLE migrations (version int PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
		INSERT INTO migrations (version, name) VALUES (1, '0001_init');
		INSERT INTO store (history, token_key, catalog) VALUES ('h', decode(repeat('ab', 32), 'hex'), '{}');
		CREATE TABLE events_20261122 PARTITION OF events FOR VALUES FROM ('2026-11-22 00:00:00Z') TO ('2026-11-23 00:00:00Z');
		INSERT INTO events SELECT n, '2026-11-22 12:00:00Z', 'acme', 'ghl', 'e' || n, false, '', 'open', 'l' || n, '', '{"email":"ada@example.com"}', '{}', null, 0 FROM generate_series(1, 100) n;
		INSERT INTO event_keys SELECT md5(n::text)::uuid, n, '2026-11-22 12:00:00Z' FROM generate_series(1, 100) n;
		INSERT INTO pending_events (partition, seq, received_at) SELECT 7, n, '2026-11-22 12:00:00Z' FROM generate_series(1, 100) n;
		SELECT setval('event_seq', 100);
		ANALYZE events`).ReadAll()
	require.NoError(t, err)
	before := filenodes()
	s := open(t, url, Options{Clock: at(noon)})
	require.Equal(t, before, filenodes())
	pending, err := s.Undecided(t.Context(), []domain.Partition{7}, false, 0, 1000)
	require.NoError(t, err)
	require.Len(t, pending, 100)
	require.Zero(t, count(t, s, `SELECT count(*) FROM pg_stats WHERE schemaname = current_schema() AND attname IN ('contact', 'body')`), "samples of the time before")
	visited(t, s, claim(t, s, "node", 7)[0], "one")
}
