package admin

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

var errNoVerb = domain.Fail("find path", domain.NotFound, errors.New("no such path")) //nolint:gochecknoglobals // a constant

// steerEndpoint answers POST /endpoints/{path...}: what is done to an endpoint beside configuring it.
func (a *API) steerEndpoint(ctx context.Context, c *Call) Reply {
	id, verb, _ := strings.Cut(c.Param, "/")
	if !slices.Contains([]string{"pause", "resume", "enable", "secrets", "test"}, verb) {
		return fail(errNoVerb)
	}
	key, err := a.endpointKey(c, id)
	if err != nil {
		return fail(err)
	}
	if a.deps.Directory().Endpoint(key) == nil {
		return fail(errNoEndpoint)
	}
	switch verb {
	case "pause":
		return a.setPaused(ctx, c, key, "endpoint.pause", true)
	case "resume":
		return a.setPaused(ctx, c, key, "endpoint.resume", false)
	case "enable":
		return a.enable(ctx, c, key)
	case "secrets":
		return a.endpointSecret(ctx, c, key)
	default:
		return a.test(ctx, c, key)
	}
}

// setPaused changes the catalog: every node follows it, and the queue is kept.
func (a *API) setPaused(ctx context.Context, c *Call, key domain.EndpointKey, action string, paused bool) Reply {
	expect, err := expected(c)
	if err != nil {
		return fail(err)
	}
	if _, err := a.deps.Catalog.Edit(ctx, expect, a.endpointEntry(c, action, key), func(next *domain.Catalog) error {
		list, i := findEndpoint(next, key)
		if i < 0 {
			return errNoEndpoint
		}
		*list = slices.Clone(*list)
		(*list)[i].Paused = paused
		return nil
	}); err != nil {
		return fail(err)
	}
	return a.showEndpoint(ctx, key)
}

// enable takes back that an endpoint is disabled. Of one that is not, and does not fail, there is nothing to change. What
// was given up while it was away is not sent by that: the answer offers it.
func (a *API) enable(ctx context.Context, c *Call, key domain.EndpointKey) Reply {
	state, err := a.deps.Store.EndpointState(ctx, key)
	if err != nil {
		return fail(err)
	}
	if !state.DisabledAt.IsZero() || !state.FailingSince.IsZero() {
		entry := a.endpointEntry(c, "endpoint.enable", key)
		entry.Detail = state.Reason
		if err := a.deliveries().EnableEndpoint(ctx, key, entry); err != nil {
			return fail(err)
		}
	}
	reply := a.showEndpoint(ctx, key)
	offer, err := a.catchUp(ctx, key, state)
	if row, ok := reply.Body.(endpointRow); ok && err == nil && offer != nil {
		reply.Body = struct {
			endpointRow
			CatchUp *replayOffer `json:"catch_up"`
		}{row, offer}
	}
	return reply
}

// testRow is what happened to a test event.
type testRow struct {
	OK       bool        `json:"ok"`
	Delivery int64       `json:"delivery,omitempty"`     // that has the receipt; absent: it could not be kept,
	Unkept   domain.Code `json:"not_recorded,omitempty"` // for this reason, of which the log says more
	attemptRow
}

// test sends an event that says that it is a test, and waits for what happens. It goes also to an endpoint that is
// paused or disabled: whoever has mended one wants to know before they enable it.
func (a *API) test(ctx context.Context, c *Call, key domain.EndpointKey) Reply {
	got, err := a.deliveries().TestEndpoint(ctx, key, a.endpointEntry(c, "endpoint.test", key))
	if err != nil {
		return fail(err)
	}
	var unkept domain.Code
	if got.Unkept != nil {
		unkept = domain.CodeOf(got.Unkept)
	}
	return Reply{Body: testRow{got.Error == "", got.Delivery, unkept, attemptRow{
		At: stamp(got.At), Phases: phasesOf(got.Phases), Status: got.Status, Error: got.Error, Reason: got.Reason,
		Address: got.Address, Header: got.Header, Body: textOf(got.Body), Truncated: got.Truncated,
	}}}
}
