package domain

import (
	"context"
	"time"
)

// MaxHits is the most hits of one Observation: what one request may carry.
const MaxHits = 50

// Observation is one step of a visitor's lane, in one commit: hits are kept as events (source PixelSource,
// Lead LeadOfVisitor, Effect Record), their visit is rewritten, links are learned, and the sightings that
// they owe to leads are put down. Hits that came together are one step: the visit is written once for all of
// them.
type Observation struct {
	Fence Fence // of the visitor's partition
	// Hits in the order they came, at most MaxHits, each with another ID. Empty when nothing was reported: an
	// answer came late, and earlier views are upgraded.
	Hits   []Hit
	Visit  Visit // after the step, Revision and EventSeq aside, which the store sets
	Expect int64 // revision the visit must have; 0: it must not exist
	// Basis is the revision of suppressions under which it was matched. If a newer one is in force nothing is
	// written: look again.
	Basis int64
	Learn []Link
	// Owed are in the order of their hits. N, EventSeq (of the hit with the sighting's EventID; without such a
	// hit the visit's) and Visit (the one above, but for EventSeq: the sighting's own) are the store's to set.
	Owed []Sighting
}

// Observed is what became of an observation. It is tried in this order: fence (ErrFenced), event keys
// (Duplicated if one of them was there), basis (Outdated), revision (Stale). Outcome is Done otherwise.
type Observed struct {
	Outcome Outcome
	Seqs    []int64 // of the events after Done, in the order of Hits
	Known   []bool  // for Duplicated: which of Hits were there; the others can be observed without them
	Visit   Visit   // after Done with its new revision, for Stale as it stands (zero Revision: it does not exist)
	Owed    []int64 // N of the sightings after Done, in their order
	Basis   int64   // the revision of suppressions in force
	Links   []Link  // as learned, with Seq
}

// Outcomes beside those of a Decision.
const (
	Duplicated Outcome = "duplicate" // an event's key was there: nothing was written
	Outdated   Outcome = "outdated"  // suppressions have changed since Basis: nothing was written
)

// Judgement settles sightings of one lead, in one commit.
type Judgement struct {
	Fence  Fence // of the lead's partition
	Lead   LeadKey
	Settle []int64      // N of the sightings; all have to be there
	Expect int64        // revision the acquaintance must have; 0: it must not exist
	Basis  int64        // as in Observation
	After  Acquaintance // after the step, Revision aside
	// Unmet leaves the acquaintance as it is, which may be that there is none: nobody may be remembered for what
	// these sightings say. After is then not written, and nothing is announced.
	Unmet bool
	// Announce are events that leave because of it; the store numbers them.
	Announce []Announcement
	// Enter is put among the pending events, to be decided like any lead's: the visitor enters a campaign. Its
	// Seq is that of the event the newest sighting came from. Nil: it does not.
	Enter *Pending
}

// Judged is what became of a judgement. It is tried in this order: fence (ErrFenced), sightings
// (AlreadyDecided when one of them is gone), basis (Outdated), revision (Stale).
type Judged struct {
	Outcome      Outcome
	Acquaintance Acquaintance   // after Done (zero if Unmet), and for Stale as it stands
	Announced    []Announcement // with Seq, after Done
	Basis        int64
}

// Lesson is links that no hit brought, in one commit: what a CRM's lead teaches.
type Lesson struct {
	Basis int64 // as in Observation
	Links []Link
}

// Learned is what became of a lesson: Done, or Outdated.
type Learned struct {
	Outcome Outcome
	Links   []Link // after Done, in the lesson's order, as they stand
}

// VisitStore is the part of Store that a pixel needs. Observe and Judge share the group commit with the
// rest of the traffic.
type VisitStore interface {
	Observe(ctx context.Context, o Observation) (Observed, error)
	Judge(ctx context.Context, j Judgement) (Judged, error)
	// Visit reads a visitor's row; NotFound when there is none.
	Visit(ctx context.Context, key VisitorKey) (Visit, error)
	// Acquaintance reads one; NotFound when there is none.
	Acquaintance(ctx context.Context, key LeadKey) (Acquaintance, error)
	// Owed lists sightings of the given partitions whose DueAt is at or before due and whose N is over after, by
	// N, at most limit.
	Owed(ctx context.Context, partitions []Partition, due time.Time, after int64, limit int) ([]Sighting, error)
	// Announcements lists an account's with Seq > after, by Seq, at most limit. One that is listed has none
	// before it that is not yet to be seen. Those of TestEvent are not listed.
	Announcements(ctx context.Context, account AccountID, after int64, limit int) ([]Announcement, error)
	// Links lists links with Seq > after, by Seq, at most limit, removed ones included, under the same promise. An
	// erased link is listed for a day, under a new Seq, with no more than its key.
	Links(ctx context.Context, after int64, limit int) ([]Link, error)
	// Learn keeps links that no hit brought; a link that is there already with the same person keeps its
	// Seq. The newest person of a key counts.
	Learn(ctx context.Context, l Lesson) (Learned, error)
	// VisitorsOf lists the visitors of an account that were resolved to any of the persons.
	VisitorsOf(ctx context.Context, account AccountID, persons []PersonID) ([]VisitorID, error)
	// VisitorsNaming lists the visitors of an account whose visit has one of the texts in it, as Names finds them:
	// whoever told a hash that nobody was found for. There is no index: it reads every visit of the account.
	VisitorsNaming(ctx context.Context, account AccountID, texts []string) ([]VisitorID, error)
	// ScanLeads lists an account's leads with ID > after, by ID, at most limit.
	ScanLeads(ctx context.Context, account AccountID, after LeadID, limit int) ([]Lead, error)
}

// SuppressionStore keeps what must not be identified, and who asked for what.
type SuppressionStore interface {
	// Suppress adds and removes suppressions (by ID) in one commit, with its audit entry, and returns the new
	// revision. What is there already is left as it is; when nothing changes the revision stays. Once it has
	// returned, no observation, judgement, lesson or decision of a pixel's event made before it can be committed
	// any more.
	Suppress(ctx context.Context, add []Suppression, remove []string, audit AuditEntry) (revision int64, err error)
	// SuppressionRevision reads just the revision, cheaply enough to ask every second.
	SuppressionRevision(ctx context.Context) (int64, error)
	// SuppressionsSince lists what was added or removed after a revision, by (Revision, ID), at most limit. With
	// an id, (revision, id) is the last one read: it goes on behind it, within its revision.
	SuppressionsSince(ctx context.Context, revision int64, id string, limit int) ([]Suppression, error)
	// Erase forgets a person: see Erasure. It may take seconds, and other writers are not held up by all of it.
	// The revision of suppressions rises in any case. Pending and held events and sightings are settled, and
	// acquaintances and announcements go whole, with their deliveries and receipts, so that nobody who has them in memory brings them back. After an
	// error, asking again finishes it.
	Erase(ctx context.Context, e Erasure) (Erased, error)
	// Audit lists entries with Seq < before (0: from the newest), newest first, at most limit; account "" lists
	// all.
	Audit(ctx context.Context, account AccountID, before int64, limit int) ([]AuditEntry, error)
	// Note adds an audit entry.
	Note(ctx context.Context, e AuditEntry) error
}

// APIKeyStore keeps the keys of /api/v1.
type APIKeyStore interface {
	// APIKeys lists all keys, by ID.
	APIKeys(ctx context.Context) ([]APIKey, error)
	// CreateAPIKey keeps a new key; Conflict when its ID is taken.
	CreateAPIKey(ctx context.Context, k APIKey, audit AuditEntry) error
	// RevokeAPIKey removes a key; NotFound when there is none.
	RevokeAPIKey(ctx context.Context, id string, audit AuditEntry) error
}
