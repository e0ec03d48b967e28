package actors

import (
	"context"
	"time"
)

// patience is until when anybody waits for what an actor keeps: the latest of those who have asked. A write that is still in
// the store's queue by then is of no use: its source was answered, and sends the event again.
type patience struct {
	until   time.Time
	endless bool // somebody has asked who did not say, from another node
}

// asked takes in until when one more waits; zero: not known.
func (p *patience) asked(until time.Time) {
	p.endless = p.endless || until.IsZero()
	if until.After(p.until) {
		p.until = until
	}
}

// bound ends a context when nobody waits any more.
func (p patience) bound(c context.Context) (context.Context, context.CancelFunc) {
	if p.endless {
		return context.WithCancel(c)
	}
	return context.WithDeadline(c, p.until)
}
