package httpedge

import (
	"github.com/google/uuid"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/pixel"
	"github.com/valyala/fasthttp"
)

// image answers GET /p.gif: a page view for pages without scripts. Whatever becomes of it the answer is the
// image: there is nobody on the page who could read another. Its Referer says which page, and that the
// page may: an image sends no Origin.
func (s *Server) image(ctx *fasthttp.RequestCtx) {
	if s.deps.Visitors == nil {
		noPixels(ctx)
		return
	}
	v := &visitRequest{ctx: ctx, by: byImage, received: s.deps.Clock.Now()}
	referer := string(ctx.Request.Header.Referer())
	_, origin, _ := pixel.ReadURL(referer)
	if !s.refuseSender(v, origin) {
		s.view(v, referer)
	}
	ctx.Response.ResetBody()
	ctx.SetStatusCode(fasthttp.StatusOK)
	ctx.SetContentType("image/gif")
	h := &ctx.Response.Header
	h.Del(fasthttp.HeaderRetryAfter)
	h.Set(fasthttp.HeaderCacheControl, "no-store")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // pages that isolate themselves may show it
	ctx.SetBodyString(pixel.GIF)
}

func (s *Server) view(v *visitRequest, referer string) {
	reason := s.notCounted(v)
	switch {
	case v.ctx.IsHead():
		reason = reasonHead
	case reason == "" && v.pixel.Pixel.Consent == domain.ConsentRequired: // an image cannot say that there is one
		reason = reasonConsent
	}
	if reason != "" {
		s.countHits(v, dropped, reason)
		return
	}
	defer s.pixels.inFlight.Add(-1)
	if reason, _ := s.noRoom(v, s.pixels.inFlight.Add(1)); reason != "" {
		s.countHits(v, deferred, reason)
		return
	}
	if s.queueFull() {
		s.countHits(v, deferred, reasonQueue)
		return
	}
	id, err := uuid.NewRandom()
	if err != nil {
		s.deps.Log.Error("no randomness", "error", err)
		s.countHits(v, deferred, reasonInternal)
		return
	}
	s.recognise(v)
	out, reason := s.keepHits(v, []pixel.Item{pixel.FromImage(referer, domain.EventID(id.String()), v.request())})
	one := out[0]
	switch {
	case one.Refusal != nil:
		reason = one.Refusal.Rule
	case one.Outcome == dropped:
		reason = reasonPath
	}
	s.countHits(v, one.Outcome, reason)
	if one.Outcome == kept {
		s.remember(v)
		s.metrics.pixel.ack.Observe(s.deps.Clock.Now().Sub(v.received).Seconds())
	}
}
