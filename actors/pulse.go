package actors

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// pulse makes a service look: each period, and whenever somebody knocks. Knocks that come while it
// looks are merged into one more look.
type pulse struct {
	clock  domain.Clock
	period time.Duration
	due    chan struct{}
	busy   *atomic.Int64 // counts a look from its knock to its end
}

func newPulse(clock domain.Clock, period time.Duration, busy *atomic.Int64) *pulse {
	return &pulse{clock, period, make(chan struct{}, 1), busy}
}

// knock asks for a look soon. It never blocks.
func (p *pulse) knock() {
	p.busy.Add(1)
	select {
	case p.due <- struct{}{}:
	default:
		p.busy.Add(-1)
	}
}

// run calls look until ctx ends.
func (p *pulse) run(ctx context.Context, look func(context.Context)) {
	for {
		timer := p.clock.AfterFunc(p.period, p.knock)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-p.due:
			timer.Stop()
			look(ctx)
			p.busy.Add(-1)
		}
	}
}
