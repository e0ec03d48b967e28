package domain

import (
	"context"
	"time"
)

// Store is the truth behind every actor. Each method is one business transaction: it happens whole or
// not at all, and repeating it after a lost answer changes nothing. Methods are safe for concurrent
// use; those that write traffic (Receive, Decide, RecordSeen) coalesce into group commits and answer
// Unavailable at once when the writer's queue is full.
//
// A write whose context ends before a commit has taken it up is passed over: Unavailable, and it will not happen. Once a
// commit has it, it happens whole, whoever still listens.
//
// Errors are *Error. Unavailable means "perhaps, try again": the caller may repeat the call with the
// same keys. ErrFenced means that the fence's epoch is not the partition's any more.
type Store interface {
	LeaseStore
	VisitStore
	SuppressionStore
	APIKeyStore
	DeliveryStore
	ReplayStore
	StatsStore

	// Receive keeps an event and reports whether its (Account, Source, ID) is new. Both answers
	// deserve a 200. A new event is pending until decided, unless its effect is Record.
	Receive(ctx context.Context, f Fence, e Event) (Received, error)
	// Decide settles a pending event: see Decision. It is tried in this order: fence (ErrFenced),
	// pending (AlreadyDecided), basis (Outdated), revision (Stale), cap (CapReached).
	Decide(ctx context.Context, d Decision) (Decided, error)
	// Admit is Receive with a decision riding along: if the event is new, d is tried in the same commit,
	// on this event, whatever d.EventSeq says. The event is kept in any case; when d cannot stand (Outdated,
	// Stale, CapReached) or was not tried (no outcome) it is pending as after Receive. f is the fence of both.
	// The effect must not be Record.
	Admit(ctx context.Context, f Fence, e Event, d Decision) (Admitted, error)
	// RecordSeen keeps what a dashboard reports. A repeat for the same (buyer, seq) is ignored: the
	// first report counts. It returns how many were new.
	RecordSeen(ctx context.Context, seen []Seen) (int, error)

	// Undecided lists pending events of the given partitions with Seq > after, by Seq, at most limit;
	// held says whether to list the held ones or the others. Listing all, page by page, costs about what
	// is there, not that times the pages.
	Undecided(ctx context.Context, partitions []Partition, held bool, after int64, limit int) ([]Pending, error)
	// Backlog measures what is pending in the whole store, cheaply enough to ask every second or two
	// however much there is.
	Backlog(ctx context.Context) (Backlog, error)
	// Lead reads one lead; NotFound when there is none.
	Lead(ctx context.Context, key LeadKey) (Lead, error)
	// BuyerLeads lists a buyer's leads, newest assignment first: those with AssignSeq < before
	// (0: from the newest), at most limit.
	BuyerLeads(ctx context.Context, key BuyerKey, before Seq, limit int) ([]Lead, error)
	// Feed lists a buyer's feed events with Seq > after, in order, at most limit.
	Feed(ctx context.Context, key BuyerKey, after Seq, limit int) ([]FeedEvent, error)
	// Heads reads how far feeds go, in the order asked for; a feed nobody wrote to is the zero Head.
	Heads(ctx context.Context, keys []BuyerKey) ([]Head, error)
	// Counts reads every buyer's assignment counter: at most one per buyer, of its latest day.
	Counts(ctx context.Context) ([]Count, error)

	// QueueWait is about how long a write would wait for its commit that was handed over now; 0 when nothing waits and
	// none is under way. It answers
	// from memory, for whoever can refuse work before it is begun.
	QueueWait() time.Duration
	// Epoch names this store's history: random at creation, and different in a backup's copy, so that
	// a place in a feed from another history is told apart. 8 hex digits.
	Epoch() string
	// TokenKey is the 32-byte key that signs buyers' tokens, made at creation and shared by all nodes.
	TokenKey(ctx context.Context) ([]byte, error)
	// Catalog reads the whole catalog; an empty store has an empty one with Revision 0.
	Catalog(ctx context.Context) (Catalog, error)
	// CatalogRevision reads just its revision, cheaply enough to ask every second.
	CatalogRevision(ctx context.Context) (int64, error)
	// ApplyCatalog replaces the catalog if its revision is still c.Revision, and returns the new
	// revision; Conflict when someone was first. It raises the revision of suppressions too: the catalog has
	// some of its own. The audit entries are in the same commit: there is no change without who made it.
	ApplyCatalog(ctx context.Context, c Catalog, audit ...AuditEntry) (int64, error)

	// Maintain prepares time partitions ahead of now and removes what retention no longer keeps, a
	// bounded amount per call; More says that calling again would remove more. A pending event is never
	// too old, with one exception: a Waiting lead that is removed takes the event it is held with along.
	Maintain(ctx context.Context, now time.Time, keep Retention) (Maintained, error)

	// Ping answers whether the store can be written to.
	Ping(ctx context.Context) error
	// Close stops taking work, finishes what is queued, and closes. Later calls answer Unavailable.
	Close() error
}

// BacklogLimit is how far pending events are counted: whoever sees so many needs no exact number, and
// counting a million every two seconds would itself slow down the way out.
const BacklogLimit = 100_000

// Backlog is what waits in the store. Counts are exact below BacklogLimit and stay at it from there on.
// Oldest* is the ReceivedAt of the event with the lowest Seq, whatever the count; zero when nothing
// waits. Seq is given in the order of commits, so ReceivedAt rises with it but for the milliseconds
// between a receipt and its commit, and the nodes' clocks.
type Backlog struct {
	Undecided       int
	OldestUndecided time.Time
	Held            int
	OldestHeld      time.Time
}

// Count is a buyer's assignment counter of one local day.
type Count struct {
	Account AccountID
	Buyer   BuyerID
	Day     string
	N       int
	Total   int64 // assignments ever
}

// Retention is how long things are kept. Zero fields take their default.
type Retention struct {
	Events     time.Duration // bodies of inbound events; default 30 days: evidence for a month of disputes
	Feed       time.Duration // feed events, traces and seen marks; default 30 days; older readers refetch
	Keys       time.Duration // event keys for dedupe; default 90 days: far beyond any source's last retry
	Leads      time.Duration // leads and acquaintances after their last change; default 400 days: a year and a season
	Visits     time.Duration // visits and learned links after their last change; default 400 days
	Announced  time.Duration // announcements, deliveries that have ended and their receipts; default 30 days
	BatchLimit int           // rows removed per table and call; default 5000
}

// WithDefaults fills zero fields.
func (r Retention) WithDefaults() Retention {
	const day = 24 * time.Hour
	for _, f := range []struct {
		to  *time.Duration
		def time.Duration
	}{{&r.Events, 30 * day}, {&r.Feed, 30 * day}, {&r.Keys, 90 * day}, {&r.Leads, 400 * day}, {&r.Visits, 400 * day}, {&r.Announced, 30 * day}} {
		if *f.to == 0 {
			*f.to = f.def
		}
	}
	if r.BatchLimit == 0 {
		r.BatchLimit = 5000
	}
	return r
}

// Maintained reports what Maintain did, by table.
type Maintained struct {
	Removed map[string]int64
	Dropped []string // time partitions dropped
	Created []string // time partitions made ahead
	More    bool
}
