package domain

import (
	"encoding/json"
	"time"
)

// DeliveryState is where a delivery stands. All but DeliveryPending are for ever.
type DeliveryState string

const (
	DeliveryPending    DeliveryState = "pending"
	DeliveryDelivered  DeliveryState = "delivered"
	DeliveryExhausted  DeliveryState = "exhausted"  // given up at its terminal time, with the last response as its reason
	DeliverySuppressed DeliveryState = "suppressed" // its person was suppressed before it was sent
	DeliveryCancelled  DeliveryState = "cancelled"  // by somebody
)

// DeliveryStates lists every state.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{DeliveryPending, DeliveryDelivered, DeliveryExhausted, DeliverySuppressed, DeliveryCancelled}
}

// Class says who goes first among what is due. Of equal classes the older goes first.
type Class uint8

const (
	ClassFirst  Class = iota // a first match, a lead received or assigned
	ClassUpdate              // an update of somebody known; of operational events, a delivery's end
	ClassRetry               // whatever has failed before
	ClassReplay              // sent again because somebody asked for it
)

// Classes is how many there are.
const Classes = 4

// ClassOf is the class of an announcement's first attempt.
func ClassOf(t AnnouncementType) Class {
	if t == VisitorUpdatedEvent || t == LeadUpdatedEvent || t == DeliveryExhaustedEvent {
		return ClassUpdate
	}
	return ClassFirst
}

// Trigger is why an attempt is made.
type Trigger string

const (
	TriggerFirst  Trigger = "first"
	TriggerRetry  Trigger = "retry"
	TriggerManual Trigger = "manual" // somebody asked for it before it was due
	TriggerReplay Trigger = "replay"
	TriggerTest   Trigger = "test"
	TriggerProbe  Trigger = "probe" // the one attempt that finds out whether a failing endpoint is back
)

// Owed is an announcement's claim on an endpoint: it becomes a Delivery in the commit of the announcement.
type Owed struct {
	Endpoint  EndpointID
	Partition Partition // of the endpoint's actor
	Class     Class
}

// Delivery is one event owed to one endpoint.
//
// Of the pending deliveries of one lead to one endpoint, the one with the lowest N is the head; the others are
// Behind it: their DueAt is zero, which is never, until the head has failed for the first time (then it is the
// head's ReleaseAt) or has ended (then the next one is due at once).
type Delivery struct {
	N            int64 // given by the store, rising: its public id
	Account      AccountID
	Endpoint     EndpointID
	Announcement int64 // Announcement.Seq
	Event        EventID
	Type         AnnouncementType
	Lead         LeadID
	Class        Class
	Replay       bool // asked for by somebody: a repeat of an earlier delivery
	State        DeliveryState
	Revision     int64 // 1 at first, one more with every attempt that was recorded
	Behind       bool
	Attempts     int
	OwedAt       time.Time // Announcement.At, or when a replay was asked for
	DueAt        time.Time // of a pending one: the next attempt; zero: behind
	FirstAt      time.Time // of the first attempt, when it began; zero: none yet
	FailedAt     time.Time // when it first failed: the end of that attempt
	// ReleaseAt is when those behind a failing head go; zero: it has not failed.
	ReleaseAt time.Time
	EndedAt   time.Time
	// Reason is how the newest attempt ended, in words ("503 Service Unavailable").
	Reason  string
	Payload json.RawMessage // the announcement's; not in lists
}

// Key is the key of the endpoint.
func (d Delivery) Key() EndpointKey { return EndpointKey{d.Account, d.Endpoint} }

// LeadKey is the key of the lead that it is about.
func (d Delivery) LeadKey() LeadKey { return LeadKey{d.Account, d.Lead} }

// Phases are the parts of an attempt, each as long as it took; zero: it did not happen (a connection that was
// reused has no DNS). But for Blocked, which is a part of Queue, they add up to the time from when it was owed, or was due
// again, to its end, but for the joints.
type Phases struct {
	Held    time.Duration `json:"held,omitempty"`    // behind an earlier delivery of its lead
	Gather  time.Duration `json:"gather,omitempty"`  // due, and waiting for others of its batch
	Queue   time.Duration `json:"queue,omitempty"`   // due, and waiting for its turn
	Blocked time.Duration `json:"blocked,omitempty"` // of Queue, for the endpoint: paused, slowed down, failing, at its rate, or busy
	DNS     time.Duration `json:"dns,omitempty"`     //
	Connect time.Duration `json:"connect,omitempty"` //
	TLS     time.Duration `json:"tls,omitempty"`     //
	First   time.Duration `json:"first,omitempty"`   // request written, until the first byte of the answer
	Body    time.Duration `json:"body,omitempty"`    // until the answer was read, or as much as we keep
	Total   time.Duration `json:"total,omitempty"`   // of the attempt: from the look-up on
}

// ErrorClass says in one word why an attempt failed; "" is success.
type ErrorClass string

const (
	ErrorStatus     ErrorClass = "status"     // answered, and not 2xx
	ErrorRedirect   ErrorClass = "redirect"   // answered 3xx: redirects are not followed
	ErrorDNS        ErrorClass = "dns"        // the host's name leads nowhere
	ErrorAddress    ErrorClass = "address"    // it leads where we do not send (see package outbound)
	ErrorConnect    ErrorClass = "connect"    // nobody listens, or the way is blocked
	ErrorTLS        ErrorClass = "tls"        // the certificate is not the host's, or not valid
	ErrorTimeout    ErrorClass = "timeout"    // it took too long; Reason says which part
	ErrorCut        ErrorClass = "cut"        // the connection ended within the answer
	ErrorProtocol   ErrorClass = "protocol"   // the answer is no HTTP
	ErrorURL        ErrorClass = "url"        // the URL cannot be sent to
	ErrorSecret     ErrorClass = "secret"     // there is no secret to sign with, or it cannot be opened
	ErrorSuppressed ErrorClass = "suppressed" // not sent: the person is suppressed
	ErrorPayload    ErrorClass = "payload"    // the shape cannot be applied to it
	ErrorStopped    ErrorClass = "stopped"    // we were stopping; it may have arrived
	ErrorDown       ErrorClass = "down"       // not sent: the endpoint fails, and the terminal time has come
)

// ErrorClasses lists every class.
func ErrorClasses() []ErrorClass {
	return []ErrorClass{
		ErrorStatus, ErrorRedirect, ErrorDNS, ErrorAddress, ErrorConnect, ErrorTLS, ErrorTimeout, ErrorCut, ErrorProtocol,
		ErrorURL, ErrorSecret, ErrorSuppressed, ErrorPayload, ErrorStopped, ErrorDown,
	}
}

// MaxExcerpt is how much of an answer's body a receipt keeps, in bytes.
const MaxExcerpt = 2048

// Header is the header of a request or an answer, by canonical names.
type Header map[string][]string

// Receipt is everything known of one attempt.
type Receipt struct {
	Delivery    int64 // Delivery.N
	Number      int   // 1 for the delivery's first attempt
	Trigger     Trigger
	ScheduledAt time.Time // when it was due
	At          time.Time // when it began
	Phases      Phases
	Status      int    // HTTP status; 0: no answer
	Header      Header // of the answer, the common ones; at most 2 KiB
	Body        []byte // of the answer: at most MaxExcerpt
	Truncated   bool   // there was more of it
	Error       ErrorClass
	Reason      string    // in words, for somebody who runs the endpoint
	Address     string    // dialled
	SecretID    string    // that signed it
	Batch       string    `json:",omitempty"` // webhook-id of the request, when it carried other events too
	Revision    int64     // of the catalog: the endpoint's configuration
	OutOfOrder  bool      // it went although an earlier one of its lead had not arrived
	NextAt      time.Time // the next attempt; zero: there is none
}

// EndedAt is when the attempt ended: what its delivery and its endpoint remember of it.
func (r Receipt) EndedAt() time.Time { return r.At.Add(r.Phases.Total) }

// OfEndpoint says whether an attempt that ended so says anything of its endpoint: EndpointState follows only those.
func (e ErrorClass) OfEndpoint() bool {
	switch e {
	case ErrorSuppressed, ErrorPayload, ErrorStopped, ErrorDown:
		return false
	default:
		return true
	}
}

// Attempted settles an attempt, or ends a delivery without one, in one commit. Without one the receipt's Number is 0:
// none is kept, and Attempts stays; its times and its Reason count all the same.
type Attempted struct {
	Fence    Fence // of the endpoint's partition
	Key      EndpointKey
	Delivery int64
	Lead     LeadID
	Expect   int64 // revision that the delivery must have, and it must be pending
	State    DeliveryState
	// NextAt, Class, ReleaseAt: of a delivery that stays pending. ReleaseAt is given with the first failure.
	NextAt    time.Time
	Class     Class
	ReleaseAt time.Time
	Receipt   Receipt
	// Disable says why the endpoint is disabled because of it; "": it is not.
	Disable string
	// Announce is what the operations endpoint is told of it, and Told what of that is the endpoint's condition.
	Announce []Announcement
	Told     Telling
}

// AttemptRecorded is what became of an Attempted. It is tried in this order: fence (ErrFenced), delivery
// (AlreadyDecided: it is gone or has ended; Stale: its revision is another), telling (Outdated: EndpointState.Told is not
// its From, if it moves it). Done otherwise.
type AttemptRecorded struct {
	Outcome Outcome
	// Told is the endpoint's now, whatever the outcome; of an endpoint that was never owed anything, ToldWell.
	Told Told
	// Announced are those of Announce, with their numbers and deliveries.
	Announced []Announcement
	// Next is the N of the delivery that was behind and is due now; 0: there is none.
	Next int64
}

// DeliveryFilter narrows a list of deliveries; zero fields do not. It has one of Endpoint, Lead and Event at
// least, or none of them.
type DeliveryFilter struct {
	Endpoint EndpointID
	Lead     LeadID
	Event    EventID
	State    DeliveryState
	Since    time.Time // OwedAt at or after
	Until    time.Time // OwedAt before
}

// Due is what an endpoint's queue holds at a time.
type Due struct {
	// Deliveries that are due, with their payloads: the first so many of each class, by (DueAt, N).
	Deliveries []Delivery
	// More: there are others that are due.
	More bool
	// NextAt is when the next one becomes due; zero: none will by itself.
	NextAt time.Time
	State  EndpointState
}

// QueueFigures describe an endpoint's queue.
type QueueFigures struct {
	Pending int       // at most QueueLimit
	Oldest  time.Time // OwedAt of the oldest; zero: there is none
	NextAt  time.Time // the earliest DueAt; zero: there is none
}

// QueueLimit is how far a queue is counted, for the reason that BacklogLimit has.
const QueueLimit = 100_000
