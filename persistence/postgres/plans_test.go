package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

// Every statement of the write path, and every read that a request waits for, finds its rows by index,
// however big the tables are: none reads a table whole, joins a table by hashing all of it, or compares
// each row of a batch with each.
//
// Plans are made once and kept, so they are looked at in both states they can be made in: on a store
// just created, which the planner knows nothing of, and on a grown and analysed one.
func TestPlans_UseIndexes(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]string{"newborn": "SELECT 1", "grown": grow} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, pgtest.Fresh(t), Options{})
			conn, err := s.readers.Acquire(t.Context())
			require.NoError(t, err)
			defer conn.Release()
			_, err = conn.Exec(t.Context(), "SET statement_timeout = 0")
			require.NoError(t, err)
			_, err = conn.Conn().PgConn().Exec(t.Context(), prepare).ReadAll()
			require.NoError(t, err)
			for statement, sql := range planned {
				found := explain(t, conn.Conn(), sql)
				problems := problems(found)
				if inOrder[statement] {
					problems = append(problems, gathers(found)...)
				}
				if index := findsBy[statement]; index != "" && !uses(found, index) {
					problems = append(problems, "does not use "+index)
				}
				for _, problem := range problems {
					t.Errorf("%s: %s", statement, problem)
				}
			}
		})
	}
}

var planned = map[string]string{
	"lock partitions": sqlLockPartitions, "lock leads": sqlLockLeads, "lock feeds": sqlLockFeeds,
	"receive": sqlReceive, "decide": sqlDecide, "seen": sqlSeen,
	"undecided": sqlUndecided, "backlog": sqlBacklog, "buyer's leads": sqlBuyerLeads, "feed": sqlFeed, "heads": sqlHeads, "lead": sqlLead,

	"lock basis": sqlLockBasis, "lock heads": sqlLockHeads, "observe": sqlObserve, "give back": sqlGiveBack, "learn": sqlLearn, "judge": sqlJudge,
	"decide, announcing": sqlDecideAnnouncing, "visit": sqlVisit, "acquaintance": sqlAcquaintance, "owed": sqlOwed, "visitors of": sqlVisitorsOf,
	"announcements": sqlAnnouncements, "links": sqlLinks, "scan leads": sqlScanLeads, "suppressions since": sqlSuppressionsSince, "basis": sqlBasis,

	"lock endpoints": sqlLockEndpoints, "decide, owing": sqlDecideOwing, "judge, owing": sqlJudgeOwing, "attempt": sqlAttempt, "attempt, owing": sqlAttemptOwing,
	"due": sqlDueDeliveries, "owing": sqlOwing, "queue": sqlQueue, "endpoint": sqlEndpointState, "secrets": sqlSecrets,
	"delivery": sqlDelivery, "delivery exists": sqlDeliveryExists, "receipts": sqlReceipts,
	"deliveries": sqlDeliveries, "deliveries by lead": sqlDeliveriesByLead + newestFirst, "deliveries by event": sqlDeliveriesByEvent + newestFirst,

	"test kept": sqlTestKept, "keep test": sqlKeepTest,
	"replayable": sqlReplayable, "count a replay": sqlReplayCount, "owe again": sqlOweAgain, "replaying": sqlReplaying, "replay": sqlReplay, "replays": sqlReplays,

	"keep stats": sqlKeepStats, "stats": sqlStats,
}

// inOrder are the statements whose rows come out of the index as they are wanted. A hundred thousand
// events may wait for a buyer, and a page of them must not cost a look at each.
var inOrder = map[string]bool{"undecided": true, "backlog": true, "announcements": true, "links": true, "scan leads": true, "suppressions since": true, "stats": true}

// findsBy are statements for which any index will not do: of what is owed, little is due.
var findsBy = map[string]string{
	"owed": "sightings_due", "visitors of": "visits_of_person",
	"due": "pending_deliveries_due", "decide, owing": "pending_deliveries_line", "judge, owing": "pending_deliveries_line", "attempt": "pending_deliveries_line",
	"owing": "pending_deliveries_due", "queue": "pending_deliveries_of_endpoint", "deliveries": "deliveries_of_endpoint",
	"deliveries by lead": "deliveries_of_announcement", "deliveries by event": "deliveries_of_announcement",
	"replayable": "deliveries_of_endpoint", "count a replay": "deliveries_of_endpoint", "owe again": "pending_deliveries_line", "replaying": "pending_deliveries_due",
}

func uses(p plan, index string) bool {
	return p.Index == index || slices.ContainsFunc(p.Plans, func(child plan) bool { return uses(child, index) })
}

// gathers lists what collects rows before the first one is given out.
func gathers(p plan) (found []string) {
	if strings.Contains(p.Kind, "Sort") || strings.HasPrefix(p.Kind, "Bitmap") {
		found = append(found, "gathers by "+p.Kind+" "+p.Relation)
	}
	for _, child := range p.Plans {
		found = append(found, gathers(child)...)
	}
	return found
}

// grow fills the tables as a few weeks would, and tells the planner.
const grow = `
INSERT INTO feeds (account, buyer) SELECT 'acme', 'buyer-' || n FROM generate_series(1, 5000) n;
INSERT INTO event_keys SELECT md5(n::text)::uuid, n, now() FROM generate_series(1, 100000) n;
INSERT INTO events SELECT n, now() - n % 3 * interval '6 hours', 'acme', 'ghl', 'e' || n, false, '', 'open', 'l' || n, '', '', '', null, 0 FROM generate_series(1, 60000) n;
INSERT INTO pending_events SELECT n % 256, n % 2 = 0, n, now() FROM generate_series(1, 60000) n;
INSERT INTO leads SELECT 'acme', 'l' || n, 'assigned', 1, '', 'buyer-' || n % 5000, '', '', 0, n, n, n, now(), now(), now(), 0 FROM generate_series(1, 100000) n;
INSERT INTO feed_events SELECT 'acme', 'buyer-' || n % 5000, n, now() - n % 3 * interval '6 hours', '', '', '', '', '', n, '', now(), null, null, null, null, 0 FROM generate_series(1, 60000) n;
INSERT INTO seen SELECT account, buyer, seq, decided_at, null, null, now(), 0 FROM feed_events;
INSERT INTO heads SELECT 'account-' || n, 0 FROM generate_series(1, 1000) n;
INSERT INTO visits SELECT 'acme', 'v' || n, 1, n, 'p' || n % 50000, now(), '{}', 0 FROM generate_series(1, 100000) n;
INSERT INTO sightings SELECT n, n % 256, now() + n * interval '1 s', 'acme', 'v' || n, 'l' || n, n, 1, '{}', '{}', 0 FROM generate_series(1, 60000) n;
INSERT INTO acquaintances SELECT 'acme', 'l' || n, 1, now(), '{}', 0 FROM generate_series(1, 100000) n;
INSERT INTO links SELECT 'acme', 'click', 'c' || n, n, 'p' || n % 50000, 'identify', now() FROM generate_series(1, 100000) n;
INSERT INTO announcements SELECT 'acme', n, now() - n % 3 * interval '6 hours', 'a' || n, '', 'l' || n, '', '{}', 0 FROM generate_series(1, 60000) n;
INSERT INTO suppressions SELECT 's' || n, n / 100, false, '{}' FROM generate_series(1, 60000) n;
INSERT INTO endpoints (account, endpoint, partition, revision) SELECT 'acme', 'endpoint-' || n, n % 256, 1 FROM generate_series(1, 1000) n;
INSERT INTO pending_deliveries SELECT n, CASE WHEN n % 10 > 0 THEN 1 ELSE n % 1000 END, 'acme', n, now(), 'l' || n % 20000, n % 4, false, 1, n > 20000, 0, now(), now() + n * interval '1 s', null, null, null, '', 0 FROM generate_series(1, 60000) n;
INSERT INTO deliveries SELECT 100000 + n, n % 1000, 'acme', n % 60000, now(), 'l' || n % 20000, 0, false, 1 + (n % 50 = 0)::int, 2, 1, now(), now(), null, null, now(), '', 0 FROM generate_series(1, 100000) n;
INSERT INTO receipts SELECT 100000 + n, 1, 'acme', now() - n % 3 * interval '6 hours', 200, '', '{}', '' FROM generate_series(1, 60000) n;
INSERT INTO secrets SELECT 'acme', 'endpoint-' || n, '[]' FROM generate_series(1, 1000) n;
INSERT INTO replays (account, endpoint, states, state, expected, cursor, upto, made_at, made_by) SELECT 'acme', 'endpoint-' || n % 1000, '{2}', (n > 1000)::int, 1, 0, 1, now(), '' FROM generate_series(1, 10000) n;
INSERT INTO stats SELECT 'acme', 'endpoint-' || n % 100, '', 60, now() - n / 100 * interval '1 min', 'a', '{}' FROM generate_series(1, 60000) n;
ANALYZE stats, endpoints, pending_deliveries, deliveries, receipts, secrets, replays, heads, visits, sightings, acquaintances, links, announcements, suppressions, store, feeds, event_keys, events, pending_events, leads, feed_events, seen, partitions`

// explain plans a statement as the server does for the store: once, for any arguments.
func explain(t *testing.T, conn *pgx.Conn, sql string) plan {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	name := "planned_" + fmt.Sprint(len(sql))
	_, err := conn.PgConn().Exec(ctx, "PREPARE "+name+" AS "+sql).ReadAll()
	require.NoError(t, err)
	var types []string
	require.NoError(t, conn.QueryRow(ctx, `SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = $1`, name).Scan(&types))
	args := make([]string, len(types))
	for i, kind := range types {
		args[i] = argument(kind)
	}
	given := ""
	if len(args) > 0 {
		given = "(" + strings.Join(args, ", ") + ")"
	}
	result, err := conn.PgConn().Exec(ctx, fmt.Sprintf("EXPLAIN (FORMAT JSON) EXECUTE %s %s; DEALLOCATE %s", name, given, name)).ReadAll()
	require.NoError(t, err)
	var plans []struct{ Plan plan }
	require.NoError(t, json.Unmarshal(result[0].Rows[0][0], &plans))
	return plans[0].Plan
}

// argument is a value of a type, arrays with 200 different elements.
func argument(kind string) string {
	one := func(kind string, n int) string {
		switch kind {
		case "uuid":
			return uuid.NewString()
		case "bytea":
			return ""
		case "boolean":
			return "f"
		case "timestamp with time zone":
			return time.Now().Format(time.RFC3339)
		}
		return fmt.Sprint(n)
	}
	element, many := strings.CutSuffix(kind, "[]")
	if !many {
		return fmt.Sprintf("'%s'::%s", one(kind, 7), kind)
	}
	all := make([]string, 200)
	for n := range all {
		all[n] = `"` + one(element, n) + `"`
	}
	return fmt.Sprintf("'{%s}'::%s", strings.Join(all, ","), kind)
}

type plan struct {
	Kind     string `json:"Node Type"`
	Role     string `json:"Parent Relationship"`
	Relation string `json:"Relation Name"`
	Index    string `json:"Index Name"`
	Cond     string `json:"Index Cond"`
	Filter   string `json:"Join Filter"`
	Plans    []plan
}

// child is one side of a join.
func (p plan) child(role string) plan {
	for _, c := range p.Plans {
		if c.Role == role {
			return c
		}
	}
	return plan{}
}

// problems lists what would make the plan slower as tables or batches grow.
func problems(p plan) (found []string) {
	small := p.Relation == "partitions" // 256 rows, for ever
	switch {
	case p.Kind == "Seq Scan" && !small:
		found = append(found, "reads "+p.Relation+" whole")
	case strings.HasPrefix(p.Kind, "Index") && p.Cond == "" && !small:
		found = append(found, "walks all of "+p.Index)
	case p.Kind == "Nested Loop" && p.child("Inner").Kind == "CTE Scan":
		found = append(found, "compares each row of the batch with each: "+p.Filter)
	case (p.Kind == "Hash Join" || p.Kind == "Merge Join") && readsTable(p.child("Outer")) && readsTable(p.child("Inner")):
		found = append(found, "joins tables by "+p.Kind)
	}
	for _, child := range p.Plans {
		found = append(found, problems(child)...)
	}
	return found
}

func readsTable(p plan) bool {
	if p.Relation != "" && p.Relation != "partitions" {
		return true
	}
	for _, child := range p.Plans {
		if readsTable(child) {
			return true
		}
	}
	return false
}

// The check itself sees what it is for.
func TestPlans_TheCheckSeesABadPlan(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.Fresh(t), Options{})
	conn, err := s.readers.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	for want, sql := range map[string]string{
		"reads leads whole": `SELECT 1 FROM leads WHERE contact = $1::bytea`,
		"compares each row": `WITH a AS MATERIALIZED (SELECT * FROM unnest($1::bigint[]) a (x) WHERE x > 7), b AS MATERIALIZED (SELECT * FROM unnest($1::bigint[]) b (y) WHERE y > 7)
			SELECT 1 FROM a JOIN b ON a.x <> b.y`,
	} {
		require.Contains(t, strings.Join(problems(explain(t, conn.Conn(), sql)), "\n"), want)
	}
	unordered := explain(t, conn.Conn(), `SELECT 1 FROM pending_events WHERE NOT held AND seq > $1::bigint ORDER BY received_at LIMIT 9`)
	require.NotEmpty(t, gathers(unordered))
}
