package intake

import (
	"time"

	"github.com/leadwire/leadwire/actors/distribution"
	"github.com/leadwire/leadwire/actors/domain"
)

// withheld is the status of a contact whose visitor objected before it had a buyer. Its field "rule" says by which
// rule; nothing of the person is in it.
const withheld = "suppressed"

// deleted is the status of a contact that its CRM has deleted: nobody buys it any more.
const deleted = "deleted"

// decide makes the next decision for deciding[0], or drops events that need none until one does.
func (l *Lead) decide(now time.Time) []Step {
	var steps []Step
	for len(l.deciding) > 0 {
		l.round++
		if l.round > maxRounds {
			return append(steps, l.later()...)
		}
		d, ok, err := l.draft(now, l.deciding[0])
		if err != nil {
			steps = append(steps, Dropped{l.deciding[0], err})
		}
		if ok {
			l.trying = true
			return append(steps, Decide{d})
		}
		l.next()
	}
	return steps
}

// draft says what should become of a pending event, as far as this activation knows its lead, and what leaves
// because of it. ok is false when nothing is to be written: the event is held and still nobody is eligible.
func (l *Lead) draft(now time.Time, p domain.Pending) (d domain.Decision, ok bool, err error) {
	if d, l.rule = l.withhold(now, p); l.rule != "" {
		return d, true, nil // nobody hears of it
	}
	d, ok, err = l.route(now, p)
	if err != nil || !ok || l.deps.Announcer == nil {
		return d, ok, err
	}
	if d.Announce, err = l.deps.Announcer(d, l.known, p.Event); err != nil {
		l.unused(&d)
		return d, false, err
	}
	return d, true, nil
}

// blank is a decision that decides nothing yet.
func (l *Lead) blank(now time.Time, p domain.Pending) domain.Decision {
	d := domain.Decision{
		Fence: l.fence, EventSeq: p.Seq, Lead: l.key,
		Source: p.Event.Source, EventID: p.Event.ID, Campaign: p.Event.Campaign,
		Contact: p.Event.Contact, ReceivedAt: p.Event.ReceivedAt, At: now,
	}
	if p.Event.Source == domain.PixelSource && l.deps.Basis != nil {
		d.Basis = l.deps.Basis()
	}
	return d
}

// withhold settles an event of a visitor who has objected since it was identified, and names the rule; "" when
// none does. A lead that waits is left without the person, and with the rule; one that has a buyer stays as it is,
// and one that is not there does not come into being.
func (l *Lead) withhold(now time.Time, p domain.Pending) (d domain.Decision, rule string) {
	if p.Event.Source != domain.PixelSource || l.deps.Objected == nil {
		return d, ""
	}
	d = l.blank(now, p) // its basis, before anything is asked: a newer one would claim what was not applied
	rule, objected := l.deps.Objected(p.Event)
	if !objected {
		return d, ""
	}
	d.Verb = domain.Ignore
	if l.known != nil && l.known.Revision > 0 {
		d.Expect, d.Campaign = l.known.Revision, l.known.Campaign
		if l.known.State == domain.Waiting {
			d.Verb = domain.Update
			d.Contact = domain.Contact{Status: withheld, Fields: map[string]string{"rule": rule}}.JSON()
		}
	}
	return d, rule
}

// route says what should become of an event that nobody objects to.
func (l *Lead) route(now time.Time, p domain.Pending) (d domain.Decision, ok bool, err error) {
	d = l.blank(now, p)
	if l.known == nil || l.known.Revision == 0 {
		return l.draftNew(now, p, d)
	}
	lead := *l.known
	d.Expect, d.Campaign = lead.Revision, lead.Campaign
	held := lead.State == domain.Waiting && lead.HeldSeq == p.Seq
	if held { // its contact went into the lead when it was held
		d.Contact = lead.Contact
	} else if d.Contact, err = merge(lead, p); err != nil {
		return d, false, err
	}
	d.Verb = domain.Update
	if lead.State == domain.Waiting && !isDeleted(d.Contact) && l.choose(now, &d) {
		return d, true, nil
	}
	return d, !held || isDeleted(d.Contact), nil // one that was deleted while it waited, waits no more
}

func (l *Lead) draftNew(now time.Time, p domain.Pending, d domain.Decision) (domain.Decision, bool, error) {
	switch {
	case p.Event.Effect == domain.Amend:
		d.Verb = domain.Ignore
	case l.choose(now, &d):
	default: // if the lead exists after all, the store answers Stale and shows it
		d.Verb = domain.Hold
	}
	return d, true, nil
}

// choose turns d into an assignment if a buyer is eligible.
func (l *Lead) choose(now time.Time, d *domain.Decision) bool {
	l.choice = l.deps.Chooser.Choose(now, d.Lead.Account, d.Campaign)
	if l.choice.Buyer == nil {
		return false
	}
	d.Verb = domain.Assign
	d.Buyer, d.Cap, d.Day = l.choice.Buyer.Key.Buyer, l.choice.Buyer.Buyer.DailyCap, l.choice.Day
	d.Trace = l.choice.Trace.JSON()
	return true
}

// Decided takes the store's answer to Decide. committedAt is when the answer was there.
func (l *Lead) Decided(now time.Time, d domain.Decision, r domain.Decided, committedAt time.Time, err error) []Step {
	if !l.trying || l.pausing || l.asking || l.deciding[0].Seq != d.EventSeq {
		return nil // abandoned meanwhile, or an earlier incarnation's
	}
	if err != nil {
		return l.undecided(now, d, err)
	}
	switch r.Outcome {
	case domain.Stale, domain.CapReached:
		l.learn(d, r)
		return l.decide(now)
	case domain.Outdated:
		l.learn(d, r)
		l.asking = true
		return []Step{Refresh{}}
	case domain.AlreadyDecided:
		l.unused(&d)
		l.known = nil // whoever decided it changed the lead
		l.next()
		return l.decide(now)
	}
	steps := l.settled(d, r, committedAt)
	if l.rule != "" {
		steps = append(steps, Withheld{l.rule})
	}
	l.next()
	return append(steps, l.decide(now)...)
}

// Refreshed goes on after a Refresh; an error is a pause.
func (l *Lead) Refreshed(now time.Time, err error) []Step {
	if !l.asking {
		return nil
	}
	l.asking = false
	if err != nil {
		return l.later()
	}
	return l.decide(now)
}

// settled takes over what a decision made of the lead, and announces it.
func (l *Lead) settled(d domain.Decision, r domain.Decided, committedAt time.Time) []Step {
	if d.Verb != domain.Ignore || d.Expect == 0 { // else it stands as it did
		l.know(r.Lead)
	}
	l.choice = distribution.Choice{}
	if d.Verb == domain.Assign {
		l.deps.Chooser.Counted(domain.BuyerKey{Account: d.Lead.Account, Buyer: d.Buyer}, r.Day, r.Count)
	}
	var steps []Step
	if r.Event.Seq != 0 {
		r.Event.CommittedAt = committedAt
		steps = append(steps, Announce{r.Event})
	}
	if len(r.Announced) > 0 {
		steps = append(steps, Announced{r.Announced})
	}
	return steps
}

// know remembers the lead as the store has shown it: a copy, so that the rest of the answer can go.
func (l *Lead) know(lead domain.Lead) { l.known = &lead }

// learn takes over why a decision could not stand: the lead is not as we thought, or the day is full.
func (l *Lead) learn(d domain.Decision, r domain.Decided) {
	switch r.Outcome {
	case domain.Stale:
		l.unused(&d)
		l.know(r.Lead)
	case domain.CapReached: // the buyer has had this turn
		l.choice = distribution.Choice{}
		l.deps.Chooser.Counted(domain.BuyerKey{Account: d.Lead.Account, Buyer: d.Buyer}, r.Day, r.Count)
	default: // it was not tried
		l.unused(&d)
	}
}

// Retry goes on after a pause.
func (l *Lead) Retry(now time.Time) []Step {
	if !l.pausing {
		return nil
	}
	l.pausing = false
	return l.decide(now)
}

func (l *Lead) undecided(now time.Time, d domain.Decision, err error) []Step {
	switch domain.CodeOf(err) {
	case domain.Fenced:
		l.unused(&d)
		return l.abandon()
	case domain.Invalid: // trying again cannot help; its neighbours should not wait
		l.unused(&d)
		dropped := Dropped{l.deciding[0], err}
		l.next()
		return append([]Step{dropped}, l.decide(now)...)
	default:
		l.known = nil // the outcome is unknown
		return l.later()
	}
}

func (l *Lead) later() []Step {
	l.pausing, l.trying, l.round = true, true, 0
	after := l.pause
	l.pause = min(l.pause*2, longPause)
	return []Step{Retry{after}}
}

func (l *Lead) next() {
	l.deciding[0] = domain.Pending{} // its contact can go
	l.deciding = l.deciding[1:]
	l.round, l.pause, l.trying = 0, firstPause, false
	if len(l.deciding) == 0 {
		l.deciding = nil
	}
}

// unused gives back the turn of a decision that was not carried out. One whose outcome is unknown keeps
// its turn: the buyer may have the lead.
func (l *Lead) unused(d *domain.Decision) {
	if d != nil && d.Verb == domain.Assign {
		l.deps.Chooser.Return(d.Lead.Account, d.Campaign, l.choice)
	}
	l.choice = distribution.Choice{}
}

// merge lays an event over its lead. An older event that is decided late, after a crash or a lost answer,
// fills in what newer ones left open and overwrites nothing. An event without a number is being kept right
// now, which makes it the newest.
func merge(lead domain.Lead, p domain.Pending) ([]byte, error) {
	known, err := domain.ParseContact(lead.Contact)
	if err != nil {
		return nil, err
	}
	said, err := domain.ParseContact(p.Event.Contact)
	if err != nil {
		return nil, err
	}
	if known.Status == withheld { // somebody who objects no longer, and is identified anew
		known = domain.Contact{}
	}
	if p.Seq != 0 && p.Seq < lead.EventSeq {
		return said.Merge(known).JSON(), nil
	}
	return known.Merge(said).JSON(), nil
}

func isDeleted(contact []byte) bool {
	c, err := domain.ParseContact(contact)
	return err == nil && c.Status == deleted
}
