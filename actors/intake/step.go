package intake

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Ticket is whoever waits for an answer; intake never looks inside.
type Ticket any

// Step is something to do. A shell does the steps in order.
type Step interface{ step() }

// Keep asks for Store.Receive, or for Store.Admit when a decision rides along; the answer comes back to
// Lead.Kept.
type Keep struct {
	Event    domain.Event
	Decision *domain.Decision
}

// Outcome is the store's answer to a Keep. Decided counts when a decision rode along and the event was
// new. At is when the answer was there.
type Outcome struct {
	Received domain.Received
	Decided  domain.Decided
	At       time.Time
	Err      error
}

// Answer tells one asker what became of its event.
type Answer struct {
	To       Ticket
	Received domain.Received
	Err      error
}

// Decide asks for Store.Decide; its answer comes back to Lead.Decided.
type Decide struct{ Decision domain.Decision }

// Announce tells a buyer's feed of an event that has been committed.
type Announce struct{ Event domain.FeedEvent }

// Announced tells of events that leave, which have been committed: their endpoints have something to do.
type Announced struct{ Announcements []domain.Announcement }

// Refresh asks to read what has changed in the suppressions; the outcome comes back to Lead.Refreshed.
type Refresh struct{}

// Withheld tells that a visitor's event was settled without routing anybody, and by which rule.
type Withheld struct{ Rule string }

// Retry asks to call Lead.Retry after a pause: the store could not decide.
type Retry struct{ After time.Duration }

// Abandon says that another node owns this lead now: stop, and let the cluster look again.
type Abandon struct{}

// Dropped reports a pending event that this activation gives up on. It stays pending in the store,
// where the gauge of the oldest undecided event shows it and the next recovery finds it.
type Dropped struct {
	Pending domain.Pending
	Err     error
}

func (Keep) step()      {}
func (Answer) step()    {}
func (Decide) step()    {}
func (Announce) step()  {}
func (Announced) step() {}
func (Refresh) step()   {}
func (Withheld) step()  {}
func (Retry) step()     {}
func (Abandon) step()   {}
func (Dropped) step()   {}
