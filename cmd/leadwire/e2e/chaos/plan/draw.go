package plan

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// pack is what faults are drawn from, so that each comes about as often as it stands here.
var pack = []Kind{Kill, Kill, Pause, Pause, Cut, OneWay, OneWay, Isolate, Split, Lossy, Slow, Restart, Stop}

// drawer makes one plan. What it draws, and in which order, is what a seed means: a change here gives old seeds a new
// meaning.
type drawer struct {
	rng   *rand.Rand
	nodes []Place
	cards []Kind
	busy  map[Place]time.Duration // until when a process has a fault
}

func (d *drawer) card() Kind {
	if len(d.cards) == 0 {
		d.cards = slices.Clone(pack)
		d.rng.Shuffle(len(d.cards), func(i, k int) { d.cards[i], d.cards[k] = d.cards[k], d.cards[i] })
	}
	last := len(d.cards) - 1
	card := d.cards[last]
	d.cards = d.cards[:last]
	return card
}

// between is a length of time; short ones come as often as long ones of as many times as much.
func (d *drawer) between(least, most time.Duration) time.Duration {
	span := math.Log(float64(most) / float64(least))
	return time.Duration(float64(least) * math.Exp(span*d.rng.Float64())).Round(time.Millisecond)
}

// skew is how wrong a clock is: of four, two go right, and two are up to 5 s fast or slow, ten times what machines that
// set their clocks by the network show.
func (d *drawer) skew() time.Duration {
	by := d.between(50*time.Millisecond, 5*time.Second)
	switch d.rng.IntN(4) {
	case 0:
		return by
	case 1:
		return -by
	}
	return 0
}

// event is the next fault; none if its target has one already.
func (d *drawer) event(at time.Duration) (e Event, ok bool) {
	e = Event{At: at, Kind: d.card()}
	switch e.Kind {
	case Kill, Stop:
		e.For, e.Skew = d.between(50*time.Millisecond, 5*time.Second), d.skew()
		return d.process(e)
	case Pause: // of 3 s is when others take over
		e.For = d.between(300*time.Millisecond, 9*time.Second)
		return d.process(e)
	case Restart:
		e.For, e.How = d.between(10*time.Millisecond, 3*time.Second), []string{"fast", "immediate", "kill"}[d.rng.IntN(3)]
		return e, d.take(Store, e)
	}
	e.For = d.between(300*time.Millisecond, 9*time.Second)
	switch e.Kind {
	case Isolate:
		e.Node = d.node()
		e.Links = d.around(e.Node)
	case Split:
		e.Links = d.split()
	case OneWay:
		e.Links = d.link()[:1]
	case Cut:
		e.Links = d.link()
	case Lossy:
		e.Links, e.Loss = d.link()[:1+d.rng.IntN(2)], math.Round(100*(0.05+0.4*d.rng.Float64()))/100
	case Slow:
		e.Links, e.Delay = d.link()[:1+d.rng.IntN(2)], d.between(5*time.Millisecond, 500*time.Millisecond)
		e.Jitter = d.between(time.Millisecond, 100*time.Millisecond)
	}
	return e, true
}

// process gives a fault of a process its node.
func (d *drawer) process(e Event) (Event, bool) {
	e.Node = d.node()
	return e, d.take(e.Node, e)
}

// rest is what a process is left alone for after a fault: a start takes about as long.
const rest = time.Second

func (d *drawer) take(p Place, e Event) bool {
	if e.At < d.busy[p] {
		return false
	}
	d.busy[p] = e.At + e.For + rest
	return true
}

func (d *drawer) node() Place { return d.nodes[d.rng.IntN(len(d.nodes))] }

// link is both directions of one between a node and any other place. Of three, two are between nodes.
func (d *drawer) link() []Link {
	from := d.node()
	to := []Place{Store, Outside}[d.rng.IntN(2)]
	if d.rng.IntN(3) > 0 {
		for to = d.node(); to == from; {
			to = d.node()
		}
	}
	both := []Link{{from, to}, {to, from}}
	if d.rng.IntN(2) == 0 {
		slices.Reverse(both)
	}
	return both
}

// around is every link of a node to the other nodes; of three, one time those to the store as well, and one time all.
func (d *drawer) around(node Place) (all []Link) {
	others := slices.DeleteFunc(slices.Clone(d.nodes), func(p Place) bool { return p == node })
	for _, other := range append(others, [][]Place{{}, {Store}, {Store, Outside}}[d.rng.IntN(3)]...) {
		all = append(all, Link{node, other}, Link{other, node})
	}
	return all
}

// split is every link between the first of the nodes, shuffled, and the rest.
func (d *drawer) split() (all []Link) {
	nodes := slices.Clone(d.nodes)
	d.rng.Shuffle(len(nodes), func(i, k int) { nodes[i], nodes[k] = nodes[k], nodes[i] })
	border := 1 + d.rng.IntN(len(nodes)-1)
	for _, one := range nodes[:border] {
		for _, other := range nodes[border:] {
			all = append(all, Link{one, other}, Link{other, one})
		}
	}
	return all
}
