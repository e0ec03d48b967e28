package feed

import "github.com/leadwire/leadwire/actors/domain"

// CatchUpLimit is how many events a watcher is brought up to date with; one that is further behind
// refetches, which is cheaper for both sides than 500 rows one by one.
const CatchUpLimit = 500

// Cursor is where one watcher stands in its feed.
type Cursor struct {
	at       domain.Seq // last sequence handed to the watcher
	begun    bool
	catching bool // being read for; what is published meanwhile is left to the reading
}

// Do is what a watcher's session has to do next.
type Do uint8

const (
	Nothing Do = iota
	Begin      // tell the client where it stands
	Resync     // tell the client to refetch
	Push       // hand over the events returned
	CatchUp    // read the store after At
)

// At is the last sequence handed over.
func (c *Cursor) At() domain.Seq { return c.at }

// Open places the cursor. head and floor are the feed's; last is what the client says it has seen. A
// place that is ahead of the feed, or older than what is kept, or of another history (hasLast with a
// negative last), cannot be resumed from.
func (c *Cursor) Open(head domain.Head, last domain.Seq, hasLast bool) Do {
	c.begun = true
	switch {
	case !hasLast:
		c.at = head.Seq
		return Begin
	case last < 0 || last > head.Seq || last < head.Floor || head.Seq-last > CatchUpLimit:
		c.at = head.Seq
		return Resync
	default:
		c.at = last
		return Begin
	}
}

// Offer decides about published events: Push with the part the watcher has not seen, CatchUp when
// something is missing before them.
func (c *Cursor) Offer(events []domain.FeedEvent, head domain.Seq) ([]domain.FeedEvent, Do) {
	if !c.begun || c.catching {
		return nil, Nothing
	}
	for len(events) > 0 && events[0].Seq <= c.at {
		events = events[1:]
	}
	switch {
	case len(events) == 0 && head > c.at, len(events) > 0 && events[0].Seq != c.at+1:
		c.catching = true
		return nil, CatchUp
	case len(events) == 0:
		return nil, Nothing
	}
	c.at = events[len(events)-1].Seq
	return events, Push
}

// Read takes what the store had after At. head is the newest sequence that was published meanwhile.
// The watcher pushes what is returned, and then does what is said: CatchUp again, Resync to head, or
// Nothing more.
func (c *Cursor) Read(events []domain.FeedEvent, head domain.Seq) ([]domain.FeedEvent, Do) {
	c.catching = false
	n := 0
	for n < len(events) && events[n].Seq == c.at+1 {
		c.at++
		n++
	}
	switch {
	case c.at >= head:
		return events[:n], Nothing
	case n == 0: // the store has less than was announced, or retention passed by: nothing to wait for
		c.at = head
		return nil, Resync
	default:
		c.catching = true
		return events[:n], CatchUp
	}
}
