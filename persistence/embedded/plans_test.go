package embedded

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
)

// What is asked every two seconds, or page by page, costs what it answers with and not what there is:
// lists and the oldest go along the table's own order, and counts stop at their limit and read the
// narrow index where there may be many for long.
func TestPlans_OfWhatWaits(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{}).Store.(*Store)
	for _, held := range []bool{false, true} {
		table := pendingTable(held)
		count := "SCAN " + table
		if held {
			count += " USING COVERING INDEX held_events_by_partition"
		}
		for sql, want := range map[string]string{
			sqlUndecided: "SEARCH " + table + " USING INTEGER PRIMARY KEY (rowid>?)",
			sqlOldest:    "SCAN " + table,
			sqlCount:     count,
		} {
			plan := explain(t, s, fmt.Sprintf(sql, table))
			require.Contains(t, plan, want)
			require.NotContains(t, strings.Join(plan, "\n"), "USE TEMP B-TREE", "nothing is gathered and sorted first: %s", sql)
		}
	}
}

func explain(t *testing.T, s *Store, sql string) (plan []string) {
	t.Helper()
	require.NoError(t, s.read(t.Context(), "explain", func(c *sqlite.Conn) error {
		return query(c, "EXPLAIN QUERY PLAN "+sql, func(s *sqlite.Stmt) { plan = append(plan, s.ColumnText(3)) })
	}))
	return plan
}
