package cluster

import (
	"errors"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster/clusterpb"
)

func refusal(reason clusterpb.Refusal_Reason, detail string) *clusterpb.Refusal {
	return &clusterpb.Refusal{Reason: reason, Detail: detail}
}

func refusalFull(k *kind) *clusterpb.Refusal {
	return refusal(clusterpb.Refusal_REASON_FULL, fmt.Sprintf("the mailbox of this %s is full (%d messages)", k.Name, k.limit))
}

func refusalDropped(k *kind, why string) *clusterpb.Refusal {
	return refusal(clusterpb.Refusal_REASON_DROPPED, k.Name+": "+why)
}

func refusalNotOwner(p domain.Partition) *clusterpb.Refusal {
	return refusal(clusterpb.Refusal_REASON_NOT_OWNER, fmt.Sprintf("partition %d is not held here", p))
}

// refuse answers whoever asked the message. A one-way message has nobody to tell: it is counted.
func (r *router) refuse(msg any, why *clusterpb.Refusal) {
	_, inner, sender := actor.UnwrapEnvelope(msg)
	if sender != nil {
		r.sys.Root.Send(sender, why)
		return
	}
	switch inner.(type) {
	case nil, actor.AutoReceiveMessage, idleCheck, leave, *Leaving, *Moving, *Staying: // the runtime's and our own: nothing is lost
	default:
		r.m.dropped.WithLabelValues(dropReason(why.GetReason())).Inc()
	}
}

// retriable says whether another try, a moment later, may find an owner that answers.
func retriable(why clusterpb.Refusal_Reason) bool {
	return why == clusterpb.Refusal_REASON_NOT_OWNER || why == clusterpb.Refusal_REASON_DROPPED
}

// asError is how a refusal looks to the caller of Ask.
func asError(op string, why *clusterpb.Refusal) error {
	code := domain.Unavailable
	switch why.GetReason() {
	case clusterpb.Refusal_REASON_PANICKED, clusterpb.Refusal_REASON_NOT_ACTIVATED, clusterpb.Refusal_REASON_UNKNOWN_KIND:
		code = domain.Internal
	}
	return domain.Fail(op, code, errors.New(why.GetDetail()))
}

func dropReason(why clusterpb.Refusal_Reason) string {
	switch why {
	case clusterpb.Refusal_REASON_NOT_OWNER:
		return "not_owner"
	case clusterpb.Refusal_REASON_FULL:
		return "full"
	case clusterpb.Refusal_REASON_PANICKED:
		return "panicked"
	case clusterpb.Refusal_REASON_UNKNOWN_KIND:
		return "unknown_kind"
	case clusterpb.Refusal_REASON_NOT_ACTIVATED:
		return "not_activated"
	default:
		return "stopped"
	}
}

var dropReasons = []clusterpb.Refusal_Reason{
	clusterpb.Refusal_REASON_NOT_OWNER, clusterpb.Refusal_REASON_FULL, clusterpb.Refusal_REASON_PANICKED,
	clusterpb.Refusal_REASON_UNKNOWN_KIND, clusterpb.Refusal_REASON_NOT_ACTIVATED, clusterpb.Refusal_REASON_DROPPED,
}
