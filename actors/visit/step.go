package visit

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Ticket is whoever waits for an answer; visit never looks inside.
type Ticket any

// Step is something to do. A shell does the steps in order.
type Step interface{ step() }

// Load asks for Store.Visit; the answer comes back to Lane.Loaded.
type Load struct{ Key domain.VisitorKey }

// Observe asks for Store.Observe; the answer comes back to Lane.Observed.
type Observe struct{ Observation domain.Observation }

// Refresh asks for the newest catalog and suppressions; Lane.Refreshed is called when they are in force.
type Refresh struct{}

// Ask asks the slow tier for keys that memory does not know; the answer comes back to Lane.Found.
type Ask struct{ Keys []domain.Key }

// Answer tells one asker what became of its hits, in their order, or that all of them are to be sent again.
type Answer struct {
	To       Ticket
	Received []domain.Received
	Err      error
}

// Sight tells the lead that judges them of sightings that have been committed. All are of the same lead.
type Sight struct{ Sightings []domain.Sighting }

// Learned are links that have been committed: the node's memory takes them over at once.
type Learned struct{ Links []domain.Link }

// Resolved reports how a hit, or a late answer, was resolved; Suppressed is the rule that kept it from being
// resolved.
type Resolved struct {
	Match      domain.Match
	Suppressed string
	Late       bool
	Upgraded   int // earlier views that went along
}

// Retry asks to call Lane.Retry after a pause: the store could not take a late identification.
type Retry struct{ After time.Duration }

// Abandon says that another node owns this visitor now: stop, and let the cluster look again.
type Abandon struct{}

func (Load) step()     {}
func (Observe) step()  {}
func (Refresh) step()  {}
func (Ask) step()      {}
func (Answer) step()   {}
func (Sight) step()    {}
func (Learned) step()  {}
func (Resolved) step() {}
func (Retry) step()    {}
func (Abandon) step()  {}
