package domain

import (
	"encoding/json"
	"time"
)

// Effect is what an event may do to its lead. The source's parser decides it from the event's type.
type Effect string

const (
	// Open may bring a lead into being: a contact or an opportunity was created or changed. An event
	// that changes a contact opens it too, because webhooks arrive out of order.
	Open Effect = "open"
	// Amend changes a lead that exists and is ignored for one that does not (a deletion, say).
	Amend Effect = "amend"
	// Record is kept, deduplicated and acknowledged, and concerns no lead.
	Record Effect = "record"
)

// Event is one inbound fact, verified, as its source sent it. (Account, Source, ID) is unique for as
// long as event keys are retained.
type Event struct {
	Account  AccountID
	Source   SourceID
	ID       EventID
	WeakID   bool   // the source sent no event id: ID is a hash of the content
	Type     string // the source's own word: "ContactCreate"
	Effect   Effect
	Lead     LeadID     // empty for Record
	Campaign CampaignID // where the lead is routed, as configured for the tenant's location
	// Contact is what this event says of the person, as JSON of Contact; "{}" when it says nothing.
	Contact json.RawMessage
	// Body is the request's body, byte for byte. It is kept as evidence and never parsed again.
	Body []byte
	// OccurredAt is the source's own time of the event; zero when it sent none. Never trusted for order.
	OccurredAt time.Time
	ReceivedAt time.Time
}

// Received is the store's answer to Receive.
type Received struct {
	// Duplicate: the key was there already. Nothing was written; the answer to the source is 200.
	Duplicate bool
	// Seq numbers the kept event within the store, rising with time but not gapless. 0 for a duplicate.
	Seq int64
}

// Pending is a kept event that still waits for its decision.
type Pending struct {
	Seq  int64
	Held bool // its lead was held: no buyer was eligible
	// Event without Body: a decision needs none.
	Event Event
}
