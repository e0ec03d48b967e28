package stats

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	// MaxSlots is how many slots a ledger holds. An endpoint has two, of this minute and of this hour, and so has each tier
	// of its account; for a moment those that have just ended are there as well. So it is some 4,000 endpoints that are sent
	// something within an hour. A slot is 1 KB when it is quiet and 20 KB when its every bin is in use: 16 MB, and 320 MB at
	// worst. What finds no room is counted as lost, and nowhere else.
	MaxSlots = 16_000
	// crowded is what part of them has to be there for minutes that are written to go before their time is over. Who goes on
	// begins another one.
	crowded = .75
	// hourEvery is how often an hour's row is written. Whoever asks has this hour from its minutes, so all that hangs on it is
	// how much of the hour a crash loses.
	hourEvery = time.Minute
)

// Ledger is what one node counts until it is written. It is safe for concurrent use.
type Ledger struct {
	writer string // begins the names of its slots, as no other ledger's does

	mu    sync.Mutex
	begun int64           // slots
	open  map[place]*slot // that count
	ended []*slot         // that do not any more, and may still have to be written
	lost  int64           // settlements that found no room
	limit int
}

// place is where something is counted.
type place struct {
	domain.StatsOf
	span domain.StatsSpan
}

// slot is what was counted in a minute or an hour.
type slot struct {
	key     domain.StatsKey
	figures Figures
	counted int64     // how much
	written int64     // how much of it is in the store
	at      time.Time // when it last came to be there
}

func (s *slot) over(now time.Time) bool { return !now.Before(s.key.At.Add(time.Duration(s.key.Span))) }
func (s *slot) clean() bool             { return s.written == s.counted }

// NewLedger is an empty one. writer is unique among all that ever write to the store.
func NewLedger(writer string) *Ledger {
	return &Ledger{writer: writer, open: map[place]*slot{}, limit: MaxSlots}
}

// Settled counts what was recorded of an attempt at an endpoint, or of an end without one: for the endpoint, and for its
// account's endpoints of its tier.
func (l *Ledger) Settled(now time.Time, tier domain.Tier, a *domain.Attempted, happened time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lost := false
	for _, of := range [...]domain.StatsOf{
		{Account: a.Key.Account, Endpoint: a.Key.Endpoint},
		{Account: a.Key.Account, Tier: tier},
	} {
		for _, span := range [...]domain.StatsSpan{domain.StatsMinute, domain.StatsHour} {
			s := l.slot(now, place{of, span})
			if s == nil {
				lost = true
				continue
			}
			s.figures.Settled(a, happened)
			s.counted++
		}
	}
	if lost {
		l.lost++
	}
}

// slot is the one that counts now; nil when there is no room. A clock that was set back goes on in the slot that is there.
func (l *Ledger) slot(now time.Time, p place) *slot {
	s := l.open[p]
	if s != nil && !s.over(now) {
		return s
	}
	if s != nil {
		delete(l.open, p)
		l.ended = append(l.ended, s)
	}
	if len(l.open)+len(l.ended) >= l.limit {
		return nil
	}
	l.begun++
	s = &slot{key: domain.StatsKey{
		StatsOf: p.StatsOf, Span: p.span, At: now.UTC().Truncate(time.Duration(p.span)), Writer: l.writer + "." + strconv.FormatInt(l.begun, 36),
	}}
	l.open[p] = s
	return s
}

// Writing is a row that has to be written.
type Writing struct {
	Row domain.StatsRow

	slot    *slot
	counted int64
}

// Due are the rows that have changed since they were written; those of hours that have not ended only when it is time,
// or with everything; at most so many, and the others when these are Written. It is called by one at a time.
func (l *Ledger) Due(now time.Time, everything bool, most int) ([]Writing, error) {
	var due []Writing
	changed := l.changed(now, everything)
	for _, s := range changed[:min(most, len(changed))] {
		w, err := l.write(s)
		if err != nil {
			return nil, err
		}
		due = append(due, w)
	}
	return due, nil
}

// changed forgets what is written and over, and lists what is to be written.
func (l *Ledger) changed(now time.Time, everything bool) (changed []*slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, s := range l.open {
		if s.over(now) {
			delete(l.open, p)
			l.ended = append(l.ended, s)
		}
	}
	keep := l.ended[:0]
	for _, s := range l.ended {
		if !s.clean() {
			keep, changed = append(keep, s), append(changed, s)
		}
	}
	clear(l.ended[len(keep):])
	l.ended = keep
	full := float64(len(l.open)+len(l.ended)) >= crowded*float64(l.limit)
	for p, s := range l.open {
		switch {
		case s.clean() && full && s.key.Span == domain.StatsMinute: // an hour's rows are kept for a month: one each
			delete(l.open, p)
		case !s.clean() && (everything || s.key.Span == domain.StatsMinute || full || now.Sub(s.at) >= hourEvery):
			changed = append(changed, s)
		}
	}
	return changed
}

// write makes the row of a slot; so long, and no longer, nothing is counted.
func (l *Ledger) write(s *slot) (Writing, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text, err := s.figures.MarshalBinary()
	if err != nil {
		return Writing{}, fmt.Errorf("write figures: %w", err)
	}
	return Writing{domain.StatsRow{StatsKey: s.key, Body: text}, s, s.counted}, nil
}

// Written says that rows are in the store. What was not written comes again.
func (l *Ledger) Written(now time.Time, rows []Writing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range rows {
		w.slot.written, w.slot.at = w.counted, now
	}
}

// Slots is how many there are.
func (l *Ledger) Slots() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open) + len(l.ended)
}

// Lost is how many settlements were not counted, or not everywhere, because there was no room.
func (l *Ledger) Lost() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}
