package cluster_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest/testpb"
)

// arena watches every activation of a test, on all its nodes.
type arena struct {
	mu       sync.Mutex
	alive    map[string]int // node and identity
	overlaps int
	lives    atomic.Int64
	stops    atomic.Int64
	release  chan struct{} // lets actors go on that were told to block
	entered  chan struct{} // one for each that blocks
}

func newArena() *arena {
	return &arena{alive: map[string]int{}, release: make(chan struct{}), entered: make(chan struct{}, 1024)}
}

// kind is a probe that does what its messages say.
func (a *arena) kind(name string, change ...func(*cluster.Kind)) cluster.Kind {
	k := cluster.Kind{Name: name, New: func(who cluster.Identity) cluster.Actor {
		if who.ID == "stillborn" {
			panic("no life in it")
		}
		return &probe{arena: a, who: who, life: a.lives.Add(1)}
	}}
	for _, c := range change {
		c(&k)
	}
	return k
}

func (a *arena) enter(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.alive[key]++; a.alive[key] > 1 {
		a.overlaps++
	}
}

func (a *arena) exit(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.alive[key]--
}

func (a *arena) overlapping() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.overlaps
}

type probe struct {
	arena *arena
	who   cluster.Identity
	life  int64
	key   string
	busy  bool
}

func (p *probe) Busy() bool { return p.busy }

func (p *probe) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		p.key = ctx.Self().Address + "/" + p.who.Kind + "/" + p.who.ID
		p.arena.enter(p.key)
	case *actor.Restarting, *actor.Stopped:
		p.arena.stops.Add(1)
		p.arena.exit(p.key)
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
		p.arena.entered <- struct{}{}
		<-p.arena.release
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

func ping(id, text string) *testpb.Ping { return &testpb.Ping{Kind: "probe", Id: id, Text: text} }

// ask expects an answer.
func ask(t testing.TB, n *cluster.Node, id, text string) *testpb.Pong {
	t.Helper()
	answer, err := n.Ask(t.Context(), ping(id, text))
	if err != nil {
		t.Errorf("ask %s %q: %v", id, text, err)
		return &testpb.Pong{}
	}
	return answer.(*testpb.Pong)
}
