package httpedge

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/problem"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"
)

// Asking the store how it is, is cached: balancers and status pages may ask as often as they like.
const (
	healthFor   = time.Second // how long an answer is good
	healthLimit = time.Second // how long asking may take
)

// health remembers the store's last answer. Whoever asks while it is old asks for all.
type health struct {
	mu      sync.Mutex
	at      time.Time
	ping    error
	backlog domain.Backlog
}

func (s *Server) storeHealth() (domain.Backlog, error) {
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	now := s.deps.Clock.Now()
	if !h.at.IsZero() && now.Sub(h.at) < healthFor {
		return h.backlog, h.ping
	}
	ctx, cancel := context.WithTimeout(s.base, healthLimit)
	defer cancel()
	h.ping = s.deps.Reader.Ping(ctx)
	if h.ping == nil {
		h.backlog, h.ping = s.deps.Reader.Backlog(ctx)
	}
	h.at = now
	return h.backlog, h.ping
}

// healthz answers that the process runs. It asks nobody: a store that is down is no reason to restart us.
func (s *Server) healthz(ctx *fasthttp.RequestCtx) { answerState(ctx, "alive") }

// readyz answers whether traffic should come here.
func (s *Server) readyz(ctx *fasthttp.RequestCtx) {
	why := ""
	if s.draining.Load() {
		why = "draining"
	} else if err := s.deps.Ready(); err != nil {
		why = "not ready: " + err.Error()
	} else if _, err := s.storeHealth(); err != nil {
		why = "the store does not answer"
	}
	if why == "" {
		answerState(ctx, "ready")
		return
	}
	problem.Problem{
		Status: fasthttp.StatusServiceUnavailable, Code: domain.Unavailable, Detail: why, RetryAfter: healthFor,
	}.Write(ctx)
}

func answerState(ctx *fasthttp.RequestCtx, state string) {
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	writeJSON(ctx, struct {
		Status string `json:"status"`
	}{state})
}

// statusReport is what anybody may know of us: how we are, in ages and not in amounts, which are customers'
// business.
type statusReport struct {
	Status          string  `json:"status"` // "ok", "draining", "store_unavailable"
	Draining        bool    `json:"draining"`
	OldestUndecided float64 `json:"oldest_undecided_seconds"`
	OldestHeld      float64 `json:"oldest_held_seconds"`
	Now             stamp   `json:"now"`
}

func (s *Server) status(ctx *fasthttp.RequestCtx) {
	backlog, err := s.storeHealth()
	now := s.deps.Clock.Now()
	r := statusReport{
		Status: "ok", Draining: s.draining.Load(), Now: stamp(now),
		OldestUndecided: secondsSince(backlog.OldestUndecided, now),
		OldestHeld:      secondsSince(backlog.OldestHeld, now),
	}
	switch {
	case r.Draining:
		r.Status = "draining"
	case err != nil:
		r.Status = "store_unavailable"
	}
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	writeJSON(ctx, r)
}

func secondsSince(t, now time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, now.Sub(t).Seconds())
}

// metricsPage answers GET /metrics. Sources of a new catalog are opened first, so that their series are
// there before their first webhook.
func (s *Server) metricsPage() fasthttp.RequestHandler {
	page := fasthttpadaptor.NewFastHTTPHandler(http.Handler(promhttp.HandlerFor(s.deps.Gatherer, promhttp.HandlerOpts{})))
	return func(ctx *fasthttp.RequestCtx) {
		s.sources.of(s.deps.Directory())
		page(ctx)
	}
}
