package domain

import (
	"encoding/json"
	"time"
)

// LeadState is where a lead stands.
type LeadState string

const (
	Waiting  LeadState = "waiting"  // held: no buyer was eligible yet
	Assigned LeadState = "assigned" // has a buyer, for ever
)

// Lead is a person of interest to an account, as the store keeps it.
type Lead struct {
	Account    AccountID
	ID         LeadID
	State      LeadState
	Revision   int64 // 1 when it comes into being, one more with every change; guards read-modify-write
	Campaign   CampaignID
	Buyer      BuyerID         // empty while Waiting
	Contact    json.RawMessage // JSON of Contact, everything merged so far
	Source     SourceID
	HeldSeq    int64     // while Waiting: the pending event that waits with it, and goes with it (see Store.Maintain)
	EventSeq   int64     // the newest event (Received.Seq) that went into it; an older one that comes later must not overwrite what it says
	AssignSeq  Seq       // place of its lead.assigned in the buyer's feed; 0 while Waiting
	LastSeq    Seq       // place of its newest feed event
	ReceivedAt time.Time // of its first event
	AssignedAt time.Time // zero while Waiting
	UpdatedAt  time.Time
}

// Key is the lead's key.
func (l Lead) Key() LeadKey { return LeadKey{l.Account, l.ID} }

// Verb is what a decision does.
type Verb string

const (
	// Assign gives the lead to Buyer, counts it against the buyer's cap and writes lead.assigned to
	// its feed. Expect is 0 for a new lead, or the revision of a Waiting one. On a lead that has a buyer
	// it is Stale even with the right revision: a lead keeps its buyer.
	Assign Verb = "assign"
	// Update writes Contact to the lead; if the lead has a buyer, lead.updated goes to its feed.
	Update Verb = "update"
	// Hold brings a lead into being without a buyer. Its event stays pending, marked held. Expect is 0.
	Hold Verb = "hold"
	// Ignore settles an event and changes no lead: an Amend of one that does not exist (Expect is 0), or what
	// a pixel has found out of somebody who has objected since.
	Ignore Verb = "ignore"
)

// Decision settles one pending event. It is one transaction: the pending event is taken, the lead is
// written, the cap is counted, the feed event is appended and the trace is kept, or none of it. What writes
// the lead raises its EventSeq to EventSeq if that is newer, and never lowers it: an older event that was
// still pending is decided as well, by somebody who can see that it is older.
type Decision struct {
	Fence    Fence // of the lead's partition
	EventSeq int64 // the pending event it settles
	Verb     Verb
	Lead     LeadKey
	Expect   int64 // revision the lead must have; 0: it must not exist
	// Basis is as in Observation, for events of PixelSource: whoever was identified is asked about once more
	// when they are routed. An account's own leads are decided whatever is suppressed.
	Basis    int64
	Source   SourceID
	EventID  EventID
	Campaign CampaignID
	Contact  json.RawMessage // the lead's whole contact after this decision

	// For Assign.
	Buyer BuyerID
	Cap   int    // most assignments of Day; 0: no cap
	Day   string // the buyer's local day, "2026-11-22"; a day before the counter's counts as the counter's
	Trace json.RawMessage

	// Announce are events that leave because of it; they are written if the outcome is Done.
	Announce []Announcement

	ReceivedAt time.Time // of the event
	At         time.Time // of the decision
}

// Outcome is what became of a decision.
type Outcome string

const (
	Done           Outcome = "done"
	AlreadyDecided Outcome = "already_decided" // the event is no longer pending: nothing was written
	CapReached     Outcome = "cap_reached"     // the buyer's day is full: nothing was written; choose again
	Stale          Outcome = "stale"           // the lead's revision is not Expect, or Assign found a buyer: nothing was written; see Lead
)

// Decided is the store's answer to Decide.
type Decided struct {
	Outcome Outcome
	// Lead is the lead as it stands now: after Done, and for Stale (zero Revision: it does not exist).
	// After Done of Ignore it is zero.
	Lead Lead
	// Event is the feed event that was appended; zero Seq when none was (Hold, Ignore, Update of a
	// waiting lead).
	Event FeedEvent
	// Count is the buyer's assignments of Day, this one included; for CapReached, the count that is
	// full. Day is the counter's day.
	Count int
	Day   string
	// Announced are Decision.Announce after Done, with Seq and Deliveries.
	Announced []Announcement
}

// Admitted is the store's answer to Admit. Decided means nothing when the event was a duplicate.
type Admitted struct {
	Received Received
	Decided  Decided
}
