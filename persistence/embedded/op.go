package embedded

import (
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// op is one operation on its way through the writer: exactly one of its fields is set.
type op struct {
	receive *receive
	decide  *domain.Decision
	observe *observe
	judge   *judge
	attempt *attempt
	seen    []domain.Seen
	// admin is everything rare: claims, the catalog, suppressions, retention, erasures, pings. It may run again when its batch
	// is tried again, so it has no effect outside of tx.
	admin func(tx *tx) error
}

type receive struct {
	fence domain.Fence
	event domain.Event
	rider *domain.Decision // tried with the event, if it is new
}

// answer is what an operation gets back: the field that belongs to it is set.
type answer struct {
	received domain.Received
	decided  *domain.Decided
	observed *observed
	judged   *judged
	// attempted is what became of an attempt.
	attempted *domain.AttemptRecorded
	seen      int
}

const (
	kindReceive = "receive"
	kindAdmit   = "admit"
	kindDecide  = "decide"
	kindObserve = "observe"
	kindJudge   = "judge"
	kindAttempt = "attempt"
	kindSeen    = "seen"
	kindAdmin   = "admin"
)

const (
	outcomeStored    = "stored"
	outcomeDuplicate = "duplicate"
	outcomeOK        = "ok"
)

// outcomes are what the metrics can say of each kind, beside its failures.
func outcomes() map[string][]string {
	return map[string][]string{
		kindReceive: {outcomeStored, outcomeDuplicate},
		kindAdmit:   {string(domain.Done), string(domain.CapReached), string(domain.Stale), string(domain.Outdated), outcomeDuplicate},
		kindDecide: {
			string(domain.Done), string(domain.AlreadyDecided), string(domain.CapReached), string(domain.Stale), string(domain.Outdated),
		},
		kindObserve: {string(domain.Done), string(domain.Duplicated), string(domain.Outdated), string(domain.Stale)},
		kindJudge:   {string(domain.Done), string(domain.AlreadyDecided), string(domain.Outdated), string(domain.Stale)},
		kindAttempt: {string(domain.Done), string(domain.AlreadyDecided), string(domain.Stale), string(domain.Outdated)},
		kindSeen:    {outcomeOK},
		kindAdmin:   {outcomeOK, string(domain.Conflict), string(domain.NotFound)},
	}
}

func (o op) kind() string {
	switch {
	case o.receive != nil && o.receive.rider != nil:
		return kindAdmit
	case o.receive != nil:
		return kindReceive
	case o.decide != nil:
		return kindDecide
	case o.observe != nil:
		return kindObserve
	case o.judge != nil:
		return kindJudge
	case o.attempt != nil:
		return kindAttempt
	case o.seen != nil:
		return kindSeen
	default:
		return kindAdmin
	}
}

// rowOverhead is about what an operation's ids, times and rows weigh beside its payload, in bytes.
const rowOverhead = 512

func (o op) size() int {
	switch {
	case o.receive != nil:
		n := rowOverhead + len(o.receive.event.Body) + len(o.receive.event.Contact)
		if d := o.receive.rider; d != nil {
			n += rowOverhead + len(d.Contact) + len(d.Trace) + sizeOf(d.Announce)
		}
		return n
	case o.decide != nil:
		return rowOverhead + len(o.decide.Contact) + len(o.decide.Trace) + sizeOf(o.decide.Announce)
	case o.observe != nil:
		n := rowOverhead + len(o.observe.visit) + rowOverhead/4*len(o.observe.Learn)
		for i := range o.observe.Hits {
			n += rowOverhead/2 + len(o.observe.Hits[i].Body)
		}
		for _, s := range o.observe.sightings {
			n += len(o.observe.visit) + len(s)
		}
		return n
	case o.judge != nil:
		return rowOverhead + len(o.judge.after) + sizeOf(o.judge.Announce)
	case o.attempt != nil:
		return rowOverhead + len(o.attempt.receipt) + len(o.attempt.Receipt.Body) + sizeOf(o.attempt.Announce)
	default:
		return rowOverhead + 64*len(o.seen)
	}
}

func sizeOf(all []domain.Announcement) (n int) {
	for _, a := range all {
		n += rowOverhead/2 + len(a.Payload) + rowOverhead/2*len(a.Owed)
	}
	return n
}

func checkDecision(d *domain.Decision) error {
	const op = "decide event"
	ofAssigning := check.Optional
	if d.Verb == domain.Assign {
		ofAssigning = check.Given
	}
	if err := check.Texts(op,
		check.Given("account", string(d.Lead.Account)), check.Given("lead", string(d.Lead.Lead)),
		check.Optional("source", string(d.Source)), check.Optional("event_id", string(d.EventID)),
		check.Optional("campaign", string(d.Campaign)), ofAssigning("buyer", string(d.Buyer)), ofAssigning("day", d.Day),
	); err != nil {
		return err
	}
	if err := check.JSON(op, "contact", d.Contact); err != nil {
		return err
	}
	if err := checkAnnouncements(op, d.Announce); err != nil {
		return err
	}
	switch d.Verb {
	case domain.Assign:
	case domain.Update:
		if d.Expect == 0 {
			return domain.FailField(op, "expect", "an update needs a lead")
		}
	case domain.Ignore:
	case domain.Hold:
		if d.Expect != 0 {
			return domain.FailField(op, "expect", "must be 0: there is no lead yet")
		}
	default:
		return domain.FailField(op, "verb", "is unknown")
	}
	return check.JSON(op, "trace", d.Trace)
}
