package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/apikey"
)

// MaxInFlight is how many calls may run at once; more are told to come again. With a body of at most 1 MiB
// each (an import holds one batch) it is what bounds their memory.
const MaxInFlight = 256

// busyWait is how long who finds no room is asked to wait: calls take milliseconds, but for imports and
// erasures.
const busyWait = time.Second

// API answers calls. It is safe for concurrent use.
type API struct {
	deps     Deps
	ring     *apikey.Ring
	rates    rates
	metrics  *metrics
	inFlight atomic.Int64
}

// New opens the API over its collaborators.
func New(deps Deps) (*API, error) {
	if deps.Store == nil || deps.Directory == nil || deps.Catalog == nil || deps.People == nil {
		return nil, domain.Fail("open API", domain.Internal, errors.New("store, directory, catalog and people are needed"))
	}
	if deps.Clock == nil {
		deps.Clock = domain.SystemClock{}
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{deps: deps, ring: apikey.NewRing(deps.Store.APIKeys, deps.Clock), rates: rates{keys: map[string]used{}}}
	a.metrics = newMetrics(deps.Metrics, func() float64 { return float64(a.inFlight.Load()) }, func() float64 { return float64(a.rates.remembered()) })
	return a, nil
}

// Authenticate finds the caller of an Authorization header's value.
func (a *API) Authenticate(ctx context.Context, authorization string) (Caller, error) {
	text := ""
	if scheme, rest, ok := strings.Cut(authorization, " "); ok && strings.EqualFold(scheme, "Bearer") {
		text = strings.TrimSpace(rest)
	}
	k, err := a.ring.Verify(ctx, text)
	if err != nil {
		if reason, ok := errors.AsType[apikey.Reason](err); ok {
			a.metrics.refused.WithLabelValues(string(reason)).Inc()
		} else {
			a.metrics.refused.WithLabelValues(reasonUnread).Inc()
		}
		return Caller{}, err
	}
	c := Caller{Name: "key " + k.ID, Key: k.ID, Account: k.Account}
	for _, s := range k.Scopes {
		c.Scopes = append(c.Scopes, apikey.Scope(s))
	}
	return c, nil
}

// Serve answers a call of a route.
func (a *API) Serve(ctx context.Context, r Route, c *Call) Reply {
	began := a.deps.Clock.Now()
	reply := a.serve(ctx, r, c)
	if reply.Status == 0 {
		reply.Status = 200
	}
	code := domain.CodeOf(reply.Err)
	if code == domain.Internal {
		a.deps.Log.Error("a call of the API went wrong", "route", r.Name, "caller", c.Caller.Name, "error", reply.Err)
	}
	if code == "" {
		code = "ok"
	}
	a.metrics.calls.WithLabelValues(r.Name, string(code)).Inc()
	a.metrics.seconds.WithLabelValues(r.Name).Observe(a.deps.Clock.Now().Sub(began).Seconds())
	return reply
}

func (a *API) serve(ctx context.Context, r Route, c *Call) Reply {
	if c.Caller.Key != "" {
		if wait := a.rates.takeCall(a.deps.Clock.Now(), c.Caller.Key); wait > 0 {
			return a.tooFast(ruleCalls, CallsPerSecond, wait)
		}
	}
	if !c.Caller.may(r.Scope) {
		return fail(domain.Fail("check scope", domain.Forbidden, fmt.Errorf("the API key does not have the scope %q", r.Scope)))
	}
	if a.inFlight.Add(1) > MaxInFlight {
		a.inFlight.Add(-1)
		return Reply{Err: domain.Fail("answer call", domain.Unavailable, errors.New("too many calls at once")), Wait: busyWait}
	}
	defer a.inFlight.Add(-1)
	ctx, cancel := within(ctx, r)
	defer cancel()
	return r.handle(a, ctx, c)
}
