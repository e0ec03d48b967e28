package chaos_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/persistence"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// short ways to write what a broken Leadwire would.
const tamper = `
CREATE FUNCTION chaos.event(n bigint, id text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO events VALUES (n, now(), 'acme', 'ghl', id, false, 't', 'open', 'l', 'c', '', '', NULL, 0); $$;
CREATE FUNCTION chaos.key(n bigint) RETURNS void LANGUAGE sql AS $$ INSERT INTO event_keys VALUES (gen_random_uuid(), n, now()); $$;
CREATE FUNCTION chaos.row(in_buyer text, n bigint, type text, lead text, event text, nth bigint DEFAULT NULL, cap bigint DEFAULT 0) RETURNS void LANGUAGE sql AS $$
	INSERT INTO feed_events VALUES ('acme', in_buyer, n, now(), type, lead, 'c', 'ghl', event, n, '', now(), '2026-01-31', nth, cap, '', 0); $$;
CREATE FUNCTION chaos.lead(id text, buyer text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO leads (account, id, state, revision, campaign, buyer, contact, source, held_seq, event_seq, assign_seq, last_seq, received_at, updated_at, commit_id)
	VALUES ('acme', id, CASE buyer WHEN '' THEN 'waiting' ELSE 'assigned' END, 1, 'c', buyer, '{}', 'ghl', 0, 1, 1, 1, now(), now(), 0); $$;
CREATE FUNCTION chaos.said(n bigint, id text, type text, lead text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO announcements VALUES ('acme', n, '2026-01-31', id, type, lead, '', '{}', 0); $$;
CREATE FUNCTION chaos.ended(in_n bigint, said bigint, state int, attempts int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO deliveries (n, endpoint, account, announcement, announced_at, lead, class, replay, state, revision, attempts, owed_at, ended_at, reason, commit_id)
	VALUES (in_n, (SELECT min(n) FROM endpoints), 'acme', said, '2026-01-31', 'l', 0, false, state, 1, attempts, now(), now(), '', 0); $$;`

// A check that finds nothing in a store that is broken finds nothing at all.
func TestChecks_SeeEachBreach(t *testing.T) {
	url := pgtest.Copied(t, func(ctx context.Context, url string) error {
		return persistence.Migrate(ctx, url, persistence.Options{})
	})
	conn, err := pgx.Connect(t.Context(), url+"&application_name=n1.1")
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	watch(t.Context(), t, conn, 10)
	_, err = conn.Exec(t.Context(), tamper)
	require.NoError(t, err)
	require.Empty(t, breaches(t, conn, "SELECT 1", (*checks).store), "an empty store breaks nothing")
	for want, sql := range map[string]string{
		"an event has one row":                   "SELECT chaos.event(1, 'a'), chaos.event(2, 'a'), chaos.key(1), chaos.key(2)",
		"an event's key and row belong together": "SELECT chaos.event(1, 'a')",
		"a lead is assigned once":                "SELECT chaos.row('ann', 1, 'lead.assigned', 'l', 'a', 1), chaos.row('bob', 1, 'lead.assigned', 'l', 'b', 1)",
		"an event takes effect once":             "SELECT chaos.row('ann', 1, 'lead.assigned', 'l', 'a', 1), chaos.row('ann', 2, 'lead.updated', 'l', 'a')",
		"a lead is where its assignment says":    "SELECT chaos.row('ann', 1, 'lead.assigned', 'l', 'a', 1), chaos.lead('l', 'bob')",
		"a lead is assigned":                     "SELECT chaos.lead('l', '')",
		"a feed has no gap":                      "INSERT INTO feeds (account, buyer, head) VALUES ('acme', 'ann', 3); SELECT chaos.row('ann', 1, 'lead.updated', 'l', 'a'), chaos.row('ann', 3, 'lead.updated', 'l', 'b')",
		"assignments of a day are counted":       "SELECT chaos.row('ann', 1, 'lead.assigned', 'l', 'a', 1), chaos.row('ann', 2, 'lead.assigned', 'm', 'b', 1)",
		"a cap holds":                            "SELECT chaos.row('ann', 1, 'lead.assigned', 'l', 'a', 21, 20)",
		"announcements have no gap":              "INSERT INTO heads VALUES ('acme', 2); SELECT chaos.said(2, 'a', 'lead.received', 'l')",
		"an event is announced once":             "SELECT chaos.said(1, 'a', 'lead.received', 'l'), chaos.said(2, 'a', 'lead.received', 'l')",
		"a first match happens once":             "SELECT chaos.said(1, 'a', 'visitor.identified', 'l'), chaos.said(2, 'b', 'visitor.identified', 'l')",
		"a first match has the id that is known": "INSERT INTO acquaintances (account, lead, revision, last_at, body, commit_id) VALUES ('acme', 'l', 1, now(), '{\"first_id\":\"b\"}', 0); SELECT chaos.said(1, 'a', 'visitor.identified', 'l')",
		"each endpoint is owed each event once":  "SELECT chaos.said(1, 'a', 'lead.received', 'l'); INSERT INTO endpoints (account, endpoint, partition) VALUES ('acme', 'one', 1)",
		"every delivery ends":                    "INSERT INTO endpoints (account, endpoint, partition) VALUES ('acme', 'one', 1); SELECT chaos.ended(1, 1, 2, 0)",
		"each attempt has its receipt":           "INSERT INTO endpoints (account, endpoint, partition) VALUES ('acme', 'one', 1); SELECT chaos.ended(1, 1, 1, 1)",
	} {
		require.Contains(t, fmt.Sprint(breaches(t, conn, sql, (*checks).store)), want)
	}

	claim := "UPDATE partitions SET epoch = epoch + 1, node = 'n'; SET LOCAL application_name = '%s'; SELECT chaos.lead('ghl-c1', 'ann')"
	require.NotContains(t, fmt.Sprint(breaches(t, conn, fmt.Sprintf(claim, "n1.1"), (*checks).noTrespass)), "fenced", "who has claimed may write")
	require.Contains(t, fmt.Sprint(breaches(t, conn, fmt.Sprintf(claim, "n1.2"), (*checks).noTrespass)), "1 commits by somebody fenced")
	require.Contains(t, fmt.Sprint(breaches(t, conn, "SELECT 1", (*checks).noTrespass)), "nobody looked at a lead")
}

// breaches are what a check says of a store in which sql was done, and undone afterwards.
func breaches(t *testing.T, conn *pgx.Conn, sql string, check func(*checks)) (all []string) {
	t.Helper()
	_, err := conn.Exec(t.Context(), "BEGIN; "+sql)
	require.NoError(t, err)
	check(&checks{ctx: t.Context(), conn: conn, broken: func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }})
	_, err = conn.Exec(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	return all
}

// What a receiver took, against what was announced in the order a, b.
func TestChecks_SeeOrderAtReceivers(t *testing.T) {
	url := pgtest.Copied(t, func(ctx context.Context, url string) error {
		return persistence.Migrate(ctx, url, persistence.Options{})
	})
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	watch(t.Context(), t, conn, 10)
	_, err = conn.Exec(t.Context(), tamper)
	require.NoError(t, err)
	for _, row := range []struct {
		took string
		well bool
	}{{"ab", true}, {"aab", true}, {"aba", true}, {"ba", false}, {"a", false}, {"abc", false}, {"", false}} {
		r := &receiver{id: "one", taken: map[string][]delivery{}}
		for _, id := range row.took {
			r.taken["l"] = append(r.taken["l"], delivery{string(id), "l", "lead.received"})
		}
		found := breaches(t, conn, "SELECT chaos.said(1, 'a', 'lead.received', 'l'), chaos.said(2, 'b', 'lead.received', 'l')", func(c *checks) { c.receiver(r) })
		require.Equal(t, row.well, len(found) == 0, "%s: %v", row.took, found)
	}
}
