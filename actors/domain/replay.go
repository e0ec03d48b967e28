package domain

import (
	"fmt"
	"slices"
	"time"
)

// ReplayState is where a replay stands. All but ReplayRunning are for ever.
type ReplayState string

const (
	ReplayRunning   ReplayState = "running"
	ReplayDone      ReplayState = "done"
	ReplayCancelled ReplayState = "cancelled" // what was owed again until then is sent all the same
)

// ReplayStates lists every state.
func ReplayStates() []ReplayState { return []ReplayState{ReplayRunning, ReplayDone, ReplayCancelled} }

// ReplayFilter says which events are owed to an endpoint once more: those that first were in a span of time, and whose
// newest delivery to it ended in one of the states.
//
// It is the newest delivery that counts, so that an event goes once, however often it was replayed before, and not at
// all while it is pending; and it is the time of the event that counts, so that a second replay of the same span
// finds what the first one could not bring.
type ReplayFilter struct {
	States []DeliveryState // one at least, none of them pending
	Since  time.Time       // Announcement.At at or after; zero: whatever is kept
	Until  time.Time       // Announcement.At before; zero: no end
}

// Check refuses a filter that cannot be meant.
func (f ReplayFilter) Check(op string) error {
	if len(f.States) == 0 {
		return FailField(op, "states", "must name one at least")
	}
	for i, s := range f.States {
		switch {
		case s == DeliveryPending || !slices.Contains(DeliveryStates(), s):
			return FailField(op, "states", fmt.Sprintf("must be of %v", DeliveryStates()[1:]))
		case slices.Contains(f.States[:i], s):
			return FailField(op, "states", fmt.Sprintf("has %s twice", s))
		}
	}
	if !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return FailField(op, "until", "must be after since")
	}
	return nil
}

// Replay is a job: what its filter finds is owed to the endpoint once more, some at a time.
type Replay struct {
	N        int64 // given by the store, rising: its public id
	Account  AccountID
	Endpoint EndpointID
	Filter   ReplayFilter
	State    ReplayState
	// Expected is how many there were when it began, at most QueueLimit; Done is how many have been owed again.
	Expected int
	Done     int
	// Deliveries with N up to Cursor have been looked at, and those over Upto are not: what is owed after a replay
	// began is none of its business, its own deliveries included.
	Cursor, Upto int64
	MadeAt       time.Time
	EndedAt      time.Time
	By           string // who asked for it, as the audit has it
}

// Key is the key of the endpoint.
func (r Replay) Key() EndpointKey { return EndpointKey{r.Account, r.Endpoint} }

// Replaying is a replay that runs.
type Replaying struct {
	Replay
	Waiting int // pending deliveries of ClassReplay at its endpoint, at most ReplayRoom
}

const (
	// ReplayRoom is how many replays wait at an endpoint before its replay goes on. It is what still goes out when a
	// replay is cancelled, and what is in the way of a retention, a list or an erasure; and with a look a second it
	// lets 500 a second through, which no customer's server has asked for yet.
	ReplayRoom = 500
	// ReplayBite is how many deliveries one commit owes: some milliseconds, in which nobody else's commit moves on.
	ReplayBite = 200
)
