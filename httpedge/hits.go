package httpedge

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/glob"
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
	reasonBehind = "behind"    // a hit before it in the request was put off, and order is kept
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
	if reason, wait := s.noRoom(v); reason != "" {
		s.putOffHits(v, reason, wait)
		return
	}
	s.pixels.inFlight.Add(1)
	defer s.pixels.inFlight.Add(-1)
	body, ok := s.hitsBody(v)
	if !ok {
		return
	}
	s.identify(v)
	items, err := pixel.Parse(body, v.request())
	if err != nil {
		s.refuseHits(v, err)
		return
	}
	s.pixels.rates.Charge(v.received, &v.pixel.Pixel, v.from.address, len(items)-1)
	s.answerHits(v, s.keepHits(v, items))
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

// noRoom says which limit a request is over, and after how long to come back; "" when there is room.
func (s *Server) noRoom(v *visitRequest) (string, time.Duration) {
	switch {
	case s.refusing.Load():
		return reasonDraining, s.cfg.RetryAfter
	case s.pixels.inFlight.Load() >= int64(s.cfg.HitsInFlight):
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

// hitOutcome is what became of one hit.
type hitOutcome struct {
	ID      domain.EventID `json:"id,omitempty"`
	Outcome outcome        `json:"outcome"`
	*pixel.Refusal
}

// keepHits keeps the hits of a request, one after the other: they are one visitor's, and their order is
// what the visitor did. After one that has to wait the others wait too.
func (s *Server) keepHits(v *visitRequest, items []pixel.Item) []hitOutcome {
	ctx, cancel := context.WithTimeout(s.base, s.cfg.IngestTimeout)
	defer cancel()
	out := make([]hitOutcome, len(items))
	waits := ""
	for i := range items {
		one, reason := s.keepHit(ctx, v, &items[i], waits)
		if one.Outcome == deferred && waits == "" {
			waits = reasonBehind
		}
		out[i] = one
		s.metrics.pixel.items.WithLabelValues(string(one.Outcome), reason).Inc()
	}
	return out
}

func (s *Server) keepHit(ctx context.Context, v *visitRequest, item *pixel.Item, waits string) (hitOutcome, string) {
	one := hitOutcome{ID: item.Hit.ID}
	switch {
	case item.Refusal != nil:
		one.Outcome, one.Refusal = refused, item.Refusal
		return one, item.Refusal.Rule
	case !reports(&v.pixel.Pixel, item.Hit.Page.Path):
		one.Outcome = dropped
		return one, reasonPath
	case waits != "":
		one.Outcome = deferred
		return one, waits
	}
	s.metrics.pixel.read(item)
	got, err := s.deps.Visitors.Hit(ctx, item.Hit)
	switch {
	case err != nil:
		var reason string
		if one.Outcome, reason = s.whyNotKept(err); one.Outcome == refused {
			one.Refusal = &pixel.Refusal{Rule: reason}
		}
		return one, reason
	case got.Duplicate:
		one.Outcome = duplicate
	default:
		one.Outcome = kept
	}
	return one, ""
}

// reports says whether the pixel's lists let a page be reported. The script asks the same before it sends;
// images and old copies of the script do not.
func reports(p *domain.Pixel, path string) bool {
	return (len(p.Allow) == 0 || glob.MatchAny(p.Allow, path)) && !glob.MatchAny(p.Deny, path)
}

// whyNotKept judges an error as refuseIngest does.
func (s *Server) whyNotKept(err error) (outcome, string) {
	code := domain.CodeOf(err)
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return deferred, reasonTimeout
	case code == domain.Fenced:
		return deferred, reasonFenced
	case code == domain.Unavailable:
		return deferred, reasonUnavailable
	case code == domain.Invalid:
		s.deps.Log.Error("a hit that was checked was rejected", "error", err)
		return refused, reasonRejected
	default:
		s.deps.Log.Error("a hit was not kept", "error", err)
		return deferred, reasonInternal
	}
}

// answerHits answers 204 when every hit is kept, known or left out on purpose, 429 when all have to come
// again, and otherwise 200 with what became of each.
func (s *Server) answerHits(v *visitRequest, out []hitOutcome) {
	well, waiting := 0, 0
	for _, one := range out {
		switch one.Outcome {
		case kept, duplicate, dropped:
			well++
		case deferred:
			waiting++
		}
	}
	switch {
	case waiting == len(out):
		s.putOffHits(v, reasonUnavailable, s.cfg.RetryAfter)
		return
	case well == len(out):
		v.ctx.SetStatusCode(fasthttp.StatusNoContent)
		s.countHits(v, kept, "")
	default:
		body, err := json.Marshal(struct {
			Items []hitOutcome `json:"items"`
		}{out})
		if err != nil { // text always marshals
			body = []byte(`{}`)
		}
		v.ctx.SetContentType("application/json")
		v.ctx.SetBody(body)
		s.countHits(v, partial, "")
	}
	s.remember(v)
	v.ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	s.metrics.pixel.ack.Observe(s.deps.Clock.Now().Sub(v.received).Seconds())
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
