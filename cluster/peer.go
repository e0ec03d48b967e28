package cluster

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster/clusterpb"
)

// peer bounds what is under way to one other node. The runtime's own queue to it has no bound: a peer
// that has stopped reading would collect messages here until memory ends.
type peer struct {
	address string
	marks   *actor.PID    // where it confirms to; the request id says that it was this peer
	gone    chan struct{} // closed when it is no longer a member: it will not answer
	asks    atomic.Int64  // questions without an answer yet
	limit   int64

	told      atomic.Uint64 // one-way messages sent
	confirmed atomic.Uint64 // of those, known to have arrived (or to be lost for good)
	window    uint64
	marked    atomic.Int64 // when the last Mark was sent at the limit, unix nanoseconds
}

func newPeer(address string, marks *actor.PID, cfg Config) *peer {
	return &peer{address: address, marks: marks, gone: make(chan struct{}), limit: int64(cfg.PeerInFlight), window: uint64(cfg.TellWindow)}
}

// begin counts a question; end follows unless it fails.
func (p *peer) begin(m Keyed) error {
	if err := mustCross(m); err != nil {
		return err
	}
	if p.asks.Add(1) > p.limit {
		p.asks.Add(-1)
		return domain.Fail("ask "+p.address, domain.Unavailable, fmt.Errorf("%d asks to %s are in flight, the limit", p.limit, p.address))
	}
	return nil
}

func (p *peer) end() { p.asks.Add(-1) }

// markEvery is how many one-way messages go between two Marks: a sixteenth of the default window.
const markEvery = 256

// markAgain is how often a peer that confirms nothing is asked again.
const markAgain = 500 * time.Millisecond

// tell counts a one-way message and says whether it may go, and whether a Mark should follow it.
// Messages to one peer keep their order, so the answer to a Mark confirms all before it; after a lost
// connection, the next answer also writes off what was lost.
func (p *peer) tell(now time.Time) (seq uint64, mark, ok bool) {
	if p.told.Load()-p.confirmed.Load() >= p.window {
		last := p.marked.Load()
		due := now.UnixNano()-last >= int64(markAgain) && p.marked.CompareAndSwap(last, now.UnixNano())
		return p.told.Load(), due, false
	}
	seq = p.told.Add(1)
	return seq, seq%markEvery == 0, true
}

func (p *peer) confirm(seq uint64) {
	for {
		have := p.confirmed.Load()
		if seq <= have || p.confirmed.CompareAndSwap(have, seq) {
			return
		}
	}
}

// Tell sends m to its actor, wherever it lives, at most once: nil means it is on its way. Errors are
// *domain.Error: Unavailable when the partition has no owner or a limit is full, Internal when the kind
// does not exist.
func (n *Node) Tell(m Keyed) error {
	kind, id := m.Address()
	if n.closed.Load() {
		return domain.Fail("tell "+kind, domain.Unavailable, errStopping)
	}
	p, owner := n.router.way(kind, id)
	switch {
	case owner == nil:
		return domain.Fail("tell "+kind, domain.Unavailable, errNoOwner)
	case owner.local:
		return n.tellHere(p, kind, id, m)
	}
	return n.tellPeer("tell "+kind, owner, owner.inbox, m)
}

// Notify sends m to an actor that has a name on its node, at most once: nil means it is on its way. It counts like Tell. Errors are
// *domain.Error: Unavailable when no member has this address of actor messages, or has not confirmed what it was sent before.
func (n *Node) Notify(address, name string, m proto.Message) error {
	to := actor.NewPID(address, name)
	if address == n.address {
		n.sys.Root.Send(to, m)
		return nil
	}
	op := "notify " + name
	for _, owner := range n.router.table.Load().known {
		if owner.address == address && !owner.local {
			return n.tellPeer(op, owner, to, m)
		}
	}
	return domain.Fail(op, domain.Unavailable, fmt.Errorf("%s is no member", address))
}

func (n *Node) tellPeer(op string, owner *member, to *actor.PID, m any) error {
	if err := mustCross(m); err != nil {
		return err
	}
	seq, mark, ok := owner.peer.tell(time.Now())
	if ok {
		n.sys.Root.Send(to, m)
	}
	if mark {
		n.sys.Root.RequestWithCustomSender(owner.inbox, &clusterpb.Mark{Sent: seq}, owner.peer.marks)
	}
	if !ok {
		return domain.Fail(op, domain.Unavailable, fmt.Errorf("%s has not confirmed the last %d messages", owner.address, owner.peer.window))
	}
	return nil
}

func (n *Node) tellHere(p *partition, kind, id string, m Keyed) error {
	err := n.router.post(p, key{kind, id}, m)
	if err == nil {
		return nil
	}
	why := whyNot(err, p.n, kind, n.router.kinds[kind])
	n.router.refuse(m, why)
	return asError("tell "+kind, why)
}

// confirmations is the process that hears what peers have received of our one-way messages.
type confirmations roster

const marksID = "cluster-marks"

var _ actor.Process = (*confirmations)(nil)

// SendUserMessage takes a Marked.
func (c *confirmations) SendUserMessage(pid *actor.PID, msg any) {
	if m, ok := actor.UnwrapEnvelopeMessage(msg).(*clusterpb.Marked); ok {
		(*roster)(c).confirm(pid.GetRequestId(), m.GetSent())
	}
}

// SendSystemMessage is part of actor.Process.
func (c *confirmations) SendSystemMessage(*actor.PID, any) {}

// Stop is part of actor.Process.
func (c *confirmations) Stop(*actor.PID) {}
