package embedded

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What every hit, every judgement and every second's look costs one or two descents of a tree, however much
// there is; what an erasure and a reader who goes on ask for follows an index.
func TestPlans_OfVisits(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), Options{}).Store.(*Store)
	const byKey = "SEARCH links USING INDEX sqlite_autoindex_links_1 (value=? AND kind=? AND account=?)"
	for _, row := range []struct{ sql, want string }{
		{sqlFindVisit, "SEARCH visits USING INDEX sqlite_autoindex_visits_1 (visitor=? AND account=?)"},
		{sqlVisit, "SEARCH visits USING INDEX sqlite_autoindex_visits_1 (visitor=? AND account=?)"},
		{sqlVisitorsOf, "SEARCH visits USING INDEX visits_by_person (person=?)"},
		{sqlFindSighting, "SEARCH sightings USING INTEGER PRIMARY KEY (rowid=?)"},
		{sqlOwed, "SEARCH sightings USING COVERING INDEX sightings_walk (n>?)"},
		{sqlSighting, "SEARCH sightings USING INTEGER PRIMARY KEY (rowid=?)"},
		{sqlAcquaintance, "SEARCH acquaintances USING INDEX sqlite_autoindex_acquaintances_1 (lead=? AND account=?)"},
		{sqlAnnouncements, "SEARCH announcements USING INDEX announcements_by_account (account=? AND rowid>?)"},
		{sqlAnnouncementsOfLead, "SEARCH announcements USING INDEX announcements_by_lead (lead=?)"},
		{sqlLinkOfKey, byKey},
		{sqlLinksOfPerson, "SEARCH links USING INDEX links_by_person (person=?)"},
		{sqlLinks, "SEARCH links USING INTEGER PRIMARY KEY (rowid>?)"},
		{sqlSuppressionsAfter, "SEARCH suppressions USING INDEX suppressions_by_revision (revision>?)"},
		{sqlSuppressionsOn, "SEARCH suppressions USING INDEX suppressions_by_revision ((revision,id)>(?,?))"},
		{sqlEventsOfLead, "SEARCH e USING INDEX events_by_lead (lead=?)"},
		{sqlFeedOfLead, "SEARCH e USING INDEX sqlite_autoindex_feed_events_1 (place>? AND place<?)"},
		{sqlAudit, "SEARCH audit USING INTEGER PRIMARY KEY (rowid<?)"},
		{sqlAuditAccount, "SEARCH audit USING INDEX audit_by_account (account=? AND rowid<?)"},
	} {
		plan := explain(t, s, row.sql)
		require.Contains(t, plan, row.want, row.sql)
		require.NotContains(t, strings.Join(plan, "\n"), "USE TEMP B-TREE", "nothing is gathered and sorted first: %s", row.sql)
	}
}
