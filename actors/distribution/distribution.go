// Package distribution chooses the buyer of a lead. It only chooses: the store decides whether the
// choice stands (it counts the cap in the commit), and what this package remembers of counters is a
// hint that the next commit corrects.
//
//	campaign's buyers, from whose turn it is ──▶ paused? ──▶ day full? ──▶ chosen
//	                                              skip        skip
//
// Promises:
//
//   - Turns go round in the campaign's order; a buyer that is skipped loses that turn and no more.
//   - A turn that came to nothing (the lead had a buyer already) is given back and used next.
//   - Every buyer considered is in the trace, with the rule that passed or skipped it.
//
// It opens no socket, reads no clock and stores nothing.
package distribution

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Rule is why a buyer was chosen or skipped.
type Rule string

const (
	Chosen     Rule = "chosen"
	Paused     Rule = "paused"
	CapReached Rule = "cap_reached"
)

// Considered is one line of a decision trace.
type Considered struct {
	Buyer domain.BuyerID `json:"buyer"`
	Rule  Rule           `json:"rule"`
	Count int            `json:"count,omitempty"` // assignments known today, before this one
	Cap   int            `json:"cap,omitempty"`
}

// Trace is everything a choice looked at.
type Trace struct {
	Method     string       `json:"method"`
	Turn       uint64       `json:"turn"`
	Considered []Considered `json:"considered"`
}

// JSON is the stored form.
func (t Trace) JSON() json.RawMessage {
	b, err := json.Marshal(t)
	if err != nil { // strings and integers: cannot fail
		return json.RawMessage(`{}`)
	}
	return b
}

// Choice is the answer for one lead. Buyer is nil when nobody is eligible.
type Choice struct {
	Buyer *domain.DirectoryBuyer
	Day   string // the buyer's local day
	Trace Trace
}

// Desk hands out turns and remembers counters for the campaigns of one node. It is safe for
// concurrent use: every lead on the node asks the same desk.
type Desk struct {
	mu     sync.Mutex
	counts map[domain.BuyerKey]count
	turns  map[campaign]*turns
}

type campaign struct {
	account domain.AccountID
	id      domain.CampaignID
}

type count struct {
	day   string
	n     int
	total int64
}

// turns is where a campaign's round stands.
type turns struct {
	next     uint64
	returned []uint64 // given back, used before next; at most maxReturned
}

// maxReturned bounds the turns remembered as given back. Losing one costs a buyer one turn in a
// round; 1024 is more than a node can have undecided for one campaign in ordinary work.
const maxReturned = 1024

// NewDesk starts from the store's counters, so that a restart neither forgets a full day nor favours
// the first buyer of every campaign.
func NewDesk(counts []domain.Count) *Desk {
	d := &Desk{counts: make(map[domain.BuyerKey]count, len(counts)), turns: map[campaign]*turns{}}
	for _, c := range counts {
		d.counts[domain.BuyerKey{Account: c.Account, Buyer: c.Buyer}] = count{c.Day, c.N, c.Total}
	}
	return d
}

// Choose picks the buyer whose turn it is among those that are not paused and under their daily cap.
func (d *Desk) Choose(now time.Time, r *domain.Routing) Choice {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := Choice{Trace: Trace{Method: r.Campaign.Method}}
	if len(r.Buyers) == 0 {
		return c
	}
	t := d.turnsOf(r)
	turn := t.take()
	c.Trace.Turn = turn
	n := uint64(len(r.Buyers))
	for i := range n {
		b := r.Buyers[(turn+i)%n]
		line, day := d.consider(now, b)
		c.Trace.Considered = append(c.Trace.Considered, line)
		if line.Rule == Chosen {
			if i > 0 { // the skipped buyers' turns are spent: the round goes on behind the chosen one
				t.skipTo(turn + i + 1)
			}
			c.Buyer, c.Day = b, day
			return c
		}
	}
	t.giveBack(turn) // nobody got it
	return c
}

// Eligible says whether Choose would find anybody, without taking a turn.
func (d *Desk) Eligible(now time.Time, r *domain.Routing) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, b := range r.Buyers {
		if line, _ := d.consider(now, b); line.Rule == Chosen {
			return true
		}
	}
	return false
}

// Return gives back the turn of a choice that came to nothing.
func (d *Desk) Return(r *domain.Routing, c Choice) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turnsOf(r).giveBack(c.Trace.Turn)
}

// Counted takes over a counter as a commit reported it. Commits may be reported out of order: only a
// later day or a higher count moves it.
func (d *Desk) Counted(key domain.BuyerKey, day string, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.counts[key]
	if day > c.day || (day == c.day && n > c.n) {
		d.counts[key] = count{day, n, c.total}
	}
}

func (d *Desk) consider(now time.Time, b *domain.DirectoryBuyer) (Considered, string) {
	line := Considered{Buyer: b.Key.Buyer, Rule: Chosen, Cap: b.Buyer.DailyCap}
	if b.Buyer.Paused {
		line.Rule = Paused
		return line, ""
	}
	day := b.Day(now)
	c := d.counts[b.Key]
	if c.day >= day { // a counter ahead of the clock is the counter that a commit would count on
		line.Count = c.n
	}
	if line.Cap > 0 && line.Count >= line.Cap {
		line.Rule = CapReached
	}
	return line, day
}

func (d *Desk) turnsOf(r *domain.Routing) *turns {
	key := campaign{r.Account, r.Campaign.ID}
	t := d.turns[key]
	if t == nil {
		t = &turns{}
		for _, b := range r.Buyers {
			t.next += uint64(max(d.counts[b.Key].total, 0))
		}
		d.turns[key] = t
	}
	return t
}

func (t *turns) take() uint64 {
	if last := len(t.returned) - 1; last >= 0 {
		turn := t.returned[last]
		t.returned = t.returned[:last]
		return turn
	}
	t.next++
	return t.next - 1
}

func (t *turns) skipTo(next uint64) { t.next = max(t.next, next) }

func (t *turns) giveBack(turn uint64) {
	switch {
	case turn+1 == t.next:
		t.next--
	case len(t.returned) < maxReturned:
		t.returned = append(t.returned, turn)
	}
}
