package embedded

import (
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"
)

// stmts are the writer's statements, prepared once: finding one by its text costs as much as some of
// them take to run. Parameters are positional, in the order of the columns written beside them.
type stmts struct {
	stmtBegin, stmtCommit, stmtRollback *sqlite.Stmt

	insertKey, insertEvent, insertPending   *sqlite.Stmt
	findPending, findHeld                   *sqlite.Stmt
	deletePending, deleteHeld, movePending  *sqlite.Stmt
	findLead, insertLead, updateLead        *sqlite.Stmt
	findFeed, insertFeed, updateFeed        *sqlite.Stmt
	insertFeedEvent, insertSeen, readEpochs *sqlite.Stmt

	insertHit                                                *sqlite.Stmt
	findVisit, insertVisit, updateVisit, updateVisitor       *sqlite.Stmt
	findLink, insertLink                                     *sqlite.Stmt
	insertSighting, findSighting, deleteSighting             *sqlite.Stmt
	findAcquaintance, insertAcquaintance, updateAcquaintance *sqlite.Stmt
	insertAnnouncement                                       *sqlite.Stmt

	findEndpoint, insertEndpoint, readEndpoint, updateEndpoint *sqlite.Stmt
	findHead, findDelivery, insertDelivery                     *sqlite.Stmt
	retryDelivery, releaseBehind, endDelivery, promoteDelivery *sqlite.Stmt
	insertReceipt                                              *sqlite.Stmt
}

const pendingColumns = `seq, p, account, source, event_id, weak_id, type, effect, lead, campaign, contact, occurred_at, received_at`

// leadColumns are in the order scanLead reads them; the buyer's name comes from the feed.
const leadColumns = `l.n, l.account, l.id, l.revision, coalesce(f.buyer, ''), coalesce(l.place, 0), l.last_seq, l.held_seq,
	l.event_seq, l.campaign, l.source, l.received_at, l.assigned_at, l.updated_at, l.contact`

const (
	sqlFindVisit    = `SELECT n, revision, event_seq, person FROM visits WHERE visitor = ? AND account = ?`
	sqlFindSighting = `SELECT 1 FROM sightings WHERE n = ? AND lead = ? AND account = ?`
)

func (t *tx) prepare() error {
	for _, p := range []struct {
		stmt **sqlite.Stmt
		sql  string
	}{
		{&t.stmtBegin, `BEGIN IMMEDIATE`},
		{&t.stmtCommit, `COMMIT`},
		{&t.stmtRollback, `ROLLBACK`},

		{&t.insertKey, `INSERT INTO event_keys (account, source, event_id, received_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`},
		{&t.insertEvent, `INSERT INTO events (seq, received_at, occurred_at, type, effect, lead, body) VALUES (?, ?, ?, ?, ?, ?, ?)`},
		{&t.insertPending, `INSERT INTO pending_events (` + pendingColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&t.findPending, `SELECT 1 FROM pending_events WHERE seq = ?`},
		{&t.findHeld, `SELECT 1 FROM held_events WHERE seq = ?`},
		{&t.deletePending, `DELETE FROM pending_events WHERE seq = ?`},
		{&t.deleteHeld, `DELETE FROM held_events WHERE seq = ?`},
		{&t.movePending, `INSERT INTO held_events (` + pendingColumns + `) SELECT ` + pendingColumns + ` FROM pending_events WHERE seq = ?`},

		{&t.findLead, `SELECT ` + leadColumns + ` FROM leads l LEFT JOIN feeds f ON f.id = l.place >> 40 WHERE l.account = ? AND l.id = ?`},
		{&t.insertLead, `INSERT INTO leads (account, id, revision, place, last_seq, held_seq, event_seq, campaign, source,
			received_at, assigned_at, updated_at, contact) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&t.updateLead, `UPDATE leads SET revision = ?, place = ?, last_seq = ?, held_seq = ?, event_seq = ?, campaign = ?,
			assigned_at = ?, updated_at = ?, contact = ? WHERE n = ?`},

		{&t.findFeed, `SELECT id, head, day, day_count, total FROM feeds WHERE account = ? AND buyer = ?`},
		{&t.insertFeed, `INSERT INTO feeds (account, buyer, head, floor, day, day_count, total) VALUES (?, ?, 0, 0, '', 0, 0)`},
		{&t.updateFeed, `UPDATE feeds SET head = ?, day = ?, day_count = ?, total = ? WHERE id = ?`},
		{&t.insertFeedEvent, `INSERT INTO feed_events (place, type, lead, campaign, source, event_id, received_at, decided_at,
			contact, trace) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},

		{&t.insertSeen, `INSERT INTO seen (place, client_received_at, rendered_at, reported_at)
			SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM feed_events WHERE place = ?1) ON CONFLICT DO NOTHING`},
		{&t.readEpochs, `SELECT p, epoch FROM partitions`},

		{&t.insertHit, `INSERT INTO events (seq, received_at, occurred_at, type, effect, lead, body, prev) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`},
		{&t.stmts.findVisit, sqlFindVisit},
		{&t.insertVisit, `INSERT INTO visits (account, visitor, person, born_at, revision, event_seq, updated_at, visit) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`},
		{&t.updateVisit, `UPDATE visits SET revision = ?, event_seq = ?, updated_at = ?, visit = ? WHERE n = ?`},
		{&t.updateVisitor, `UPDATE visits SET person = ?, revision = ?, event_seq = ?, updated_at = ?, visit = ? WHERE n = ?`},
		{&t.findLink, sqlLinkOfKey},
		{&t.insertLink, `INSERT OR REPLACE INTO links (account, kind, value, person, origin, at, removed) VALUES (?, ?, ?, ?, ?, ?, ?)`},
		{&t.insertSighting, `INSERT INTO sightings (p, due_at, account, lead, visitor, revision, event_seq, spec, visit) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&t.findSighting, sqlFindSighting},
		{&t.deleteSighting, `DELETE FROM sightings WHERE n = ?`},
		{&t.findAcquaintance, sqlAcquaintance},
		{&t.insertAcquaintance, `INSERT INTO acquaintances (account, lead, born_at, revision, updated_at, spec) VALUES (?, ?, ?, ?, ?, ?)`},
		{&t.updateAcquaintance, `UPDATE acquaintances SET revision = ?, updated_at = ?, spec = ? WHERE n = ?`},
		{&t.insertAnnouncement, `INSERT INTO announcements (account, type, lead, pixel, id, at, payload) VALUES (?, ?, ?, ?, ?, ?, ?)`},

		{&t.findEndpoint, sqlFindEndpoint},
		{&t.insertEndpoint, `INSERT INTO endpoints (account, endpoint, p, revision, disabled_at, reason, failing_since, succeeded_at)
			VALUES (?, ?, ?, 1, 0, '', 0, 0)`},
		{&t.readEndpoint, `SELECT revision, disabled_at, reason, failing_since, succeeded_at, told FROM endpoints WHERE n = ?`},
		{&t.updateEndpoint, `UPDATE endpoints SET revision = ?, disabled_at = ?, reason = ?, failing_since = ?, succeeded_at = ?, told = ? WHERE n = ?`},
		{&t.findHead, sqlFindHead},
		{&t.findDelivery, sqlFindDelivery},
		{&t.insertDelivery, `INSERT INTO deliveries (endpoint, announcement, lead, class, replay, behind, owed_at, due_at,
			state, revision, attempts, first_at, failed_at, release_at, ended_at, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 1, 0, 0, 0, 0, 0, '')`},
		// One names state and the other does not: an index is touched when a column of it is named.
		{&t.retryDelivery, `UPDATE deliveries SET class = ?, revision = ?, attempts = ?, due_at = ?, first_at = ?, failed_at = ?,
			release_at = ?, reason = ? WHERE n = ?`},
		{&t.endDelivery, `UPDATE deliveries SET state = ?, revision = ?, behind = 0, attempts = ?, due_at = 0, first_at = ?,
			failed_at = ?, ended_at = ?, reason = ? WHERE n = ?`},
		{&t.releaseBehind, sqlReleaseBehind},
		{&t.promoteDelivery, `UPDATE deliveries SET behind = 0, due_at = ? WHERE n = ?`},
		{&t.insertReceipt, `INSERT INTO receipts (place, at, status, error, spec, body) VALUES (?, ?, ?, ?, ?, ?)`},
	} {
		s, err := t.conn.Prepare(p.sql)
		if err != nil {
			return fmt.Errorf("prepare %.40q: %w", strings.TrimSpace(p.sql), err)
		}
		*p.stmt = s
	}
	return nil
}
