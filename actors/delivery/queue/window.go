package queue

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// place is where a delivery of the window stands.
type place uint8

const (
	waiting   place = iota // for its time, or for its turn
	flying                 // being sent
	recording              // sent, and not recorded yet
)

// row is a delivery of the window.
type row struct {
	domain.Delivery

	place    place
	hastened bool      // somebody asked for it
	ripe     time.Time // of an update that may share a request: since when there are enough, or it has waited; zero: not yet
	hinted   bool      // it came with the word of its commit, and was not tried yet
	load     int64     // the Load that was the newest when it last changed

	// Of an attempt.
	send     Send
	sentAt   time.Time
	revision int64 // of the catalog
	repeat   bool  // it has a place in the lane of retries

	// Of a record.
	record   domain.Attempted
	resume   time.Time // when it is tried again; zero: it is with the store
	troubled bool      // the store could not take it
	tries    int       // for that reason
	bare     bool      // the store would not take it with the endpoint's answer in it
	tells    *telling  // what it has to tell of the endpoint; nil: nothing
}

// due says whether it may be sent, as far as its own time goes.
func (r *row) due(now time.Time) bool {
	return r.place == waiting && !r.DueAt.IsZero() && !r.DueAt.After(now)
}

// sooner orders by when they are due; those that nobody knows of are last.
func sooner(a, b *row) int {
	return cmp.Or(cmp.Compare(b2i(a.DueAt.IsZero()), b2i(b.DueAt.IsZero())), a.DueAt.Compare(b.DueAt), cmp.Compare(a.N, b.N))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// lost says whether it waits for another one of its lead alone: without that one here, nobody knows when it is due.
func (r *row) lost() bool { return r.place == waiting && r.Behind && r.DueAt.IsZero() }

// line is what the window holds of one lead, by N.
type line struct {
	rows  []*row
	waits int  // so many of them
	busy  bool // one is in flight
}

// window is what is in memory of a queue: a part of what is due, and whatever else there is room for.
type window struct {
	rows     map[int64]*row
	lines    map[domain.LeadID]*line
	open     map[domain.LeadID]*line // those in which something waits: what is in flight is most of a busy queue, and has no say
	room     int                     // for each class
	waiting  [domain.Classes]int
	more     [domain.Classes]bool // there is more that is due, in the store
	nextAt   time.Time            // when something may be due that is not here; zero: nothing known
	settled  map[int64]int64      // the revision that a delivery has at least; of one that has ended, none is enough
	settling []int64              // keys of settled, oldest first
}

func newWindow() window {
	return window{
		rows: map[int64]*row{}, lines: map[domain.LeadID]*line{}, open: map[domain.LeadID]*line{}, room: PerClass, settled: map[int64]int64{},
	}
}

// add takes a delivery in, if there is room or something less urgent gives way. What is left out is in the store.
func (w *window) add(now time.Time, r *row) {
	l := w.lines[r.Lead]
	if l == nil {
		l = &line{}
	}
	at, _ := slices.BinarySearchFunc(l.rows, r.N, func(o *row, n int64) int { return cmp.Compare(o.N, n) })
	if at == 0 && r.lost() {
		return
	}
	l.rows = slices.Insert(l.rows, at, r)
	w.lines[r.Lead], w.rows[r.N] = l, r
	w.wait(l, r, 1)
	w.trim(now, r.Class)
}

// replace lets a delivery that was in flight wait again, as it is now.
func (w *window) replace(now time.Time, r, again *row) {
	l := w.lines[r.Lead]
	l.rows[slices.Index(l.rows, r)], l.busy = again, false
	w.rows[r.N] = again
	w.wait(l, again, 1)
	w.trim(now, again.Class)
}

// trim takes out what is least urgent of a class that is over its room.
func (w *window) trim(now time.Time, class domain.Class) {
	if w.waiting[class] <= w.room {
		return
	}
	var last *row
	for _, r := range w.rows {
		if r.place == waiting && r.Class == class && (last == nil || sooner(r, last) > 0) {
			last = r
		}
	}
	w.missed(now, last)
	w.remove(last)
}

// missed remembers that a delivery is in the store and not here.
func (w *window) missed(now time.Time, r *row) {
	switch {
	case r.DueAt.IsZero(): // the one before it brings it
	case r.DueAt.After(now):
		w.later(r.DueAt)
	default:
		w.more[r.Class] = true
	}
}

// later remembers when something may be due that is not here.
func (w *window) later(at time.Time) {
	if !at.IsZero() && (w.nextAt.IsZero() || at.Before(w.nextAt)) {
		w.nextAt = at
	}
}

// remove takes a delivery out, and those behind it that nothing else here will bring forward.
func (w *window) remove(r *row) {
	l := w.lines[r.Lead]
	w.take(l, r)
	l.busy = l.busy && r.place == waiting
	if len(l.rows) > 0 && l.rows[0].lost() {
		for _, o := range slices.Clone(l.rows) {
			if !o.lost() {
				return
			}
			w.take(l, o)
		}
	}
}

func (w *window) take(l *line, r *row) {
	if r.place == waiting {
		w.wait(l, r, -1)
	}
	delete(w.rows, r.N)
	l.rows = slices.DeleteFunc(l.rows, func(o *row) bool { return o == r })
	if len(l.rows) == 0 {
		delete(w.lines, r.Lead)
	}
}

// depart takes a delivery out of those that wait; its lead waits for it from now on.
func (w *window) depart(r *row, to place) {
	l := w.lines[r.Lead]
	w.wait(l, r, -1)
	r.place, l.busy = to, true
}

// wait counts a delivery among those that wait, or out of them.
func (w *window) wait(l *line, r *row, by int) {
	w.waiting[r.Class] += by
	if l.waits += by; l.waits > 0 {
		w.open[r.Lead] = l
	} else {
		delete(w.open, r.Lead)
	}
}

// clear drops whatever waits. The store has it.
func (w *window) clear() {
	for _, r := range w.rows {
		if r.place == waiting {
			w.remove(r)
		}
	}
	w.more, w.nextAt = [domain.Classes]bool{}, time.Time{}
}

// ended is the revision that a delivery never has.
const ended = math.MaxInt64

// settle remembers that a delivery has a revision at least, so that an older picture of it is not taken for news.
func (w *window) settle(n, revision int64) {
	if _, known := w.settled[n]; !known {
		if len(w.settling) >= maxSettled {
			delete(w.settled, w.settling[0])
			w.settling = slices.Delete(w.settling, 0, 1)
		}
		w.settling = append(w.settling, n)
	}
	w.settled[n] = max(w.settled[n], revision)
}

// news says whether a picture of a delivery is news: pending, and no older than what is known of it.
func (w *window) news(d domain.Delivery) bool {
	return d.State == domain.DeliveryPending && d.Revision >= w.settled[d.N]
}

// inFlight lists what is being sent or recorded.
func (w *window) inFlight() (all []int64) {
	for _, r := range w.rows {
		if r.place != waiting {
			all = append(all, r.N)
		}
	}
	return all
}

// merge takes over what a Load found. It says whether it was of any use.
func (w *window) merge(now time.Time, due domain.Due, load Load, number int64) (useful bool) {
	var found [domain.Classes]int
	seen := make(map[int64]bool, len(due.Deliveries))
	for _, d := range due.Deliveries {
		seen[d.N] = true
		found[d.Class]++
		r := w.rows[d.N]
		switch {
		case r == nil && w.news(d):
			w.add(now, &row{Delivery: d, load: number})
			useful = useful || w.rows[d.N] != nil
		case r != nil && r.place == waiting && r.load < number && d.Revision >= r.Revision:
			w.waiting[r.Class]--
			r.Delivery = d
			w.waiting[r.Class]++
			w.trim(now, r.Class) // another activation may have moved it to another class
		}
	}
	for _, r := range w.rows {
		// All that is due of its class was listed, and it was not: it has ended meanwhile.
		whole := !due.More || found[r.Class] < load.Limit
		if whole && !seen[r.N] && r.load < number && r.due(load.At) {
			w.remove(r)
		}
	}
	w.later(due.NextAt)
	for c := range found {
		w.more[c] = w.more[c] || due.More && found[c] >= load.Limit
	}
	return useful
}
