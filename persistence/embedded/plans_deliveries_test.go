package embedded

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A dead endpoint may have a million deliveries waiting. Whatever is asked of its queue goes straight to the
// beginning of a range, in the order in which it is wanted.
func TestPlans_OfDeliveries(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{}).Store.(*Store)
	const (
		byNumber       = "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)"
		byAnnouncement = "SEARCH d USING INDEX deliveries_by_announcement (announcement=?)"
		oneEndpoint    = "SEARCH endpoints USING INDEX sqlite_autoindex_endpoints_1 (account=? AND endpoint=?)"
	)
	for _, row := range []struct{ sql, want string }{
		{sqlDue, "SEARCH deliveries USING COVERING INDEX deliveries_due (endpoint=? AND class=? AND due_at<?)"},
		{sqlNextDue, "SEARCH deliveries USING COVERING INDEX deliveries_due (endpoint=? AND class=? AND due_at>?)"},
		{sqlFindHead, "SEARCH deliveries USING INDEX deliveries_line (endpoint=? AND lead=?)"},
		{sqlReleaseBehind, "SEARCH deliveries USING INDEX deliveries_line (endpoint=? AND lead=? AND n>?)"},
		{sqlOwing, "SEARCH e USING INTEGER PRIMARY KEY (rowid>?)"},
		{sqlOwing, "SEARCH d USING COVERING INDEX deliveries_due (endpoint=? AND class=?)"},
		{sqlCountQueue, "SEARCH deliveries USING COVERING INDEX deliveries_by_endpoint (endpoint=? AND state=?)"},
		{sqlOldestQueue, "SEARCH deliveries USING COVERING INDEX deliveries_by_endpoint (endpoint=? AND state=?)"},
		{sqlDeliveriesOf, "SEARCH deliveries USING COVERING INDEX deliveries_by_endpoint (endpoint=? AND state=? AND n<?)"},
		{sqlFindDelivery, "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)"},
		{sqlDelivery, byNumber},
		{sqlDeliveryWhole, byNumber},
		{sqlDeliveryAccount, byNumber},
		{sqlDeliveriesByLead, byAnnouncement},
		{sqlDeliveriesByLead, "SEARCH a USING INDEX announcements_by_lead (lead=?)"},
		{sqlDeliveriesByEvent, byAnnouncement},
		{sqlDeliveriesByEvent, "SEARCH a USING INDEX announcements_by_id (id=?)"},
		{sqlDeliveriesOfAnnouncement, "SEARCH deliveries USING INDEX deliveries_by_announcement (announcement=?)"},
		{sqlTestKept, "SEARCH d USING COVERING INDEX deliveries_by_announcement (announcement=?)"},
		{sqlTestKept, "SEARCH a USING INDEX announcements_by_id (id=?)"},
		{sqlOldAnnouncements, "SEARCH announcements USING INTEGER PRIMARY KEY (rowid>?)"},
		{sqlReceipts, "SEARCH receipts USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		{sqlRemoveReceipts, "SEARCH receipts USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		{sqlFindEndpoint, "SEARCH endpoints USING COVERING INDEX sqlite_autoindex_endpoints_1 (account=? AND endpoint=?)"},
		{sqlEndpointState, oneEndpoint},
		{sqlEndpointsOf, "SEARCH endpoints USING COVERING INDEX sqlite_autoindex_endpoints_1 (account=?)"},
		{sqlReplayable, "SEARCH d USING INDEX deliveries_by_endpoint (endpoint=? AND state=? AND n>? AND n<?)"},
		{sqlReplayable, "SEARCH a USING INTEGER PRIMARY KEY (rowid=?)"},
		{sqlReplayable, "SEARCH l USING INDEX deliveries_by_announcement (announcement=? AND rowid>?)"},
		{sqlReplayCount, "SEARCH d USING INDEX deliveries_by_endpoint (endpoint=? AND state=? AND n>? AND n<?)"},
		{sqlLater, "SEARCH deliveries USING INDEX deliveries_by_announcement (announcement=? AND rowid>?)"},
		{sqlReplaying, "SEARCH d USING COVERING INDEX deliveries_due (endpoint=? AND class=?)"},
		{sqlReplaysOfAccount, "SEARCH replays USING INDEX replays_of_account (account=? AND n<?)"},
		{sqlRunning, "SEARCH replays USING COVERING INDEX replays_running (account=? AND endpoint=?)"},
		{sqlSecrets, "SEARCH secrets USING PRIMARY KEY (account=? AND endpoint=?)"},
		{sqlStats, "SEARCH stats USING INDEX sqlite_autoindex_stats_1 (account=? AND endpoint=? AND tier=? AND span=? AND (at,writer)>(?,?) AND at<?)"},
		{sqlOldStats, "SEARCH stats USING COVERING INDEX stats_by_age (span=? AND at<?)"},
	} {
		plan := explain(t, s, row.sql)
		require.Contains(t, plan, row.want, row.sql)
		require.NotContains(t, strings.Join(plan, "\n"), "USE TEMP B-TREE", "nothing is gathered and sorted first: %s", row.sql)
	}
}
