package httpedge

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/pixel"
	"github.com/leadwire/leadwire/httpedge/problem"
	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/valyala/fasthttp"
)

// How a hit came.
const (
	byPost  = "post"  // POST /p: the script
	byImage = "image" // GET /p.gif: a page without scripts
)

// Outcomes of a pixel's request and of its hits, beside those of webhooks.
const (
	partial outcome = "partial" // 200: each hit has its own outcome
	dropped outcome = "dropped" // 204: left out on purpose
)

// Reasons beside those of webhooks, bodies and rules.
const (
	reasonPixel  = "unknown_pixel"
	reasonOrigin = "origin"    // the page's origin is none of the pixel's
	reasonPaused = "paused"    // the pixel is
	reasonForget = "forgotten" // consent was withdrawn: the cookie is taken back
	reasonHead   = "head"      // only the image's headers were asked for
	reasonPath   = "path"      // the pixel's lists leave the page out
	// reasonConsent: the pixel requires a consent. Only the script can wait for one.
	reasonConsent = "no_consent"
)

// visitRequest is one request of a pixel on its way in.
type visitRequest struct {
	ctx      *fasthttp.RequestCtx
	by       string
	pixel    *domain.DirectoryPixel
	from     client
	visitor  domain.VisitorID
	fresh    bool // the visitor's id has just been made
	gpc      bool
	received time.Time
	held     int64 // bytes of body that are accounted for
}

// hits answers POST /p. Nothing is read before it is known whose it is and that its page may send it.
func (s *Server) hits(ctx *fasthttp.RequestCtx) {
	v := &visitRequest{ctx: ctx, by: byPost, received: s.deps.Clock.Now()}
	defer func() { s.bodyBytes.Add(-v.held) }()
	if s.refuseSender(v, string(ctx.Request.Header.Peek(fasthttp.HeaderOrigin))) {
		return
	}
	if string(ctx.QueryArgs().Peek("forget")) == "1" {
		s.forget(v)
		return
	}
	if reason := s.notCounted(v); reason != "" {
		s.countHits(v, dropped, reason)
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return
	}
	defer s.pixels.inFlight.Add(-1)
	if reason, wait := s.noRoom(v, s.pixels.inFlight.Add(1)); reason != "" {
		s.putOffHits(v, reason, wait)
		return
	}
	body, ok := s.hitsBody(v)
	if !ok {
		return
	}
	if s.queueFull() { // with the body read, which is little: its connection can be used again
		s.putOffHits(v, reasonQueue, s.cfg.RetryAfter)
		return
	}
	s.recognise(v)
	items, err := pixel.Parse(body, v.request())
	if err != nil {
		s.refuseHits(v, err)
		return
	}
	s.pixels.rates.Charge(v.received, &v.pixel.Pixel, v.from.address, len(items)-1)
	out, _ := s.keepHits(v, items)
	s.answerHits(v, out)
}

// refuseSender answers a request that has no pixel, or whose page is none of its pixel's. What follows it
// may be answered to the page, so it opens CORS.
func (s *Server) refuseSender(v *visitRequest, origin string) bool {
	v.pixel = s.pixelOf(v.ctx)
	switch {
	case v.pixel == nil:
		s.countHits(v, refused, reasonPixel)
		problem.Problem{Status: fasthttp.StatusNotFound, Code: domain.NotFound, Field: "px", Detail: "no such pixel"}.Write(v.ctx)
		return true
	case !pixel.Allowed(v.pixel.Pixel.Origins, origin):
		s.countHits(v, refused, reasonOrigin)
		problem.Problem{
			Status: fasthttp.StatusForbidden, Code: domain.Forbidden, Rule: reasonOrigin,
			Detail: "the page's origin is none of the pixel's",
		}.Write(v.ctx)
		return true
	}
	allowOrigin(v.ctx, origin)
	v.from = s.clientOf(v.ctx)
	v.gpc = string(v.ctx.Request.Header.Peek("Sec-GPC")) == "1" || string(v.ctx.QueryArgs().Peek("gpc")) == "1"
	return false
}

func (s *Server) pixelOf(ctx *fasthttp.RequestCtx) *domain.DirectoryPixel {
	if s.deps.Visitors == nil {
		return nil
	}
	return s.deps.Directory().Pixel(domain.PixelID(ctx.QueryArgs().Peek("px")))
}

// notCounted says why a request is not to be counted as a visit, "" when it is.
func (s *Server) notCounted(v *visitRequest) string {
	if v.pixel.Pixel.Paused {
		return reasonPaused
	}
	h := &v.ctx.Request.Header
	return pixel.Drop(string(h.UserAgent()), h.Peek("Sec-Purpose"), h.Peek("Purpose"), h.Peek("X-Moz"))
}

// noRoom says which limit a request is over that is one of so many in flight, and after how long to come
// back; "" when there is room.
func (s *Server) noRoom(v *visitRequest, inFlight int64) (string, time.Duration) {
	switch {
	case s.refusing.Load():
		return reasonDraining, s.cfg.RetryAfter
	case inFlight > int64(s.cfg.HitsInFlight):
		return reasonOverloaded, s.cfg.RetryAfter
	}
	limit, wait := s.pixels.rates.Take(v.received, &v.pixel.Pixel, v.from.address)
	return string(limit), wait
}

func (s *Server) hitsBody(v *visitRequest) ([]byte, bool) {
	body, fault := readBody(v.ctx, pixel.MaxBody, func(n int) bool {
		v.held += int64(n)
		return s.bodyBytes.Add(int64(n)) <= s.cfg.BodyBytes
	})
	switch fault {
	case bodyWhole:
		return body, true
	case bodyNoRoom, bodySlow:
		s.putOffHits(v, string(fault), s.cfg.RetryAfter)
	default:
		p := problem.Problem{Status: fasthttp.StatusBadRequest, Code: domain.Invalid, Rule: string(fault), Detail: "the body is not whole"}
		if fault == bodyLarge {
			p.Status, p.Detail = fasthttp.StatusRequestEntityTooLarge, "a request carries at most 64 KiB"
		}
		s.countHits(v, refused, string(fault))
		p.Write(v.ctx)
	}
	return nil, false
}

// request is what the parser is told.
func (v *visitRequest) request() pixel.Request {
	p := pixel.Request{
		Pixel: v.pixel, Visitor: v.visitor, Fresh: v.fresh, GPC: v.gpc, ReceivedAt: v.received,
		Address: v.from.address, UserAgent: v.from.userAgent, Country: v.from.country, State: v.from.state,
	}
	if ms, err := v.ctx.QueryArgs().GetUint("t"); err == nil {
		p.SentAt, _ = pixel.Millis(float64(ms))
	}
	return p
}

func (s *Server) refuseHits(v *visitRequest, err error) {
	var rule source.Rule
	if !errors.As(err, &rule) {
		s.deps.Log.Error("a body of hits cannot be read", "error", err)
		s.putOffHits(v, reasonInternal, s.cfg.RetryAfter)
		return
	}
	p := problem.FromError(err)
	p.Rule = rule.Name
	s.countHits(v, refused, rule.Name)
	p.Write(v.ctx)
}

func (s *Server) putOffHits(v *visitRequest, reason string, wait time.Duration) {
	s.countHits(v, deferred, reason)
	if wait == s.cfg.RetryAfter {
		wait += rand.N(wait) // those who are put off together do not return together
	}
	problem.Problem{
		Status: fasthttp.StatusTooManyRequests, Code: domain.Unavailable, Rule: reason,
		Detail: "the hits were not kept; please send them again", RetryAfter: wait,
	}.Write(v.ctx)
}

func (s *Server) countHits(v *visitRequest, o outcome, reason string) {
	s.metrics.pixel.requests.WithLabelValues(v.by, string(o), reason).Inc()
}
