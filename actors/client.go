package actors

import (
	"context"
	"errors"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
)

// Ingest hands a verified event to its lead and waits until the store has kept it, or says it had it
// before. Unavailable and Fenced mean that the source should try again.
func (r *Runtime) Ingest(ctx context.Context, e domain.Event) (domain.Received, error) {
	reply, err := r.node.Ask(ctx, &wire.Ingest{Event: wire.FromEvent(e)})
	if err != nil {
		return domain.Received{}, err
	}
	k, ok := reply.(*wire.Kept)
	if !ok {
		return domain.Received{}, domain.Fail("ingest event", domain.Internal, fmt.Errorf("unexpected answer %T", reply))
	}
	if k.Refused != "" {
		return domain.Received{}, domain.Fail("ingest event", domain.Code(k.Refused), errors.New(k.Reason))
	}
	return domain.Received{Duplicate: k.Duplicate, Seq: k.Seq}, nil
}
