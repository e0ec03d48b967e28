package postgres

import (
	"testing"

	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

// A store has a handful of everything when vacuum first comes by, and the plans made then may have to serve until the
// endpoint that died an hour ago has a million waiting. They are those of a large one.
func TestPlans_OfQueuesThatWereSmall(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Fresh(t), Options{})
	conn, err := s.readers.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	_, err = conn.Conn().PgConn().Exec(t.Context(), `
		INSERT INTO endpoints (account, endpoint, partition, revision) SELECT 'acme', 'endpoint-' || n, n, 1 FROM generate_series(1, 2) n;
		INSERT INTO announcements SELECT 'acme', n, now(), 'a' || n, '', 'l' || n, '', '{}', 0 FROM generate_series(1, 4) n;
		INSERT INTO pending_deliveries SELECT n, 1, 'acme', n, now(), 'l' || n, 0, false, 1, false, 0, now(), now(), null, null, null, '', 0 FROM generate_series(1, 4) n;
		INSERT INTO deliveries SELECT 10 + n, 1, 'acme', n, now(), 'l' || n, 0, false, 1, 2, 1, now(), now(), null, null, now(), '', 0 FROM generate_series(1, 4) n;
		INSERT INTO receipts SELECT 10 + n, 1, 'acme', now(), 200, '', '{}', '' FROM generate_series(1, 4) n;
		ANALYZE endpoints, announcements, pending_deliveries, deliveries, receipts`).ReadAll()
	require.NoError(t, err)
	for _, statement := range []string{
		"lock endpoints", "decide, owing", "judge, owing", "attempt", "attempt, owing", "due", "owing", "queue", "endpoint", "delivery", "receipts", "deliveries",
		"deliveries by lead", "deliveries by event", "replayable", "count a replay", "owe again", "replaying",
	} {
		require.Empty(t, problems(explain(t, conn.Conn(), planned[statement])), statement)
	}
}
