package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// How an endpoint is, in one word.
const (
	endpointOK       = "ok"
	endpointPaused   = "paused"    // by the catalog; its queue is kept
	endpointDisabled = "disabled"  // after nothing but failures, or because it asked for it; its queue is kept
	endpointFailing  = "failing"   // the last attempt failed; it is tried again
	endpointNoSecret = "no_secret" // there is none to sign with, so nothing is sent
)

// endpointStatus is what whoever runs an endpoint has to know of it.
type endpointStatus struct {
	DisabledAt   stamp       `json:"disabled_at"`
	Reason       string      `json:"reason,omitempty"` // of its being disabled
	FailingSince stamp       `json:"failing_since"`    // the first failure after the last success
	SucceededAt  stamp       `json:"succeeded_at"`     // the last success
	Pending      int         `json:"pending"`          // domain.QueueLimit: that many, or more
	Oldest       stamp       `json:"oldest"`           // since when the oldest is owed
	NextAt       stamp       `json:"next_at"`          // the next attempt; one that is past is overdue
	Secrets      []secretRow `json:"secrets"`

	signs bool
}

// statusOf reads it. The parts are of moments that lie close together, and not one.
func (a *API) statusOf(ctx context.Context, key domain.EndpointKey) (endpointStatus, error) {
	s, err := a.conditionOf(ctx, key)
	if err != nil {
		return s, err
	}
	queue, err := a.deps.Store.Queue(ctx, key)
	if err != nil {
		return s, fmt.Errorf("measure endpoint's queue: %w", err)
	}
	s.Pending, s.Oldest, s.NextAt = queue.Pending, stamp(queue.Oldest), stamp(queue.NextAt)
	return s, nil
}

// conditionOf is the status without its queue, which takes a while to count when it is long.
func (a *API) conditionOf(ctx context.Context, key domain.EndpointKey) (endpointStatus, error) {
	state, err := a.deps.Store.EndpointState(ctx, key)
	if err != nil {
		return endpointStatus{}, fmt.Errorf("read endpoint's state: %w", err)
	}
	secrets, err := a.deps.Store.Secrets(ctx, key)
	if err != nil {
		return endpointStatus{}, fmt.Errorf("list endpoint's secrets: %w", err)
	}
	s := endpointStatus{
		DisabledAt: stamp(state.DisabledAt), Reason: state.Reason,
		FailingSince: stamp(state.FailingSince), SucceededAt: stamp(state.SucceededAt), Secrets: []secretRow{},
	}
	now := a.deps.Clock.Now()
	for _, one := range secrets {
		if ended(one, now) {
			continue
		}
		s.Secrets, s.signs = append(s.Secrets, rowOfSecret(one)), s.signs || signing(one.Kind)
	}
	return s, nil
}

// word says it in one: what keeps everything from being sent before what only slows it down.
func (s endpointStatus) word(e domain.Endpoint) string {
	switch {
	case !time.Time(s.DisabledAt).IsZero():
		return endpointDisabled
	case e.Paused:
		return endpointPaused
	case !s.signs:
		return endpointNoSecret
	case !time.Time(s.FailingSince).IsZero():
		return endpointFailing
	default:
		return endpointOK
	}
}
