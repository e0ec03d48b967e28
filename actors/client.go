package actors

import (
	"context"
	"errors"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
)

// Ingest hands a verified event to its lead and waits until the store has kept it, or says it had it
// before. Unavailable and Fenced mean that the source should try again.
func (r *Runtime) Ingest(ctx context.Context, e domain.Event) (domain.Received, error) {
	return r.keep(ctx, "ingest event", &wire.Ingest{Event: wire.FromEvent(e)})
}

// Hit hands a pixel's event to its visitor's lane, in the same way. It does not wait for the match: who the
// visitor is may be known later. h and what it points at are not to be changed afterwards.
func (r *Runtime) Hit(ctx context.Context, h domain.Hit) (domain.Received, error) {
	return r.keep(ctx, "keep hit", &wire.HereHit{Hit: h})
}

func (r *Runtime) keep(ctx context.Context, op string, m cluster.Keyed) (domain.Received, error) {
	reply, err := r.node.Ask(ctx, m)
	if err != nil {
		return domain.Received{}, err
	}
	k, ok := reply.(*wire.Kept)
	if !ok {
		return domain.Received{}, domain.Fail(op, domain.Internal, fmt.Errorf("unexpected answer %T", reply))
	}
	if k.Refused != "" {
		return domain.Received{}, domain.Fail(op, domain.Code(k.Refused), errors.New(k.Reason))
	}
	return domain.Received{Duplicate: k.Duplicate, Seq: k.Seq}, nil
}
