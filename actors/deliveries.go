package actors

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
)

// EndpointChanged tells an endpoint that its secrets or its state were changed. It is a hint, like all of these.
func (r *Runtime) EndpointChanged(key domain.EndpointKey) {
	if err := r.node.Tell(wire.KnockOf(key)); err != nil {
		r.deps.Metrics.deliveries.lost.Inc()
	}
}

// Replay owes a delivery's event once more, and tells its endpoint.
func (r *Runtime) Replay(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Delivery, error) {
	d, err := r.deps.Store.Replay(ctx, account, n, r.deps.Clock.Now(), audit)
	if err == nil {
		r.EndpointChanged(d.Key())
	}
	return d, err
}

// Hasten has a pending delivery tried at once.
func (r *Runtime) Hasten(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Delivery, error) {
	d, err := r.deps.Store.Hasten(ctx, account, n, r.deps.Clock.Now(), audit)
	if err != nil {
		return d, err
	}
	whole, err := r.deps.Store.Delivery(ctx, account, n)
	if err == nil {
		d = whole
		if r.node.Tell(&wire.HereHastened{Delivery: whole}) != nil {
			r.deps.Metrics.deliveries.lost.Inc()
		}
	}
	return d, nil // it is due; who was not told finds it
}

// Cancel ends a pending delivery.
func (r *Runtime) Cancel(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Delivery, error) {
	d, err := r.deps.Store.Cancel(ctx, account, n, r.deps.Clock.Now(), audit)
	if err == nil && r.node.Tell(&wire.HereEnded{Endpoint: d.Key(), N: n}) != nil {
		r.deps.Metrics.deliveries.lost.Inc()
	}
	return d, err
}

// EnableEndpoint lets an endpoint that was disabled be sent to again.
func (r *Runtime) EnableEndpoint(ctx context.Context, key domain.EndpointKey, audit domain.AuditEntry) error {
	err := r.deps.Store.EnableEndpoint(ctx, key, audit)
	if err == nil {
		r.EndpointChanged(key)
	}
	return err
}

// TestEndpoint sends an endpoint an event about nobody, at once and beside its queue, and says what became of it. Conflict:
// the endpoint cannot be sent anything, for a reason that is in the error.
func (r *Runtime) TestEndpoint(ctx context.Context, key domain.EndpointKey) (domain.Sent, error) {
	const op = "test endpoint"
	if r.deps.Book.Directory().Endpoint(key) == nil {
		return domain.Sent{}, domain.Fail(op, domain.NotFound, errors.New("no such endpoint"))
	}
	kit, err := r.equip(ctx, key)
	if err != nil {
		return domain.Sent{}, err
	}
	if kit.lacks != "" {
		return domain.Sent{}, domain.Fail(op, domain.Conflict, errors.New(kit.lacks))
	}
	now := r.deps.Clock.Now()
	id := domain.EventID(uuid.NewString())
	payload, err := delivery.TestEnvelope(key.Account, id, now)
	if err != nil {
		return domain.Sent{}, err
	}
	dispatch, _, class, err := kit.pack(now, key, id, payload)
	if err != nil {
		return unsent(now, class, err.Error()), nil
	}
	return r.dispatch(ctx, kit, dispatch), nil
}
