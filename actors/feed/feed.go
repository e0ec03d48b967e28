package feed

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	// LeaseFor is how long a node's interest lasts without renewal: three missed renewals.
	LeaseFor = 3 * RenewEvery
	// RenewEvery is how often a node renews. A lost renewal costs nothing; ten seconds keeps 10,000
	// watched buyers at 1,000 messages a second.
	RenewEvery = 10 * time.Second
	// Patience is how long an announcement that is ahead waits for the ones before it. Commits are
	// ordered, their announcements are not: the answers of one commit reach their actors within
	// milliseconds on a busy machine. Longer means that one was lost, and costs a read of the store; a
	// read that was not needed costs more than the wait.
	Patience = 25 * time.Millisecond
	// Setback is the pause after the store could not be read: thousands of feeds may ask at once.
	Setback = time.Second
	// MaxEarly is how many announcements may wait for one that is missing; past it the store is asked
	// at once and the rest is read from there.
	MaxEarly = 256
	// FillLimit is how many events one reading takes.
	FillLimit = 500
)

// Node is a node's hub, which publishes to the watchers whose sockets are there.
type Node struct{ Address, Hub string }

// Step is something to do. A shell does the steps in order.
type Step interface{ step() }

// Load asks how far the feed goes; the answer comes back to Feed.Loaded.
type Load struct{}

// Fill asks for events after After, at most FillLimit; the answer comes back to Feed.Filled.
type Fill struct{ After domain.Seq }

// Wait asks to call Feed.Overdue after a pause.
type Wait struct{ For time.Duration }

// Publish sends consecutive events to every node listed. Without events it only tells Head.
type Publish struct {
	To     []Node
	Events []domain.FeedEvent
	Head   domain.Seq
}

// Answer tells a node that its lease is granted: events after Head will be published to it.
type Answer struct {
	To   any
	Head domain.Seq
	Err  error
}

func (Load) step()    {}
func (Fill) step()    {}
func (Wait) step()    {}
func (Publish) step() {}
func (Answer) step()  {}

// Feed is the state of one buyer's activation.
type Feed struct {
	loaded, loading bool
	head            domain.Seq // newest published
	early           map[domain.Seq]domain.FeedEvent
	filling         bool // the store is being read
	waiting         bool // Overdue is on its way
	leases          map[Node]time.Time
	asking          []asker // until loaded
	renewing        []Node  // until loaded
}

type asker struct {
	node Node
	to   any
}

// New is a feed that has just been activated. The first step of its life is Load.
func New() (*Feed, []Step) { return &Feed{loading: true}, []Step{Load{}} }

// Watched says whether any node watches.
func (f *Feed) Watched() bool { return len(f.leases) > 0 || len(f.asking) > 0 }

// Leases is how many nodes watch.
func (f *Feed) Leases() int { return len(f.leases) }

// Busy says whether the feed has to stay in memory.
func (f *Feed) Busy() bool { return f.Watched() || f.loading || f.filling || f.waiting }

// Promised says whether somebody waits for an answer of this feed: all that a feed which moves to another node has to see to.
// Those who watch ask there, and what is not published is found there.
func (f *Feed) Promised() bool { return len(f.asking) > 0 }

// Head is the newest sequence published; 0 until loaded.
func (f *Feed) Head() domain.Seq { return f.head }

// Loaded takes the store's answer to Load. Everything up to head is taken as published: whoever
// watches from an older place reads it from the store.
func (f *Feed) Loaded(now time.Time, head domain.Head, err error) []Step {
	if f.loaded { // an earlier incarnation's question
		return nil
	}
	f.loading = false
	if err != nil {
		var steps []Step
		for _, a := range f.asking {
			steps = append(steps, Answer{To: a.to, Err: err})
		}
		f.asking, f.renewing = nil, nil
		return steps
	}
	f.loaded, f.head = true, head.Seq
	for seq := range f.early {
		if seq <= f.head {
			delete(f.early, seq)
		}
	}
	var steps []Step
	for _, a := range f.asking {
		steps = append(steps, f.grant(now, a.node, a.to))
	}
	for _, n := range f.renewing {
		steps = append(steps, f.Renew(now, n)...)
	}
	f.asking, f.renewing = nil, nil
	return append(steps, f.advance(nil)...)
}

// Announce takes an event that has been committed.
func (f *Feed) Announce(e domain.FeedEvent) []Step {
	switch {
	case !f.loaded:
		f.keepEarly(e)
		return f.load()
	case e.Seq <= f.head:
		return nil
	case e.Seq == f.head+1:
		return f.advance([]domain.FeedEvent{e})
	}
	f.keepEarly(e)
	if len(f.early) >= MaxEarly {
		return f.fill()
	}
	return f.wait()
}

// Overdue is called Patience after an announcement came early.
func (f *Feed) Overdue() []Step {
	f.waiting = false
	if len(f.early) == 0 || !f.loaded {
		return nil
	}
	return f.fill()
}

// Filled takes the store's answer to Fill. After an error the next announcement, or the next Checked,
// asks again.
func (f *Feed) Filled(events []domain.FeedEvent, err error) []Step {
	f.filling = false
	if err != nil {
		if len(f.early) > 0 {
			return f.waitFor(Setback)
		}
		return nil
	}
	var run []domain.FeedEvent
	for _, e := range events {
		if e.Seq == f.head+domain.Seq(len(run))+1 {
			run = append(run, e)
		}
	}
	steps := f.advance(run) // waits again if something is still missing
	if len(run) > 0 && len(events) == FillLimit {
		steps = append(steps, f.fill()...)
	}
	return steps
}

// Checked takes the store's word on how far the feed goes. Anything behind it that nobody announced
// is read and published.
func (f *Feed) Checked(head domain.Seq) []Step {
	if !f.loaded {
		return f.load()
	}
	if head <= f.head {
		return nil
	}
	return f.fill()
}

// Watch grants a node a lease and tells it where the feed stands.
func (f *Feed) Watch(now time.Time, node Node, to any) []Step {
	if !f.loaded {
		f.asking = append(f.asking, asker{node, to})
		return f.load()
	}
	return []Step{f.grant(now, node, to)}
}

// Renew prolongs a node's lease, and tells it where the feed stands in case it missed something.
func (f *Feed) Renew(now time.Time, node Node) []Step {
	if !f.loaded {
		if len(f.renewing) < MaxEarly {
			f.renewing = append(f.renewing, node)
		}
		return f.load()
	}
	f.lease(now, node)
	return []Step{Publish{To: []Node{node}, Head: f.head}}
}

// Unwatch gives a lease back.
func (f *Feed) Unwatch(node Node) { delete(f.leases, node) }

// Expire forgets the nodes whose leases have run out.
func (f *Feed) Expire(now time.Time) {
	for node, until := range f.leases {
		if now.After(until) {
			delete(f.leases, node)
		}
	}
}

func (f *Feed) grant(now time.Time, node Node, to any) Step {
	f.lease(now, node)
	return Answer{To: to, Head: f.head}
}

func (f *Feed) lease(now time.Time, node Node) {
	if f.leases == nil {
		f.leases = make(map[Node]time.Time, 1)
	}
	f.leases[node] = now.Add(LeaseFor)
}

// advance publishes run and whatever it makes consecutive.
func (f *Feed) advance(run []domain.FeedEvent) []Step {
	f.head += domain.Seq(len(run))
	for len(f.early) > 0 {
		e, ok := f.early[f.head+1]
		if !ok {
			break
		}
		delete(f.early, e.Seq)
		run = append(run, e)
		f.head++
	}
	for seq := range f.early { // filled meanwhile
		if seq <= f.head {
			delete(f.early, seq)
		}
	}
	var steps []Step
	if len(run) > 0 && len(f.leases) > 0 {
		to := make([]Node, 0, len(f.leases))
		for node := range f.leases {
			to = append(to, node)
		}
		steps = append(steps, Publish{To: to, Events: run, Head: f.head})
	}
	if len(f.early) > 0 {
		steps = append(steps, f.wait()...)
	}
	return steps
}

func (f *Feed) keepEarly(e domain.FeedEvent) {
	if len(f.early) >= MaxEarly { // the store has it
		return
	}
	if f.early == nil {
		f.early = make(map[domain.Seq]domain.FeedEvent, 4)
	}
	f.early[e.Seq] = e
}

func (f *Feed) load() []Step {
	if f.loading {
		return nil
	}
	f.loading = true
	return []Step{Load{}}
}

func (f *Feed) fill() []Step {
	if f.filling {
		return nil
	}
	f.filling = true
	return []Step{Fill{f.head}}
}

func (f *Feed) wait() []Step { return f.waitFor(Patience) }

func (f *Feed) waitFor(pause time.Duration) []Step {
	if f.waiting || f.filling {
		return nil
	}
	f.waiting = true
	return []Step{Wait{pause}}
}
