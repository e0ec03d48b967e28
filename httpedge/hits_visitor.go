package httpedge

import (
	"strings"

	"github.com/google/uuid"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/pixel"
	"github.com/valyala/fasthttp"
)

// visitorCookie holds a browser's id. It is set by the server: browsers keep what scripts write for a week.
const (
	visitorCookie = "leadwire_v"
	cookieDays    = 395 // 13 months, the longest that European regulators let a visitor's id live; Chrome's cap is 400
)

// recognise finds the visitor's id. The cookie wins over what the script kept, which is for browsers that
// send no cookie to another site; anything that is no UUID is ignored, and replaced.
func (s *Server) recognise(v *visitRequest) {
	args := v.ctx.QueryArgs()
	if id, ok := pixel.Visitor(string(v.ctx.Request.Header.Cookie(visitorCookie))); ok {
		v.visitor = id
	} else if id, ok := pixel.Visitor(string(args.Peek("v"))); ok {
		v.visitor, v.fresh = id, string(args.Peek("n")) == "1"
	} else {
		v.visitor, v.fresh = domain.VisitorID(uuid.NewString()), true
	}
}

// remember sets the cookie, anew with each request, so that it ends 395 days after the last. Who opted out
// by GPC gets none: evidence is kept by the id that there is.
func (s *Server) remember(v *visitRequest) {
	if !v.gpc {
		v.ctx.Response.Header.Add(fasthttp.HeaderSetCookie, s.cookie(v, string(v.visitor), cookieDays*24*60*60))
	}
}

// forget answers POST /p?forget=1: a consent was withdrawn, and the script cannot reach the cookie.
func (s *Server) forget(v *visitRequest) {
	v.ctx.Response.Header.Add(fasthttp.HeaderSetCookie, s.cookie(v, "", 0))
	v.ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	v.ctx.SetStatusCode(fasthttp.StatusNoContent)
	s.countHits(v, dropped, reasonForget)
}

// cookie writes the visitor's cookie. Over https it goes along from other sites too, since that is where
// the pixel is, but Partitioned: each site gets one of its own, so that it follows nobody from site to site,
// and browsers that block third-party cookies keep it. Over plain http no browser allows that.
func (s *Server) cookie(v *visitRequest, value string, seconds int) string {
	var b strings.Builder
	b.WriteString(visitorCookie + "=" + value + "; Max-Age=")
	b.Write(fasthttp.AppendUint(nil, seconds))
	b.WriteString("; Path=/; HttpOnly; SameSite=")
	if v.from.https || strings.HasPrefix(s.cfg.PublicURL, "https://") {
		b.WriteString("None; Secure; Partitioned")
	} else {
		b.WriteString("Lax")
	}
	return b.String()
}

// allowOrigin lets a page of an origin send its cookie and read the answer and its timing.
func allowOrigin(ctx *fasthttp.RequestCtx, origin string) {
	h := &ctx.Response.Header
	h.Set(fasthttp.HeaderAccessControlAllowOrigin, origin)
	h.Set(fasthttp.HeaderAccessControlAllowCredentials, "true")
	h.Set("Timing-Allow-Origin", origin)
	h.Set(fasthttp.HeaderVary, fasthttp.HeaderOrigin)
}

// preflight answers OPTIONS /p. The script's text/plain asks for none; a page that sends
// application/json itself does.
func (s *Server) preflight(ctx *fasthttp.RequestCtx) {
	v := &visitRequest{ctx: ctx, by: byPost, received: s.deps.Clock.Now()}
	if s.refuseSender(v, string(ctx.Request.Header.Peek(fasthttp.HeaderOrigin))) {
		return
	}
	h := &ctx.Response.Header
	h.Set(fasthttp.HeaderAccessControlAllowMethods, fasthttp.MethodPost)
	h.Set(fasthttp.HeaderAccessControlAllowHeaders, fasthttp.HeaderContentType)
	h.Set(fasthttp.HeaderAccessControlMaxAge, "7200") // Chrome's cap
	ctx.SetStatusCode(fasthttp.StatusNoContent)
}
