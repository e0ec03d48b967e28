// Package plan decides what goes wrong in a round of chaos, and when. A plan is a pure function of a seed, the number
// of nodes and the length of the round, so a round that found something is told by three words and can be had again.
//
//	seed ──▶ a pack of cards, one for each fault (those that hurt most twice), shuffled, again and again
//	     ──▶ a pause, a card, a target that is not under way, how long it lasts, ... until the round is over
//
// Faults overlap: a node may be paused while the link of another is cut and the store is down. Two faults of one
// process never do.
package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Kind is a sort of fault.
type Kind string

// The faults.
const (
	Kill    Kind = "kill"          // kill -9 of a node, and a start after For
	Stop    Kind = "stop"          // a graceful stop, likewise
	Pause   Kind = "pause"         // SIGSTOP, and SIGCONT after For: the owner that does not know what it missed
	Cut     Kind = "cut"           // a link in both directions
	OneWay  Kind = "cut-one-way"   // in one
	Isolate Kind = "isolate"       // all links of a node: see Links for whether the store and the outside are among them
	Split   Kind = "split"         // the links between two groups of nodes
	Lossy   Kind = "lossy"         // packets of a link are lost
	Slow    Kind = "slow"          // or late
	Restart Kind = "restart-store" // Postgres is stopped by How, and started after For
)

// Place is one end of a link: a node ("n1", "n2", ...), Store or Outside.
type Place string

// The places that are no nodes.
const (
	Store   Place = "store"
	Outside Place = "outside" // sources, dashboards and receivers
)

// Node is the place of node i, from 0.
func Node(i int) Place { return Place(fmt.Sprintf("n%d", i+1)) }

// Link is one direction.
type Link struct{ From, To Place }

// Event is a fault from At, counted from the beginning of the round, for so long.
type Event struct {
	At, For time.Duration
	Kind    Kind
	Node    Place         // of Kill, Stop, Pause and Isolate
	Skew    time.Duration // of Kill and Stop: how wrong the node's clock is when it comes back
	Links   []Link        // of the others, but Restart
	Loss    float64       // of Lossy
	Delay   time.Duration // of Slow, and
	Jitter  time.Duration // up to so much more
	How     string        // of Restart: fast, immediate or kill
}

// Plan is a round.
type Plan struct {
	Seed   uint64
	Nodes  int
	Length time.Duration
	TLS    bool            // between nodes: of every other seed
	Skews  []time.Duration // of each node's clock, at first
	Events []Event         // in the order of At
}

// String tells the plan, a line an event.
func (p Plan) String() string {
	var b strings.Builder
	between := "sealed by a key"
	if p.TLS {
		between = "under TLS"
	}
	fmt.Fprintf(&b, "seed %d, %d nodes %s for %v, clocks wrong by %v\n", p.Seed, p.Nodes, between, p.Length, p.Skews)
	for _, e := range p.Events {
		fmt.Fprintf(&b, "  %s\n", e)
	}
	return b.String()
}

// String tells an event.
func (e Event) String() string {
	text := fmt.Sprintf("%6.3fs %s", e.At.Seconds(), e.Kind)
	if e.Node != "" {
		text += " " + string(e.Node)
	}
	if e.Kind == Isolate {
		text += " from " + strings.Join(e.peers(), " ")
	} else if len(e.Links) > 0 {
		text += " " + linkText(e.Links)
	}
	switch e.Kind {
	case Lossy:
		text += fmt.Sprintf(" by %.0f%%", 100*e.Loss)
	case Slow:
		text += fmt.Sprintf(" by %v to %v", e.Delay, e.Delay+e.Jitter)
	case Restart:
		text += " " + e.How
	}
	text += fmt.Sprintf(" for %.3fs", e.For.Seconds())
	if e.Skew != 0 {
		text += fmt.Sprintf(", back with a clock wrong by %v", e.Skew)
	}
	return text
}

func (e Event) peers() (all []string) {
	for _, l := range e.Links {
		if l.From == e.Node {
			all = append(all, string(l.To))
		}
	}
	return all
}

func linkText(links []Link) string {
	var all []string
	for _, l := range links {
		if slices.Contains(links, Link{l.To, l.From}) {
			if l.From < l.To {
				all = append(all, fmt.Sprintf("%s-%s", l.From, l.To))
			}
			continue
		}
		all = append(all, fmt.Sprintf("%s>%s", l.From, l.To))
	}
	return strings.Join(all, " ")
}

// Draw makes the plan of a seed. nodes: 0: 3 to 5, by the seed.
func Draw(seed uint64, nodes int, length time.Duration) Plan {
	d := &drawer{rng: rand.New(rand.NewPCG(seed, 0)), busy: map[Place]time.Duration{}}
	if drawn := 3 + d.rng.IntN(3); nodes == 0 {
		nodes = drawn
	}
	p := Plan{Seed: seed, Nodes: nodes, Length: length, TLS: seed%2 == 0}
	for i := range nodes {
		d.nodes = append(d.nodes, Node(i))
		p.Skews = append(p.Skews, d.skew())
	}
	for at := d.between(500*time.Millisecond, 2*time.Second); at < length; at += d.between(500*time.Millisecond, 3*time.Second) {
		if e, ok := d.event(at); ok {
			e.For = min(e.For, length-at)
			p.Events = append(p.Events, e)
		}
	}
	return p
}
