package cluster

import (
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster/clusterpb"
)

// inbox is the process that other nodes send to. It runs on the goroutine that reads a connection, so
// it only looks up and posts.
type inbox router

var _ actor.Process = (*inbox)(nil)

// SendUserMessage brings a message to its actor, or says why not.
func (i *inbox) SendUserMessage(_ *actor.PID, msg any) {
	r := (*router)(i)
	defer func() {
		if reason := recover(); reason != nil { // a message whose Address panics must not end the connection
			r.refuse(msg, refusal(clusterpb.Refusal_REASON_PANICKED, "the message has no address"))
		}
	}()
	header, inner, sender := actor.UnwrapEnvelope(msg)
	if sender != nil {
		r.heard(sender.GetAddress())
	}
	switch m := inner.(type) {
	case *clusterpb.Mark:
		if sender != nil {
			r.sys.Root.Send(sender, &clusterpb.Marked{Sent: m.GetSent()})
		}
	case Keyed:
		r.arrive(m, msg, sender, header)
	}
}

func (r *router) arrive(m Keyed, msg any, sender *actor.PID, header actor.ReadonlyMessageHeader) {
	kind, id := m.Address()
	p, owner := r.way(kind, id)
	if owner != nil && !owner.local && !hopped(header) && (sender == nil || owner == p.detour.Load()) {
		r.forward(owner, m, sender)
		return
	}
	err := r.post(p, key{kind, id}, msg)
	if err == nil {
		return
	}
	r.refuse(msg, whyNot(err, p.n, kind, r.kinds[kind]))
}

// forward sends a message on, once: the sender's view of the cluster is not ours, and one of them is about to change; or
// we wait for the partition to be handed to us. A question is answered to who asked it.
//
// Both count as one-way messages to that peer: a holder that has stopped reading is not sent more than its window.
func (r *router) forward(to *member, m Keyed, sender *actor.PID) {
	_, mark, ok := to.peer.tell(time.Now())
	if mark {
		defer r.sys.Root.RequestWithCustomSender(to.inbox, &clusterpb.Mark{Sent: to.peer.told.Load()}, to.peer.marks)
	}
	if !ok {
		r.refuse(&actor.MessageEnvelope{Message: m, Sender: sender}, refusal(clusterpb.Refusal_REASON_FULL, to.address+" has not confirmed what it was sent on"))
		return
	}
	r.sys.Root.Send(to.inbox, &actor.MessageEnvelope{Header: map[string]string{hopHeader: "1"}, Message: m, Sender: sender})
}

const hopHeader = "leadwire-hop"

func hopped(h actor.ReadonlyMessageHeader) bool { return h != nil && h.Get(hopHeader) != "" }

func whyNot(err error, p domain.Partition, name string, k *kind) *clusterpb.Refusal {
	switch {
	case errors.Is(err, errFull):
		return refusalFull(k)
	case errors.Is(err, errUnknown):
		return refusal(clusterpb.Refusal_REASON_UNKNOWN_KIND, "no such kind: "+name)
	default:
		return refusalNotOwner(p)
	}
}

// SendSystemMessage is part of actor.Process; the inbox has no life to manage.
func (i *inbox) SendSystemMessage(*actor.PID, any) {}

// Stop is part of actor.Process.
func (i *inbox) Stop(*actor.PID) {}
