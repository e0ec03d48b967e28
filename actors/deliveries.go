package actors

import (
	"context"

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
