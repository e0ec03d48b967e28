package domain

import (
	"context"
	"time"
)

// DeliveryStore is the part of Store that endpoints need. Deliveries come into being with the announcement that
// owes them (Announcement.Owed), in its commit. RecordAttempt shares the group commit with the rest of the traffic.
type DeliveryStore interface {
	// RecordAttempt keeps a receipt and moves its delivery on, in one commit:
	//
	//	State pending    Revision, Attempts + 1; DueAt = NextAt; FirstAt and FailedAt with the first; when
	//	                 ReleaseAt is given, those of the lead behind it (of a higher N) that have no DueAt get it
	//	State ended      Revision, Attempts + 1; EndedAt; the next pending one of the lead is no longer behind, and
	//	                 due at EndedAt if it had no DueAt or a later one while behind
	//	in any case      the endpoint's FailingSince, SucceededAt, DisabledAt and Told follow; Announce leaves
	RecordAttempt(ctx context.Context, a Attempted) (AttemptRecorded, error)
	// KeepTest keeps a test event that was sent beside the queue: its announcement, of TestEvent and owed to one endpoint, a
	// delivery that has ended with its one attempt (exhausted when the receipt has an Error), the receipt, and the audit
	// entry, in one commit. Whatever is owed to the endpoint, and its state, stay as they are; one that was never owed
	// anything is known from then on. A test that is kept already, by the announcement's ID, is answered as it is.
	KeepTest(ctx context.Context, a Announcement, r Receipt, audit AuditEntry) (Delivery, error)
	// Due reads the head of an endpoint's queue at a time: at most limit deliveries of each class. Those of except, by N,
	// are passed over as if they were not there: whoever sends them has them. It looks at some hundreds.
	Due(ctx context.Context, key EndpointKey, now time.Time, limit int, except ...int64) (Due, error)
	// Owing lists endpoints of the given partitions with pending deliveries, disabled ones included, with N over
	// after, at most limit. N numbers endpoints within the store; DueAt is the earliest, zero when all are behind.
	Owing(ctx context.Context, partitions []Partition, after int64, limit int) ([]Owing, error)

	// Delivery reads one with its payload; NotFound when the account has none with that number.
	Delivery(ctx context.Context, account AccountID, n int64) (Delivery, error)
	// Deliveries lists an account's with N < before (0: from the newest), newest first, at most limit, without
	// payloads.
	Deliveries(ctx context.Context, account AccountID, f DeliveryFilter, before int64, limit int) ([]Delivery, error)
	// Receipts lists a delivery's, oldest first, at most limit; NotFound as with Delivery.
	Receipts(ctx context.Context, account AccountID, n int64, limit int) ([]Receipt, error)
	// Queue describes an endpoint's queue.
	Queue(ctx context.Context, key EndpointKey) (QueueFigures, error)
	// EndpointState reads one; the zero state with the key when it was never owed anything.
	EndpointState(ctx context.Context, key EndpointKey) (EndpointState, error)

	// Replay owes a delivery's event to its endpoint once more, as a new delivery of ClassReplay, with its audit
	// entry. It keeps the order of its lead like any other. Conflict when the delivery is still pending, or was a test: it is about nobody, and another can be sent.
	Replay(ctx context.Context, account AccountID, n int64, at time.Time, audit AuditEntry) (Delivery, error)
	// Hasten makes a pending delivery due at once, whatever it waits for but its order: one that is behind and was
	// never tried stays as it is. Conflict when it has ended.
	Hasten(ctx context.Context, account AccountID, n int64, at time.Time, audit AuditEntry) (Delivery, error)
	// Cancel ends a pending delivery. Conflict when it has ended.
	Cancel(ctx context.Context, account AccountID, n int64, at time.Time, audit AuditEntry) (Delivery, error)
	// EnableEndpoint takes back that an endpoint is disabled, and forgets since when it fails. Told stays: the next attempt
	// says how it is.
	EnableEndpoint(ctx context.Context, key EndpointKey, audit AuditEntry) error

	// Secrets lists an endpoint's, newest first.
	Secrets(ctx context.Context, key EndpointKey) ([]Secret, error)
	// PutSecrets replaces an endpoint's if it has those of expect (by ID, in any order); Conflict otherwise.
	PutSecrets(ctx context.Context, key EndpointKey, expect []string, secrets []Secret, audit AuditEntry) error
	// AllSecrets lists those of all endpoints, by endpoint, for a new master key.
	AllSecrets(ctx context.Context) ([]Secret, error)
}

// Owing is an endpoint that has pending deliveries.
type Owing struct {
	N     int64
	Key   EndpointKey
	DueAt time.Time
}
