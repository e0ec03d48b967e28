package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster/clusterpb"
)

// question is what one try allocates: the envelope and the address to answer to, together.
type question struct {
	envelope actor.MessageEnvelope
	sender   actor.PID
}

// errTry is a try that another one may better: the owner is about to change, or did not answer.
type errTry struct{ err error }

func (e errTry) Error() string { return e.err.Error() }

// Ask sends m to its actor, wherever it lives, and returns the actor's answer. While the partition has
// no owner, or its owner does not answer, it tries again until ctx ends (or Config.AskTimeout, when ctx
// has no deadline): m may therefore arrive more than once, and must be safe to repeat.
//
// Errors are *domain.Error: Unavailable when a later call may succeed (no owner, ledger down, mailbox or
// in-flight limit full, no answer in time: the outcome is then unknown), Internal when the actor
// panicked on m or its kind does not exist.
func (n *Node) Ask(ctx context.Context, m Keyed) (any, error) {
	kind, id := m.Address()
	s := n.asks.take()
	if s == nil {
		return n.asked(nil, unavailable(kind, fmt.Errorf("%d asks are in flight, the limit", n.cfg.AsksInFlight)))
	}
	defer n.asks.give(s)
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(n.cfg.AskTimeout)
	}
	for tries := 0; ; tries++ {
		answer, err := n.try(ctx, s, deadline, m, kind, id)
		var again errTry
		if err == nil || !errors.As(err, &again) {
			return n.asked(answer, err)
		}
		n.m.askRetries.Inc()
		if !s.pause(ctx, deadline, tries) {
			return n.asked(nil, unavailable(kind, again.err))
		}
	}
}

// try asks once.
func (n *Node) try(ctx context.Context, s *slot, deadline time.Time, m Keyed, kind, id string) (any, error) {
	if n.closed.Load() {
		return nil, unavailable(kind, errStopping)
	}
	p, owner := n.router.way(kind, id)
	if owner == nil {
		if why := n.keeper.obstacle(); why != nil {
			return nil, unavailable(kind, why)
		}
		return nil, errTry{errNoOwner}
	}
	rid := s.open()
	q := &question{}
	q.sender.Address, q.sender.Id, q.sender.RequestId = n.address, sinkID, rid
	q.envelope.Message, q.envelope.Sender = m, &q.sender
	var err error
	var gone chan struct{} // closed when an owner elsewhere will not answer any more
	if owner.local {
		err = n.askHere(p, kind, id, &q.envelope)
	} else if err = owner.peer.begin(m); err == nil {
		defer owner.peer.end()
		gone = owner.peer.gone
		n.sys.Root.Send(owner.inbox, &q.envelope)
	}
	if err != nil {
		if late, ok := s.close(rid); ok { // cannot be: it was not sent
			return late, nil
		}
		return nil, err
	}
	return n.wait(ctx, s, rid, min(time.Until(deadline), n.cfg.AskTry), kind, gone)
}

func (n *Node) askHere(p *partition, kind, id string, msg any) error {
	switch err := n.router.post(p, key{kind, id}, msg); {
	case err == nil:
		return nil
	case errors.Is(err, errNotHeld):
		if why := n.keeper.obstacle(); why != nil && !p.moving.Load() {
			return unavailable(kind, why)
		}
		return errTry{err}
	case errors.Is(err, errUnknown):
		return domain.Fail("ask "+kind, domain.Internal, err)
	default:
		return unavailable(kind, err)
	}
}

func (n *Node) wait(ctx context.Context, s *slot, rid uint32, limit time.Duration, kind string, gone <-chan struct{}) (any, error) {
	s.timer.Reset(limit)
	defer s.timer.Stop()
	var late error
	select {
	case answer := <-s.reply:
		return judgeAnswer(kind, answer)
	case <-ctx.Done():
		late = unavailable(kind, ctx.Err())
	case <-n.base.Done():
		late = unavailable(kind, errStopping)
	case <-gone:
		late = errTry{errGone}
	case <-s.timer.C:
		late = errTry{fmt.Errorf("no answer in %s", limit.Round(time.Millisecond))}
	}
	if answer, ok := s.close(rid); ok {
		return judgeAnswer(kind, answer)
	}
	return nil, late
}

func judgeAnswer(kind string, answer any) (any, error) {
	switch a := answer.(type) {
	case *clusterpb.Refusal:
		if retriable(a.GetReason()) {
			return nil, errTry{errors.New(a.GetDetail())}
		}
		return nil, asError("ask "+kind, a)
	case *actor.DeadLetterResponse:
		return nil, errTry{errors.New("the owner cannot be reached")}
	default:
		return answer, nil
	}
}

// pause waits between tries: 10 to 30ms four times, because a hand-over takes tens of milliseconds, and then twice as long
// each time up to 80 to 240ms, because what takes longer takes seconds. Those who wait for the same thing should not return
// together. It reports whether there is time for another try.
func (s *slot) pause(ctx context.Context, deadline time.Time, tries int) bool {
	d := (10*time.Millisecond + rand.N(20*time.Millisecond)) << min(max(0, tries-3), 3)
	if ctx.Err() != nil || time.Until(deadline) <= d {
		return false
	}
	s.timer.Reset(d)
	defer s.timer.Stop()
	select {
	case <-s.timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// asked counts the outcome.
func (n *Node) asked(answer any, err error) (any, error) {
	n.m.asked(err)
	return answer, err
}

var (
	errStopping = errors.New("this node is stopping")
	errGone     = errors.New("the owner has left the cluster")
	errNoOwner  = errors.New("no node owns it (now)")
	errNoProto  = errors.New("only a protobuf message can go to another node")
)

func unavailable(kind string, err error) *domain.Error {
	return domain.Fail("ask "+kind, domain.Unavailable, err)
}

func mustCross(m any) error {
	if _, ok := m.(proto.Message); !ok {
		return domain.Fail("send to another node", domain.Internal, fmt.Errorf("%T: %w", m, errNoProto))
	}
	return nil
}

func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
