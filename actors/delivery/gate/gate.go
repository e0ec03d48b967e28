package gate

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/leadwire/leadwire/actors/domain"
)

// Config is how much there is. Zero fields take their default.
type Config struct {
	// Rights is how many attempts a node has under way; default 1024: some 30 KB each, buffers and TLS included, and
	// a thousand endpoints that take a second are 1,000 deliveries a second.
	Rights int
	// Repeats is how many of them may be retries and replays; 0: half.
	Repeats int
	// Kept is how many of them only endpoints with fewer than Few attempts under way are given; 0: a quarter. Some endpoints
	// that take hundreds at once and seconds for each could have all the others, and turns come as slowly as rights come back.
	Kept int
}

// Few is how many attempts an endpoint has under way that does not ask for more places than most.
const Few = domain.DefaultConcurrency

func (c Config) withDefaults() Config {
	c.Rights = cmp.Or(c.Rights, 1024)
	c.Repeats = min(cmp.Or(c.Repeats, max(1, c.Rights/2)), c.Rights)
	c.Kept = min(cmp.Or(c.Kept, c.Rights/4), c.Rights)
	return c
}

// Weights of tiers and classes. A lane's is their product: a first match of the highest tier has 32 turns for each
// one that a replay of the lowest has.
var (
	tierWeights  = map[domain.Tier]int{domain.TierHigh: 4, domain.TierStandard: 2, domain.TierLow: 1}
	classWeights = [domain.Classes]int{domain.ClassFirst: 8, domain.ClassUpdate: 4, domain.ClassRetry: 2, domain.ClassReplay: 1}
)

// strideOne is the stride of weight 1: a multiple of every weight, so that strides are whole.
const strideOne = 32

// Gate is the rights of one node.
type Gate struct {
	cfg Config

	mu      sync.Mutex
	out     int // rights that are granted or in use
	repeats int // of them, for retries and replays
	lanes   [laneCount]lane
	closed  chan struct{} // not nil: nothing is granted any more; closed once nothing is out
	pass    int64         // of the lane that was served last: who begins to ask begins here
}

// laneCount: three tiers, each with every class.
const laneCount = 3 * domain.Classes

// lane is the asks of one tier and class.
type lane struct {
	stride int64
	pass   int64 // the lane with the lowest is served next
	asks   []*Owner
}

// New is a gate with all its rights.
func New(cfg Config) *Gate {
	g := &Gate{cfg: cfg.withDefaults()}
	for i, t := range domain.Tiers() {
		for class := range domain.Classes {
			g.lanes[i*domain.Classes+class].stride = int64(strideOne / (tierWeights[t] * classWeights[class]))
		}
	}
	return g
}

func laneOf(t domain.Tier, c domain.Class) int {
	for i, known := range domain.Tiers() {
		if known == t {
			return i*domain.Classes + int(c)
		}
	}
	return domain.Classes + int(c) // standard
}

func repeats(lane int) bool { return domain.Class(lane%domain.Classes) >= domain.ClassRetry }

// Owner is one endpoint's part in a gate.
type Owner struct {
	gate  *Gate
	grant func()

	// All under the gate's lock.
	asks   int
	holds  int    // rights, used or not
	idle   []bool // rights that were granted and not used yet, oldest first: whether each is for a repeat
	closed bool
}

// Join is an endpoint that will ask. grant is called, outside of all locks, once for each right it gets.
func (g *Gate) Join(grant func()) *Owner { return &Owner{gate: g, grant: grant} }

// Ask asks for one right.
func (o *Owner) Ask(t domain.Tier, c domain.Class) {
	g := o.gate
	g.mu.Lock()
	if o.closed {
		g.mu.Unlock()
		return
	}
	l := &g.lanes[laneOf(t, c)]
	if len(l.asks) == 0 {
		l.pass = max(l.pass, g.pass) // a lane that was quiet has saved nothing up
	}
	l.asks = append(l.asks, o)
	o.asks++
	granted := g.serve()
	g.mu.Unlock()
	tell(granted)
}

// Use turns the oldest right that was granted into an attempt under way, which ends with the function it answers
// with. It answers nil when there is none.
func (o *Owner) Use() (end func()) {
	g := o.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(o.idle) == 0 {
		return nil
	}
	repeat := o.take()
	return sync.OnceFunc(func() { o.back(repeat) })
}

// Return gives the oldest right back that was granted and is not needed.
func (o *Owner) Return() {
	g := o.gate
	g.mu.Lock()
	if len(o.idle) == 0 {
		g.mu.Unlock()
		return
	}
	repeat := o.take()
	g.mu.Unlock()
	o.back(repeat)
}

func (o *Owner) take() (repeat bool) {
	repeat = o.idle[0]
	o.idle = o.idle[1:]
	return repeat
}

// Leave withdraws what was asked for, and gives back what was granted and not used.
func (o *Owner) Leave() {
	g := o.gate
	g.mu.Lock()
	o.closed = true
	for i := range g.lanes {
		if o.asks == 0 {
			break
		}
		l := &g.lanes[i]
		kept := l.asks[:0]
		for _, a := range l.asks {
			if a != o {
				kept = append(kept, a)
			}
		}
		o.asks -= len(l.asks) - len(kept)
		clear(l.asks[len(kept):])
		l.asks = kept
	}
	idle := o.idle
	o.idle = nil
	g.mu.Unlock()
	for _, repeat := range idle {
		o.back(repeat)
	}
}

// Out is how many rights are granted or in use, and how many of them are for retries and replays.
func (g *Gate) Out() (all, repeats int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.out, g.repeats
}

// Asked is how many asks wait.
func (g *Gate) Asked() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.lanes {
		n += len(g.lanes[i].asks)
	}
	return n
}

// Limits are how many rights there are, and how many of them for retries and replays.
func (g *Gate) Limits() (rights, repeats int) { return g.cfg.Rights, g.cfg.Repeats }

func (o *Owner) back(repeat bool) {
	g := o.gate
	g.mu.Lock()
	g.out--
	o.holds--
	if repeat {
		g.repeats--
	}
	g.ended()
	granted := g.serve()
	g.mu.Unlock()
	tell(granted)
}

// Close grants nothing any more, and waits until nothing is out or ctx ends. Rights that were granted can be used.
func (g *Gate) Close(ctx context.Context) error {
	g.mu.Lock()
	if g.closed == nil {
		g.closed = make(chan struct{})
		g.ended()
	}
	closed := g.closed
	g.mu.Unlock()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ended tells who waits for the gate's end.
func (g *Gate) ended() {
	if g.closed == nil || g.out > 0 {
		return
	}
	select {
	case <-g.closed:
	default:
		close(g.closed)
	}
}

func tell(granted []*Owner) {
	for _, o := range granted {
		o.grant()
	}
}

// serve hands out what is free.
func (g *Gate) serve() (granted []*Owner) {
	for g.closed == nil && g.out < g.cfg.Rights {
		next, at := -1, 0
		for i := range g.lanes {
			l := &g.lanes[i]
			if len(l.asks) == 0 || (repeats(i) && g.repeats >= g.cfg.Repeats) || next >= 0 && l.pass >= g.lanes[next].pass {
				continue
			}
			if first := g.first(l); first >= 0 {
				next, at = i, first
			}
		}
		if next < 0 {
			break
		}
		l := &g.lanes[next]
		o := l.take(at)
		g.pass = l.pass
		l.pass += l.stride
		g.out++
		if repeats(next) {
			g.repeats++
		}
		o.asks--
		o.holds++
		o.idle = append(o.idle, repeats(next))
		granted = append(granted, o)
	}
	return granted
}

// first is the first of a lane that may have a right now; negative: nobody.
func (g *Gate) first(l *lane) int {
	if g.out < g.cfg.Rights-g.cfg.Kept {
		return 0
	}
	return slices.IndexFunc(l.asks, func(o *Owner) bool { return o.holds < Few })
}

// take takes an ask out.
func (l *lane) take(at int) *Owner {
	o := l.asks[at]
	if at == 0 {
		l.asks[0] = nil
		l.asks = l.asks[1:]
	} else {
		l.asks = slices.Delete(l.asks, at, at+1)
	}
	if len(l.asks) == 0 {
		l.asks = nil
	}
	return o
}
