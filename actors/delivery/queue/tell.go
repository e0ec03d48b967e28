package queue

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Occurrence is something about an endpoint that its account's operations endpoint is told.
type Occurrence struct {
	Type     domain.AnnouncementType
	Endpoint domain.EndpointKey
	At       time.Time
	// Since when the endpoint fails, or had failed; zero: that is not known, or it did not.
	Since    time.Time
	Percent  domain.Told   // of Patience that is over, where that is why it is said; 0: it is not
	Patience time.Duration // with nothing but failures, before it is disabled
	Pending  int           // deliveries of it that wait in memory; there may be more in the store
	NextAt   time.Time     // when it is tried again; zero: it is not, or that is not known
	Reason   string        // why it is disabled
	// Delivery as it was before the attempt, or the end without one, that Receipt is of: what has brought it about.
	Delivery domain.Delivery
	State    domain.DeliveryState // since then
	Receipt  domain.Receipt
}

// Announcer makes an announcement of an occurrence; nil: there is nobody to tell. The same occurrence makes the same one.
type Announcer func(Occurrence) *domain.Announcement

// What is told of an endpoint's condition is kept by the store (domain.EndpointState.Told) and moved by the commit of the
// attempt that shows it, from what it was: so each change is told once, whoever crashes in between. One such record is under
// way at a time. A record that would tell the next waits here for it; all others go their way.

// telling is what a record has to tell of the endpoint's condition, unless it was told before.
type telling struct {
	to           domain.Told
	announcement domain.Announcement
}

// teller is what is known of that.
type teller struct {
	announce Announcer
	known    domain.Told // as the store has it
	last     domain.Told // when all that is under way and all that waits is recorded
	underWay *row
	waiting  []*row
	loads    int64 // an answer to this Load, or an earlier one, may be older than what was recorded
}

// learn takes over what the store shows.
func (t *teller) learn(told domain.Told, load int64) {
	if t.underWay == nil && len(t.waiting) == 0 && load > t.loads {
		t.known, t.last = told, told
	}
}

// news says whether a condition is to be told after another one. Nearer to being disabled is; failing once more, while
// that was told and no success came between, is not.
func news(was, is domain.Told) bool {
	if is == domain.ToldWell || is == domain.ToldDisabled || was == domain.ToldDisabled {
		return is != was
	}
	return is > was
}

// condition is what there is to tell after an attempt that ended then; ok: the attempt shows it.
func (q *Queue) condition(a *domain.Attempted) (is domain.Told, ok bool) {
	if a.Receipt.Number == 0 || !a.Receipt.Error.OfEndpoint() {
		return 0, false
	}
	switch {
	case !q.state.DisabledAt.IsZero():
		return domain.ToldDisabled, true
	case q.state.FailingSince.IsZero():
		return domain.ToldWell, true
	}
	is = domain.ToldFailing
	for _, rung := range domain.Ladder() {
		if a.Receipt.EndedAt().Sub(q.state.FailingSince) >= q.config.DisableAfter*time.Duration(rung)/100 {
			is = rung
		}
	}
	return is, true
}

// tell finds out what the record of r has to tell, and says whether it has to wait with that.
func (q *Queue) tell(r *row) (waits bool) {
	if r.record.State == domain.DeliveryExhausted {
		if said := q.announce(r, domain.DeliveryExhaustedEvent, 0); said != nil {
			r.record.Announce = []domain.Announcement{*said}
		}
	}
	is, ok := q.condition(&r.record)
	if !ok || !news(q.tells.last, is) {
		return false
	}
	t, percent := q.word(is, r.record.Receipt.EndedAt())
	said := q.announce(r, t, percent)
	if said == nil {
		return false
	}
	r.tells, q.tells.last = &telling{is, *said}, is
	if q.tells.underWay == nil {
		return false
	}
	q.tells.waiting = append(q.tells.waiting, r)
	return true
}

// word is how a condition is said, and how much of the endpoint's time is over if that is why.
func (q *Queue) word(is domain.Told, at time.Time) (t domain.AnnouncementType, percent domain.Told) {
	switch is {
	case domain.ToldWell:
		return domain.EndpointRecoveredEvent, 0
	case domain.ToldFailing:
		return domain.EndpointFailingEvent, 0
	case domain.ToldDisabled:
		if at.Sub(q.state.FailingSince) >= q.config.DisableAfter { // and not because it is gone
			percent = is
		}
		return domain.EndpointDisabledEvent, percent
	}
	return domain.EndpointFailingEvent, is
}

func (q *Queue) announce(r *row, t domain.AnnouncementType, percent domain.Told) *domain.Announcement {
	if q.tells.announce == nil {
		return nil
	}
	o := Occurrence{
		Type: t, Endpoint: q.key, At: r.record.Receipt.EndedAt(), Since: q.state.FailingSince, Percent: percent, Patience: q.config.DisableAfter,
		Pending: len(q.window.rows) - b2i(r.record.State != domain.DeliveryPending), Delivery: r.Delivery, State: r.record.State, Receipt: r.record.Receipt,
	}
	switch {
	case t == domain.EndpointRecoveredEvent:
		o.Since = q.failed
	case !q.state.DisabledAt.IsZero():
		o.Reason = q.state.Reason
	case q.circuit.open:
		o.NextAt = q.circuit.probeAt
	default:
		o.NextAt = r.record.NextAt
	}
	return q.tells.announce(o)
}

// put puts the record of r before the store, with what it tells if that is still news.
func (q *Queue) put(r *row) Step {
	if t := r.tells; t != nil && news(q.tells.known, t.to) {
		r.record.Told = domain.Telling{From: q.tells.known, To: t.to}
		r.record.Announce = append(r.record.Announce[:len(r.record.Announce):len(r.record.Announce)], t.announcement)
		q.tells.underWay = r
	}
	return Record{r.record, r.Delivery}
}

// retell puts a record before the store again that would have told what was told already, or after something else: an
// earlier incarnation's attempt was recorded meanwhile.
func (q *Queue) retell(r *row, told domain.Told) []Step {
	q.untell(r)
	q.tells.known, q.tells.underWay = told, nil
	return append([]Step{q.put(r)}, q.tellOn()...)
}

// told goes on when a record that has told something is done with. The store has said where it stands: a record that it
// did not take may have been taken before, with the answer lost.
func (q *Queue) told(r *row, told domain.Told) []Step {
	if q.tells.underWay != r {
		return nil
	}
	q.tells.known, q.tells.loads, q.tells.underWay = told, q.loads, nil
	return q.tellOn()
}

// tellOn lets go what has waited, up to the next record that has something to tell.
func (q *Queue) tellOn() (steps []Step) {
	t := &q.tells
	for len(t.waiting) > 0 && t.underWay == nil {
		next := t.waiting[0]
		t.waiting = t.waiting[1:]
		steps = append(steps, q.put(next))
	}
	if t.underWay == nil {
		t.last = t.known
	}
	return steps
}

// leaveUntold takes everything out of a record that it tells: the store refuses it, perhaps for that.
func (q *Queue) leaveUntold(r *row) []Step {
	r.record.Announce, r.record.Told, r.tells = nil, domain.Telling{}, nil
	return q.told(r, q.tells.known)
}

// untell takes back what put has added.
func (q *Queue) untell(r *row) {
	if r.record.Told != (domain.Telling{}) {
		r.record.Told, r.record.Announce = domain.Telling{}, r.record.Announce[:len(r.record.Announce)-1]
	}
}
