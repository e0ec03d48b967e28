package queue

import (
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// next does what there is to do, and asks to be woken for the rest. Every input ends here.
func (q *Queue) next(now time.Time) []Step {
	if q.gone {
		return nil
	}
	q.refresh(now)
	steps := q.rerecord(now)
	if q.stopped() {
		q.window.clear()
	}
	s := q.window.survey(now, q.config.Batch)
	if ends := q.giveUp(now, &s); ends != nil {
		steps = append(steps, ends...)
		s = q.window.survey(now, q.config.Batch)
	}
	steps = append(steps, q.load(now, &s)...)
	q.gather(now, &s)
	steps = append(steps, q.ask(now, &s)...)
	return append(steps, q.wake(now, &s)...)
}

// load asks for more, if there may be more and there is room.
func (q *Queue) load(now time.Time, s *survey) []Step {
	if q.loading != nil || now.Before(q.restAt) || !q.wanted && !q.wantsMore(now, s) {
		return nil
	}
	if q.paused {
		q.wanted = false // who resumes looks again
		return nil
	}
	q.loading = &Load{At: now, Limit: slices.Max(q.window.waiting[:]) + q.window.room, Except: q.window.inFlight()}
	q.loads++
	q.wanted, q.window.more, q.window.nextAt = false, [domain.Classes]bool{}, time.Time{}
	q.lookAt = now.Add(look)
	return []Step{*q.loading}
}

func (q *Queue) wantsMore(now time.Time, s *survey) bool {
	if q.stopped() {
		return false
	}
	for c, more := range q.window.more {
		few := refill
		if domain.Class(c) == domain.ClassUpdate {
			few = max(few, q.config.Batch.Count)
		}
		if more && s.due[c] < min(few, q.window.room) {
			return true
		}
	}
	return !q.window.nextAt.IsZero() && !now.Before(q.window.nextAt) && !now.Before(q.lookAt)
}

// ask asks for as many rights as there is use for. A class that is better than all that was asked for asks once beside
// them: the node decides by class who is served.
func (q *Queue) ask(now time.Time, s *survey) (steps []Step) {
	if q.blocked(now) {
		return nil
	}
	asked := 0
	for _, n := range q.asked {
		asked += n
	}
	free := q.pace.allowed(q.pace.limit) - asked
	free = min(free, q.pace.limit-q.flying-asked)
	if q.circuit.open {
		if s.head == nil || !q.circuit.mayProbe(now) || asked > 0 || free <= 0 {
			return nil
		}
		q.asked[s.head.Class]++
		return []Step{Ask{s.head.Class}}
	}
	room, better, spare := q.repeatRoom(s), 0, free
	for c := range domain.Class(domain.Classes) {
		use := s.ready[c]
		if isRepeat(c) {
			use = min(use, room)
			room -= use
		}
		for ; q.asked[c] < use && free > 0; free-- {
			q.asked[c]++
			steps = append(steps, Ask{c})
		}
		better += q.asked[c]
		if use > 0 && better == 0 && asked > 0 && spare >= 0 {
			q.asked[c]++
			better++
			steps = append(steps, Ask{c})
		}
	}
	return steps
}

// wake asks for a wake-up at the earliest time at which something may be done, unless one at or before it is under way.
func (q *Queue) wake(now time.Time, s *survey) []Step {
	var at time.Time
	by := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if q.resting > 0 {
		for _, r := range q.window.rows {
			if r.place == recording {
				by(r.resume)
			}
		}
	}
	if q.loading == nil && (q.wanted || q.wantsMore(now, s)) {
		by(q.restAt)
	}
	if !q.stopped() {
		if q.loading == nil && !q.window.nextAt.IsZero() {
			by(latest(q.restAt, latest(q.window.nextAt, q.lookAt)))
		}
		by(s.next)
		by(s.ripeAt)
		q.wakeReady(now, s, by)
	}
	if at.IsZero() || !q.waking.IsZero() && !at.Before(q.waking) {
		return nil
	}
	after := max(0, at.Sub(now))
	q.waking = now.Add(after) // on the clock that now is of, should the wall's be set meanwhile
	return []Step{Wake{after}}
}

// wakeReady tells by when something that may be sent stops being in anything's way, or ends.
func (q *Queue) wakeReady(now time.Time, s *survey, by func(time.Time)) {
	if s.head == nil {
		return
	}
	if q.pace.rate > 0 && q.pace.allowed(1) == 0 {
		by(q.pace.fullAt(now))
	}
	if now.Before(q.pace.slowUntil) {
		by(q.pace.slowUntil)
	}
	if !q.circuit.open {
		return
	}
	if q.circuit.probing == 0 && now.Before(q.circuit.probeAt) {
		by(q.circuit.probeAt)
	}
	for _, r := range q.window.rows {
		if r.due(now) {
			if at := q.givesUp(r); at.After(now) {
				by(at)
			}
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
