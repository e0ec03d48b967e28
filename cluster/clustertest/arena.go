package clustertest

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest/testpb"
)

// Arena watches every activation of a test, on all its nodes.
type Arena struct {
	Lives   atomic.Int64  // activations so far
	Stops   atomic.Int64  // of those, how many have ended
	Release chan struct{} // close it to let actors go on that were told to block
	Entered chan struct{} // one for each actor that blocks

	mu       sync.Mutex
	alive    map[string]int // by node and identity
	overlaps int
}

// NewArena returns an arena that has seen nothing.
func NewArena() *Arena {
	return &Arena{alive: map[string]int{}, Release: make(chan struct{}), Entered: make(chan struct{}, 1024)}
}

// Kind is a sort of actor that does what a Ping says, and answers with a Pong:
//
//	panic      panics, without an answer
//	silence    does not answer
//	block      answers once Release is closed
//	busy, free are what it says of itself from then on; Leaving frees it. Of a kind that hands over, one that is busy
//	           has not settled
//	stop       stops itself
//
// The identity "stillborn" panics when it is made.
func (a *Arena) Kind(name string, change ...func(*cluster.Kind)) cluster.Kind {
	k := cluster.Kind{Name: name, New: func(who cluster.Identity) cluster.Actor {
		if who.ID == "stillborn" {
			panic("no life in it")
		}
		return &probe{arena: a, who: who, life: a.Lives.Add(1)}
	}}
	for _, c := range change {
		c(&k)
	}
	return k
}

func (a *Arena) enter(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.alive[key]++; a.alive[key] > 1 {
		a.overlaps++
	}
}

func (a *Arena) exit(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.alive[key]--
}

// Overlaps is how often an identity came to life on a node on which it was alive already.
func (a *Arena) Overlaps() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.overlaps
}

type probe struct {
	arena *Arena
	who   cluster.Identity
	life  int64
	key   string
	busy  bool

	moving bool
}

func (p *probe) Busy() bool { return p.busy }

func (p *probe) Settled() bool { return p.moving && !p.busy }

func (p *probe) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		p.key = ctx.Self().Address + "/" + p.who.Kind + "/" + p.who.ID
		p.arena.enter(p.key)
	case *actor.Restarting, *actor.Stopped:
		p.arena.Stops.Add(1)
		p.arena.exit(p.key)
	case *cluster.Moving:
		p.moving = true
	case *cluster.Staying:
		p.moving = false
	case *cluster.Leaving:
		p.busy = false
	case *testpb.Ping:
		p.ping(ctx, m)
	}
}

func (p *probe) ping(ctx actor.Context, m *testpb.Ping) {
	switch m.GetText() {
	case "panic":
		panic("told to")
	case "silence":
		return
	case "block":
		p.arena.Entered <- struct{}{}
		<-p.arena.Release
	case "busy":
		p.busy = true
	case "free":
		p.busy = false
	case "stop":
		ctx.Stop(ctx.Self())
	}
	if ctx.Sender() != nil {
		ctx.Respond(&testpb.Pong{Id: p.who.ID, Text: m.GetText(), Address: ctx.Self().Address, Epoch: p.who.Fence.Epoch, Life: p.life})
	}
}

// Ping is a message for an actor of kind "probe".
func Ping(id, text string) *testpb.Ping { return &testpb.Ping{Kind: "probe", Id: id, Text: text} }

// Ask sends a Ping and expects an answer.
func Ask(t testing.TB, n *cluster.Node, id, text string) *testpb.Pong {
	t.Helper()
	answer, err := n.Ask(t.Context(), Ping(id, text))
	if err != nil {
		t.Errorf("ask %s %q: %v", id, text, err)
		return &testpb.Pong{}
	}
	return answer.(*testpb.Pong)
}
