package intake

import (
	"errors"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/distribution"
	"github.com/leadwire/leadwire/actors/domain"
)

// Limits of one lead's memory. A lead that hits them answers Unavailable, which makes its source retry.
const (
	// MaxKeeping is how many different events may wait to be kept. A CRM sends a handful per contact;
	// 64 lets a burst of automations through and stops one runaway contact.
	MaxKeeping = 64
	// MaxDeciding is how many kept events may wait to be decided before new ones are refused.
	MaxDeciding = 64
	// MaxRemembered is how many event ids the dedupe cache holds: the repeats of a retry storm come
	// within a few events of their first.
	MaxRemembered = 32
	// maxWaiters is how many askers may wait for one event: a source that repeats an event more often
	// than this while its first try is being kept is told to come back.
	maxWaiters = 64
	// maxRounds is how often one event is chosen for again (day full, lead changed) before a pause.
	maxRounds = 16
)

// Pauses between tries of a decision that the store could not make.
const (
	firstPause = 50 * time.Millisecond
	longPause  = 5 * time.Second
)

// ErrTooMany is behind an Unavailable answer when one of the limits above is met.
var ErrTooMany = errors.New("too many events of this lead are waiting")

// Chooser picks buyers: distribution.Desk behind the node's catalog.
type Chooser interface {
	// Choose answers with a nil Buyer when nobody is eligible.
	Choose(now time.Time, account domain.AccountID, campaign domain.CampaignID) distribution.Choice
	// Return gives back a choice that came to nothing.
	Return(account domain.AccountID, campaign domain.CampaignID, c distribution.Choice)
	// Counted takes over a buyer's counter as a commit reported it.
	Counted(key domain.BuyerKey, day string, n int)
}

// Announcer says which events leave because of a decision: delivery.LeadEvents behind the node's catalog. before
// is the lead as this activation knows it, nil when it does not. A nil Announcer announces nothing.
type Announcer func(d domain.Decision, before *domain.Lead, e domain.Event) ([]domain.Announcement, error)

// Deps are what a lead asks. All of it is in memory and answers at once.
type Deps struct {
	Chooser   Chooser
	Announcer Announcer
	// Objected says which rule keeps whom a pixel has identified from being routed, and Basis by which revision of
	// suppressions. Nil: nobody objects.
	Objected func(e domain.Event) (rule string, objected bool)
	Basis    func() int64
}

// Lead is the state of one lead's activation.
type Lead struct {
	key   domain.LeadKey
	fence domain.Fence
	deps  Deps

	// keeping[0] is with the store, the rest wait for it.
	keeping []*arrival
	riding  bool // a decision went to the store with keeping[0]
	// deciding[0] is with the store, or paused, if trying; the rest wait for it.
	deciding []domain.Pending
	trying   bool
	round    int                 // tries of deciding[0] so far
	pausing  bool                // between a failed try and its Retry
	pause    time.Duration       // the next one
	asking   bool                // for a Refresh
	choice   distribution.Choice // behind the decision that is with the store
	rule     string              // by which it withholds somebody; "": it does not

	known      *domain.Lead // as the store last showed it; nil: unknown; Revision 0: does not exist
	remembered []eventKey   // newest last
	gone       bool         // abandoned
}

type eventKey struct {
	source domain.SourceID
	id     domain.EventID
}

type arrival struct {
	event  domain.Event
	askers []Ticket
}

// New is a lead that has just been activated, with the right to commit that its partition gives it.
func New(key domain.LeadKey, fence domain.Fence, deps Deps) *Lead {
	return &Lead{key: key, fence: fence, deps: deps, pause: firstPause}
}

// Busy says whether anything is under way; a busy lead stays in memory.
func (l *Lead) Busy() bool { return len(l.keeping) > 0 || (len(l.deciding) > 0 && !l.gone) }

// Ingest takes a verified event in.
func (l *Lead) Ingest(now time.Time, e domain.Event, to Ticket) []Step {
	key := keyOf(e)
	if slices.Contains(l.remembered, key) {
		return []Step{Answer{To: to, Received: domain.Received{Duplicate: true}}}
	}
	for _, a := range l.keeping {
		if keyOf(a.event) != key {
			continue
		}
		if len(a.askers) >= maxWaiters {
			return []Step{refuse(to)}
		}
		a.askers = append(a.askers, to)
		return nil
	}
	if len(l.keeping) >= MaxKeeping || len(l.deciding) >= MaxDeciding {
		return []Step{refuse(to)}
	}
	l.keeping = append(l.keeping, &arrival{event: e, askers: []Ticket{to}})
	if len(l.keeping) > 1 {
		return nil
	}
	return []Step{l.keep(now)}
}

// keep makes the step for keeping[0]. When nothing else is being decided, its decision rides along: one
// commit instead of two, and the row is on its way as soon as the source has its answer.
func (l *Lead) keep(now time.Time) Step {
	e := l.keeping[0].event
	if e.Effect == domain.Record || l.trying || len(l.deciding) > 0 {
		return Keep{Event: e}
	}
	d, ok, err := l.draft(now, domain.Pending{Event: e})
	if err != nil || !ok { // decided alone, where a failure is reported
		return Keep{Event: e}
	}
	l.riding = true
	return Keep{Event: e, Decision: &d}
}

// Kept takes the store's answer to k. An answer to somebody else's Keep, an earlier incarnation's of
// this lead, says nothing about the event that is being kept now.
func (l *Lead) Kept(now time.Time, k Keep, o Outcome) []Step {
	if len(l.keeping) == 0 || keyOf(l.keeping[0].event) != keyOf(k.Event) {
		return nil
	}
	l.riding = false
	if k.Decision != nil && domain.CodeOf(o.Err) == domain.Invalid {
		l.unused(k.Decision)
		return []Step{Keep{Event: k.Event}} // the fault may be the decision's: the event is kept without it
	}
	a := l.shift()
	steps := a.answers(o)
	switch {
	case domain.CodeOf(o.Err) == domain.Fenced:
		l.unused(k.Decision)
		return append(steps, l.abandon()...)
	case o.Err == nil:
		l.remember(keyOf(a.event))
		steps = append(steps, l.durable(now, k, o)...)
	case errors.Is(o.Err, domain.ErrNotWritten): // its buyer's turn is not used up, and the lead is as it was
		l.unused(k.Decision)
	case k.Decision != nil: // what became of it is unknown
		l.known = nil
	}
	if len(l.keeping) > 0 {
		steps = append(steps, l.keep(now))
	}
	return append(steps, l.pump(now)...)
}

// shift takes the first arrival off, and lets go of its body.
func (l *Lead) shift() *arrival {
	a := l.keeping[0]
	l.keeping[0] = nil
	if l.keeping = l.keeping[1:]; len(l.keeping) == 0 {
		l.keeping = nil
	}
	return a
}

// durable goes on with an event that is kept, and with the decision that rode along.
func (l *Lead) durable(now time.Time, k Keep, o Outcome) []Step {
	if o.Received.Duplicate || k.Event.Effect == domain.Record {
		l.unused(k.Decision)
		return nil
	}
	if k.Decision != nil && o.Decided.Outcome == domain.Done {
		return l.settled(*k.Decision, o.Decided, o.At)
	}
	if k.Decision != nil {
		l.learn(*k.Decision, o.Decided)
	}
	if l.waits(o.Received.Seq) { // recovery was faster than its answer
		return nil
	}
	e := k.Event
	e.Body = nil
	l.deciding = append(l.deciding, domain.Pending{Seq: o.Received.Seq, Event: e})
	return nil
}

// answers tells everybody who waits for an event. Only one of them is told that it is new.
func (a *arrival) answers(o Outcome) []Step {
	var steps []Step
	for i, to := range a.askers {
		answer := Answer{To: to, Received: o.Received, Err: o.Err}
		if i > 0 && o.Err == nil {
			answer.Received = domain.Received{Duplicate: true}
		}
		steps = append(steps, answer)
	}
	return steps
}

// Recover takes in events that the store still has as pending: after a restart, after this lead moved
// here, or because a buyer may have become eligible for a held one. Those already under way are left.
func (l *Lead) Recover(now time.Time, pending []domain.Pending) []Step {
	for _, p := range pending {
		if l.waits(p.Seq) || len(l.deciding) >= MaxDeciding { // the next recovery brings the rest
			continue
		}
		l.deciding = append(l.deciding, p)
	}
	return l.pump(now)
}

// waits says whether an event is on its way to a decision.
func (l *Lead) waits(seq int64) bool {
	return slices.ContainsFunc(l.deciding, func(p domain.Pending) bool { return p.Seq == seq })
}

// pump decides what waits, unless a decision is under way: each has to see what the one before did.
func (l *Lead) pump(now time.Time) []Step {
	if l.riding || l.trying || len(l.deciding) == 0 {
		return nil
	}
	return l.decide(now)
}

func (l *Lead) abandon() []Step {
	l.gone = true
	steps := []Step{Abandon{}}
	for _, a := range l.keeping {
		for _, to := range a.askers {
			steps = append(steps, Answer{To: to, Err: domain.ErrFenced})
		}
	}
	l.keeping, l.deciding = nil, nil
	l.trying, l.riding, l.pausing, l.asking = false, false, false, false
	return steps
}

func (l *Lead) remember(k eventKey) {
	if len(l.remembered) == MaxRemembered {
		l.remembered = slices.Delete(l.remembered, 0, 1)
	}
	l.remembered = append(l.remembered, k)
}

func refuse(to Ticket) Step {
	return Answer{To: to, Err: domain.Fail("ingest event", domain.Unavailable, ErrTooMany)}
}

func keyOf(e domain.Event) eventKey { return eventKey{e.Source, e.ID} }
