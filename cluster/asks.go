package cluster

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// asks are the answers this node waits for. Each has a slot; the request id that travels with the
// question is the slot's number and how often the slot has been used, so an answer that comes too
// late finds nobody, and an answer that comes in time needs no map, no future and no goroutine.
type asks struct {
	mu    sync.Mutex
	free  []uint32 // slots nobody waits in; the last one given back is the next one taken: it is warm
	slots [maxAsks]atomic.Pointer[slot]
	made  int
	limit int

	waiting atomic.Int64
}

const (
	slotBits = 16
	maxAsks  = 1 << slotBits
)

// slot is where one caller waits. state is the request id while it waits for that answer, and 0
// otherwise; whoever swaps it to 0 decides whether the answer came in time.
type slot struct {
	n     uint32
	uses  uint32
	state atomic.Uint32
	reply chan any // holds one
	timer *time.Timer
}

func newAsks(limit int) *asks { return &asks{limit: limit} }

// sinkID is the process id to which answers are sent, on every node.
const sinkID = "cluster-replies"

// take claims a slot and returns the request id to ask with; nil at the limit.
func (a *asks) take() *slot {
	a.mu.Lock()
	var s *slot
	if n := len(a.free); n > 0 {
		s = a.slots[a.free[n-1]].Load()
		a.free = a.free[:n-1]
	} else if a.made < a.limit {
		s = &slot{n: uint32(a.made), reply: make(chan any, 1), timer: newStoppedTimer()}
		a.slots[a.made].Store(s)
		a.made++
	}
	a.mu.Unlock()
	if s != nil {
		a.waiting.Add(1)
	}
	return s
}

// open begins a wait and returns its request id, never 0.
func (s *slot) open() uint32 {
	s.uses = s.uses%(1<<(32-slotBits)-1) + 1
	id := s.uses<<slotBits | s.n
	s.state.Store(id)
	return id
}

// close ends a wait that got no answer in time. An answer that won the race is returned after all.
func (s *slot) close(id uint32) (any, bool) {
	if s.state.CompareAndSwap(id, 0) {
		return nil, false
	}
	return <-s.reply, true
}

func (a *asks) give(s *slot) {
	a.waiting.Add(-1)
	a.mu.Lock()
	a.free = append(a.free, s.n)
	a.mu.Unlock()
}

func newStoppedTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// sink is the process that answers are sent to.
type sink asks

var _ actor.Process = (*sink)(nil)

// SendUserMessage hands an answer to whoever waits for it.
func (k *sink) SendUserMessage(pid *actor.PID, msg any) {
	id := pid.GetRequestId()
	s := (*asks)(k).slots[id&(maxAsks-1)].Load()
	if id == 0 || s == nil || !s.state.CompareAndSwap(id, 0) {
		return
	}
	s.reply <- actor.UnwrapEnvelopeMessage(msg)
}

// SendSystemMessage is part of actor.Process.
func (k *sink) SendSystemMessage(*actor.PID, any) {}

// Stop is part of actor.Process.
func (k *sink) Stop(*actor.PID) {}
