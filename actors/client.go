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
	const op = "ingest event"
	until, _ := ctx.Deadline()
	reply, err := r.node.Ask(ctx, &wire.HereIngest{Ingest: &wire.Ingest{Event: wire.FromEvent(e)}, Until: until})
	if err != nil {
		return domain.Received{}, err
	}
	k, ok := reply.(*wire.Kept)
	if !ok {
		return domain.Received{}, unexpected(op, reply)
	}
	if k.Refused != "" {
		return domain.Received{}, domain.Fail(op, domain.Code(k.Refused), errors.New(k.Reason))
	}
	return domain.Received{Duplicate: k.Duplicate, Seq: k.Seq}, nil
}

// Hits hands one visitor's hits, at most domain.MaxHits, to its lane, in their order, and waits until all are kept,
// or were before. After an error all are to be sent again; those that were kept are duplicates then. It does not
// wait for the match: who the visitor is may be known later. The hits and what they point at are not to be changed
// afterwards.
func (r *Runtime) Hits(ctx context.Context, hits []domain.Hit) ([]domain.Received, error) {
	const op = "keep hits"
	if len(hits) == 0 {
		return nil, nil
	}
	visitor := domain.VisitorKey{Account: hits[0].Account, Visitor: hits[0].Visitor}
	for i := range hits {
		if hits[i].Account != visitor.Account || hits[i].Visitor != visitor.Visitor {
			return nil, domain.Fail(op, domain.Internal, errors.New("they are of more than one visitor"))
		}
	}
	until, _ := ctx.Deadline()
	reply, err := r.node.Ask(ctx, &wire.HereHits{Visitor: visitor, Hits: hits, Until: until})
	if err != nil {
		return nil, err
	}
	k, ok := reply.(*wire.KeptHits)
	if !ok {
		return nil, unexpected(op, reply)
	}
	if k.Refused != "" {
		return nil, domain.Fail(op, domain.Code(k.Refused), errors.New(k.Reason))
	}
	received := k.Domain()
	if len(received) != len(hits) {
		return nil, domain.Fail(op, domain.Internal, fmt.Errorf("%d hits were answered as %d", len(hits), len(received)))
	}
	return received, nil
}

func unexpected(op string, reply any) error {
	return domain.Fail(op, domain.Internal, fmt.Errorf("unexpected answer %T", reply))
}
