package queue

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Step is something to do. A shell does the steps in order.
type Step interface{ step() }

// Load asks for DeliveryStore.Due as of a time; the answer comes back to Queue.Loaded. One is under way at a time.
type Load struct {
	At     time.Time
	Limit  int
	Except []int64 // in flight: they are passed over
}

// Ask asks the node for the right to make one attempt, which would be of a class as things stand. Queue.Granted is called
// once for each Ask, however late.
type Ask struct{ Class domain.Class }

// Release gives back a right that was granted and is not needed.
type Release struct{}

// Send uses a right that was granted: sign the delivery's event and send it, unless its person is suppressed by now. What
// became of it comes back to Queue.Attempted, always; the right is free when it does.
type Send struct {
	Delivery    domain.Delivery // with its payload
	Trigger     domain.Trigger
	ScheduledAt time.Time     // when it was due
	Held        time.Duration // behind an earlier one of its lead, before it was due
	Gather      time.Duration // since it was due, for others of its batch
	Queue       time.Duration // since then
	Blocked     time.Duration // of Queue, until the endpoint had room for it
	Hinted      bool          // it came with the word of its commit (Queue.Owed), and this is its first attempt
	OutOfOrder  bool          // an earlier one of its lead has not ended: say so (leadwire-out-of-order)
}

// SendBatch uses a right that was granted for updates of several leads: one request, one signature. Those whose person is
// suppressed by now stay out of it. What became of each comes back to Queue.BatchAttempted, always and all at once; the
// right is free when it does.
type SendBatch struct{ Sends []Send }

// Outcome is what became of one delivery of a SendBatch.
type Outcome struct {
	Delivery int64
	Sent     domain.Sent // the request's; of one that was left out of it, its own
	Batch    string      // webhook-id of the request; "": it was alone, or left out
	Secret   string      // id of the one that signed it
}

// Record asks for DeliveryStore.RecordAttempt; the answer comes back to Queue.Recorded.
type Record struct {
	Attempted domain.Attempted
	Delivery  domain.Delivery // as it was before, for whoever measures how long it took
}

// Wake asks to call Queue.Due after a while. A call too early or too many does no harm.
type Wake struct{ After time.Duration }

// Abandon says that another node owns this endpoint now: stop, and let the cluster look again.
type Abandon struct{}

// Noted reports that the endpoint's condition has changed, to be counted and told.
type Noted struct {
	Notice Notice
	Reason string // the answer that brought it about, or why it was disabled
}

// Stuck reports a receipt that the store refuses for what is in it, even without the endpoint's answer. It is tried again
// each minute, and its lead waits: without a record the delivery would be sent for ever.
type Stuck struct {
	Delivery int64
	Err      error
}

func (Load) step()      {}
func (Ask) step()       {}
func (Release) step()   {}
func (Send) step()      {}
func (SendBatch) step() {}
func (Record) step()    {}
func (Wake) step()      {}
func (Abandon) step()   {}
func (Noted) step()     {}
func (Stuck) step()     {}

// Notice is a change of an endpoint's condition.
type Notice string

const (
	Failing   Notice = "failing"   // the first failure after a success
	Recovered Notice = "recovered" // the first success after a failure
	Disabled  Notice = "disabled"  // recorded: nothing is sent until somebody enables it
	Opened    Notice = "opened"    // the circuit: one probe at a time
	Closed    Notice = "closed"    // the circuit: attempts as usual, beginning with one at a time
)

// Notices lists every one, for whoever counts them.
func Notices() []Notice { return []Notice{Failing, Recovered, Disabled, Opened, Closed} }
