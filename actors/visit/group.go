package visit

import (
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
)

// arrival is hits that came together. Its askers are answered when it is known of each what became of it: of
// more than one asker the others sent the same hits again.
type arrival struct {
	hits   []domain.Hit
	got    []domain.Received    // of those that have ended
	ended  [domain.MaxHits]bool // committed, or there before
	open   int                  // hits that have not ended
	askers []Ticket
}

// arrive looks at hits that have just come: one that is remembered, or stands twice, has ended.
func (l *Lane) arrive(hits []domain.Hit, to Ticket) *arrival {
	a := &arrival{hits: hits, got: make([]domain.Received, len(hits)), open: len(hits), askers: []Ticket{to}}
	for i := range hits {
		if slices.Contains(l.remembered, hits[i].ID) || holds(hits[:i], hits[i].ID) {
			a.end(i, domain.Received{Duplicate: true})
		}
	}
	return a
}

func (a *arrival) end(i int, r domain.Received) {
	a.got[i], a.ended[i] = r, true
	a.open--
}

// gather takes what waits into one step: the first group, and those behind it while all have room. Groups that
// queued up behind a commit so share the next one.
func (l *Lane) gather() []domain.Hit {
	first := l.waiting[0]
	hits := slices.Clip(first.hits)
	if first.open < len(hits) {
		hits = first.more(nil)
	}
	for _, a := range l.waiting[1:] {
		if l.alone || len(hits)+a.open > domain.MaxHits {
			break
		}
		hits = a.more(hits)
	}
	return hits
}

// more adds the hits that have not ended, once.
func (a *arrival) more(hits []domain.Hit) []domain.Hit {
	for i := range a.hits {
		if !a.ended[i] && !holds(hits, a.hits[i].ID) {
			hits = append(hits, a.hits[i])
		}
	}
	return hits
}

// end says what became of a hit to whoever waits for it. Only the first is told that it is new.
func (l *Lane) end(id domain.EventID, r domain.Received) {
	for _, a := range l.waiting {
		for i := range a.hits {
			if !a.ended[i] && a.hits[i].ID == id {
				a.end(i, r)
				r = domain.Received{Duplicate: true}
			}
		}
	}
	if len(l.remembered) == MaxRemembered {
		l.remembered = slices.Delete(l.remembered, 0, 1)
	}
	l.remembered = append(l.remembered, id)
}

// answered answers the groups of which all hits have ended, in their order.
func (l *Lane) answered() (steps []Step) {
	for len(l.waiting) > 0 && l.waiting[0].open == 0 {
		steps = append(steps, l.finish(nil)...)
	}
	return steps
}

// fail answers the first group, and all that shared the step with it. The store may have kept the hits, or some
// of them in a step before: when they are sent again, those are duplicates.
func (l *Lane) fail(err error, hits []domain.Hit) []Step {
	steps := l.finish(err)
	for len(l.waiting) > 0 && l.waiting[0].among(hits) {
		steps = append(steps, l.finish(err)...)
	}
	return append(steps, l.answered()...)
}

// shared says whether more than one group is waiting for hits.
func (l *Lane) shared(hits []domain.Hit) bool { return len(l.waiting) > 1 && l.waiting[1].among(hits) }

// among says whether a hit that has not ended is one of these.
func (a *arrival) among(hits []domain.Hit) bool {
	for i := range a.hits {
		if !a.ended[i] && holds(hits, a.hits[i].ID) {
			return true
		}
	}
	return false
}

// finish answers everybody who waits for the first group, and takes it off.
func (l *Lane) finish(err error) []Step {
	if len(l.waiting) == 0 {
		return nil
	}
	a := l.waiting[0]
	l.waiting[0] = nil
	if l.waiting = l.waiting[1:]; len(l.waiting) == 0 {
		l.waiting = nil
	}
	l.held -= len(a.hits)
	l.round, l.alone = 0, false
	steps := make([]Step, 0, len(a.askers)+4)
	for i, to := range a.askers {
		switch {
		case err != nil:
			steps = append(steps, Answer{To: to, Err: err})
		case i == 0:
			steps = append(steps, Answer{To: to, Received: a.got})
		default:
			steps = append(steps, Answer{To: to, Received: slices.Repeat([]domain.Received{{Duplicate: true}}, len(a.hits))})
		}
	}
	return steps
}

func holds(hits []domain.Hit, id domain.EventID) bool {
	for i := range hits {
		if hits[i].ID == id {
			return true
		}
	}
	return false
}
