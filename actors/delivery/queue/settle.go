package queue

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Attempted is called when an attempt at delivery n has ended. secret is the id of the one that it was signed with.
func (q *Queue) Attempted(now time.Time, n int64, sent domain.Sent, secret string) []Step {
	r := q.window.rows[n]
	if q.gone || r == nil || r.place != flying {
		return nil // an earlier incarnation's
	}
	full := q.flying >= q.pace.limit
	q.flying--
	if r.repeat {
		q.repeats--
	}
	a, steps := q.judge(now, r, &sent, full, true)
	a.Receipt.SecretID = secret
	return append(steps, append(q.record(r, a), q.next(now)...)...)
}

// judge says what an attempt means for its delivery, and takes in what it says of the endpoint unless that is no news:
// another delivery of the same request has said it.
func (q *Queue) judge(now time.Time, r *row, sent *domain.Sent, full, news bool) (domain.Attempted, []Step) {
	if sent.At.IsZero() {
		sent.At = r.sentAt
	}
	phases := sent.Phases
	phases.Held, phases.Gather, phases.Queue, phases.Blocked = r.send.Held, r.send.Gather, r.send.Queue, r.send.Blocked
	a := q.attempted(r)
	a.Receipt = sent.Receipt()
	a.Receipt.Delivery, a.Receipt.Number, a.Receipt.Trigger, a.Receipt.ScheduledAt = r.N, r.Attempts+1, r.send.Trigger, r.send.ScheduledAt
	a.Receipt.Phases, a.Receipt.Revision, a.Receipt.OutOfOrder = phases, r.revision, r.send.OutOfOrder
	end := a.Receipt.EndedAt()
	switch sent.Error {
	case "":
		a.State = domain.DeliveryDelivered
		if !news {
			return a, nil
		}
		return a, q.success(end, full)
	case domain.ErrorSuppressed:
		a.State = domain.DeliverySuppressed // nothing was sent; the receipt says by which rule
		q.circuit.failed(now, q.key, r.N, sent)
		return a, nil
	}
	var steps []Step
	if news || !sent.Error.OfEndpoint() {
		a.Disable, steps = q.failure(now, end, r, sent)
	}
	q.retry(&a, r, end, sent)
	return a, steps
}

// attempted is what is said of r in any case.
func (q *Queue) attempted(r *row) domain.Attempted {
	return domain.Attempted{Fence: q.fence, Key: q.key, Delivery: r.N, Lead: r.Lead, Expect: r.Revision}
}

// retry plans the next attempt after one that failed, or ends the delivery.
func (q *Queue) retry(a *domain.Attempted, r *row, end time.Time, sent *domain.Sent) {
	d := r.Delivery
	if d.FirstAt.IsZero() {
		d.FirstAt = sent.At
	}
	if d.FailedAt.IsZero() {
		d.FailedAt = end
	}
	at, more := q.schedule.Next(d, end, sent.RetryAfter)
	a.Class = domain.ClassRetry
	if d.Replay {
		a.Class = domain.ClassReplay // a replay of a million does not stand in the way of retries, not even when it fails
	}
	if sent.Error == domain.ErrorStopped { // our own doing ends nothing, and costs no place in the queue; but what stops us may last
		at, more, a.Class = end.Add(firstPause), true, d.Class
	}
	if !more {
		a.State = domain.DeliveryExhausted
		return
	}
	a.State, a.NextAt, a.Receipt.NextAt = domain.DeliveryPending, at, at
	if d.ReleaseAt.IsZero() {
		a.ReleaseAt = d.FailedAt.Add(q.config.Hold)
	}
}

func (q *Queue) success(end time.Time, full bool) (steps []Step) {
	q.succeeded = latest(q.succeeded, end)
	q.pace.succeeded(full)
	if !q.state.FailingSince.IsZero() {
		q.failed, q.state.FailingSince = q.state.FailingSince, time.Time{}
		steps = append(steps, Noted{Notice: Recovered})
	}
	if q.circuit.succeeded() {
		q.pace.begin(1) // what has piled up is not sent all at once
		steps = append(steps, Noted{Notice: Closed})
	}
	return steps
}

// failure takes in what a failure says of the endpoint; disable says why it is to be disabled for it.
func (q *Queue) failure(now, end time.Time, r *row, sent *domain.Sent) (disable string, steps []Step) {
	q.pace.failed(now, r.sentAt, sent)
	if sent.Error.OfEndpoint() && q.state.FailingSince.IsZero() {
		q.failed, q.state.FailingSince = end, end
		steps = append(steps, Noted{Notice: Failing, Reason: sent.Reason})
	}
	if q.circuit.failed(now, q.key, r.N, sent) {
		steps = append(steps, Noted{Notice: Opened, Reason: sent.Reason})
	}
	switch since := q.state.FailingSince; {
	case sent.Error == domain.ErrorStatus && sent.Status == domain.StatusGone:
		disable = "the endpoint answered 410 Gone"
	case sent.Error.OfEndpoint() && end.Sub(since) >= q.config.DisableAfter:
		disable = fmt.Sprintf("nothing but failures since %s; the last: %s", since.UTC().Format(time.RFC3339), sent.Reason)
	}
	if disable != "" && q.state.DisabledAt.IsZero() {
		q.state.DisabledAt, q.state.Reason = end, disable
	}
	return disable, steps
}

// giveUp ends what has waited past its terminal time for a circuit that is open. What is about to be a probe is spared.
func (q *Queue) giveUp(now time.Time, s *survey) (steps []Step) {
	if !q.circuit.open || s.head == nil || q.stopped() || q.troubled > 0 {
		return nil
	}
	var over []*row
	for _, r := range q.window.rows {
		spared := r == s.head && q.circuit.mayProbe(now) && !q.blocked(now)
		if r.due(now) && !q.window.lines[r.Lead].busy && !spared && !q.givesUp(r).After(now) {
			over = append(over, r)
		}
	}
	slices.SortFunc(over, sooner)
	for _, r := range over {
		if q.recording >= maxRecording || q.window.lines[r.Lead].busy {
			continue
		}
		a := q.attempted(r)
		a.State = domain.DeliveryExhausted
		a.Receipt = domain.Receipt{ // its Number is 0: it is no attempt
			Delivery: r.N, Trigger: q.trigger(r), ScheduledAt: r.DueAt, At: now, Phases: domain.Phases{Queue: now.Sub(r.DueAt)},
			Error: domain.ErrorDown, Reason: "not sent: the endpoint is down; it last answered: " + q.circuit.answer, Revision: q.revision,
		}
		q.window.depart(r, recording)
		steps = append(steps, q.record(r, a)...)
	}
	return steps
}

// record puts what became of r before the store.
func (q *Queue) record(r *row, a domain.Attempted) []Step {
	r.place, r.record = recording, a
	q.recording++
	if q.tell(r) {
		return nil
	}
	return []Step{q.put(r)}
}

// rerecord tries again what the store could not do.
func (q *Queue) rerecord(now time.Time) (steps []Step) {
	if q.resting == 0 {
		return nil
	}
	var again []*row
	for _, r := range q.window.rows {
		if r.place == recording && !r.resume.IsZero() && !now.Before(r.resume) {
			again = append(again, r)
		}
	}
	slices.SortFunc(again, func(a, b *row) int { return cmp.Compare(a.N, b.N) })
	for _, r := range again {
		r.resume = time.Time{}
		q.resting--
		steps = append(steps, Record{r.record, r.Delivery})
	}
	return steps
}

// Recorded takes the store's answer to the Record of a.
func (q *Queue) Recorded(now time.Time, a domain.Attempted, got domain.AttemptRecorded, err error) []Step {
	r := q.window.rows[a.Delivery]
	if q.gone || r == nil || r.place != recording || r.record.Expect != a.Expect || !r.resume.IsZero() {
		return nil // an earlier incarnation's
	}
	switch {
	case domain.CodeOf(err) == domain.Fenced:
		q.gone = true
		return []Step{Abandon{}}
	case err != nil:
		return append(q.postpone(now, r, err), q.next(now)...)
	}
	q.trouble(r, false)
	if got.Outcome == domain.Outdated {
		return append(q.retell(r, got.Told), q.next(now)...)
	}
	q.recording--
	steps := q.told(r, got.Told)
	if got.Outcome != domain.Done {
		q.window.settle(r.N, r.Revision+1)
		if got.Outcome == domain.AlreadyDecided {
			q.window.settle(r.N, ended)
		}
		q.drop(r) // the store knows what is due instead
		return append(steps, q.next(now)...)
	}
	steps = append(steps, q.recorded(now, r, got)...)
	return append(steps, q.next(now)...)
}

// postpone keeps a record that the store did not take. While it cannot, nothing more is sent: whatever is sent without a
// record is sent again after a crash.
func (q *Queue) postpone(now time.Time, r *row, err error) []Step {
	q.trouble(r, domain.CodeOf(err) == domain.Unavailable)
	switch {
	case r.troubled:
		q.retryRecord(r, now.Add(min(firstPause<<min(r.tries, 10), longPause)))
		r.tries++
		return nil
	case !r.bare: // whatever the endpoint answered: without it there is little to refuse
		r.bare = true
		re := &r.record.Receipt
		re.Header, re.Body, re.Address, re.Truncated = nil, nil, "", true
		steps := q.leaveUntold(r)
		return append(steps, Record{r.record, r.Delivery})
	}
	q.retryRecord(r, now.Add(stuckPause))
	return []Step{Stuck{Delivery: r.N, Err: err}}
}

// retryRecord has a record tried again at a time.
func (q *Queue) retryRecord(r *row, at time.Time) {
	r.resume = at
	q.resting++
}

// trouble counts the records that wait for the store to be back.
func (q *Queue) trouble(r *row, is bool) {
	q.troubled += b2i(is) - b2i(r.troubled)
	r.troubled = is
}

// recorded moves a delivery on as the store has.
func (q *Queue) recorded(now time.Time, r *row, got domain.AttemptRecorded) (steps []Step) {
	a := r.record
	q.wanted = q.wanted || a.Disable != "" // somebody may have enabled it before this answer came
	if a.Disable != "" && !q.disabled {
		q.disabled = true
		q.state.Revision++ // at least: what is older does not know of it
		steps = append(steps, Noted{Notice: Disabled, Reason: a.Disable})
	}
	if a.State != domain.DeliveryPending {
		q.window.settle(r.N, ended)
		q.promote(got.Next, a.Receipt.EndedAt())
		q.window.remove(r)
		return steps
	}
	end := a.Receipt.EndedAt()
	d := r.Delivery
	d.Revision, d.Attempts, d.Class, d.DueAt, d.Reason = d.Revision+1, a.Receipt.Number, a.Class, a.NextAt, a.Receipt.Reason
	if d.FirstAt.IsZero() {
		d.FirstAt = a.Receipt.At
	}
	if d.FailedAt.IsZero() {
		d.FailedAt = end
	}
	if !a.ReleaseAt.IsZero() {
		d.ReleaseAt = a.ReleaseAt
		q.release(&d)
	}
	q.window.settle(d.N, d.Revision)
	q.window.replace(now, r, &row{Delivery: d, load: q.loads})
	return steps
}

// release gives those behind a delivery that failed the time at which they go without it.
func (q *Queue) release(d *domain.Delivery) {
	for _, o := range q.window.lines[d.Lead].rows {
		if o.place == waiting && o.Behind && o.N > d.N && o.DueAt.IsZero() {
			o.DueAt, o.load = d.ReleaseAt, q.loads
		}
	}
	q.window.later(d.ReleaseAt) // of those that are not here
}

// promote lets the one go that was behind.
func (q *Queue) promote(n int64, at time.Time) {
	if n == 0 {
		return
	}
	r := q.window.rows[n]
	switch {
	case r == nil:
		q.wanted = true
	case r.place == waiting:
		r.Behind, r.load = false, q.loads
		if r.DueAt.IsZero() || r.DueAt.After(at) {
			r.DueAt = at
		}
	default:
		r.Behind = false
	}
}
