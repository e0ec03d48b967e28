package httpedge

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/problem"
	"github.com/leadwire/leadwire/httpedge/token"
	"github.com/valyala/fasthttp"
)

// cookieName is where a browser keeps its buyer's token: an EventSource can send a cookie and no header.
const cookieName = "leadwire_buyer"

var bearer = []byte("Bearer ")

// asBuyer lets a handler run for the buyer whose token the request carries, and answers 401 without one.
func (s *Server) asBuyer(handle func(*fasthttp.RequestCtx, domain.BuyerKey)) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		if claims, ok := s.buyer(ctx); ok {
			handle(ctx, claims.Buyer)
		}
	}
}

// buyer knows a request's buyer by its token, or answers 401. What is answered names the buyer's owner, and may be read by
// pages of our own nodes.
func (s *Server) buyer(ctx *fasthttp.RequestCtx) (token.Claims, bool) {
	s.allowOwn(ctx)
	claims, ok := s.checkToken(ctx, presented(ctx), token.Verify)
	if ok {
		s.nameOwner(ctx, claims.Buyer)
	}
	return claims, ok
}

// presented is the token of a request. A header is somebody's decision and a cookie the browser's habit,
// so the header is asked first.
func presented(ctx *fasthttp.RequestCtx) string {
	if text, ok := bytes.CutPrefix(ctx.Request.Header.Peek(fasthttp.HeaderAuthorization), bearer); ok {
		return string(bytes.TrimSpace(text))
	}
	return string(ctx.Request.Header.Cookie(cookieName))
}

// verifier is token.Verify, or token.VerifyTicket.
type verifier func(key []byte, text string, now time.Time, dir *domain.Directory) (token.Claims, error)

// checkToken verifies a token, or answers 401 and counts why.
func (s *Server) checkToken(ctx *fasthttp.RequestCtx, text string, verify verifier) (token.Claims, bool) {
	claims, err := verify(s.key, text, s.deps.Clock.Now(), s.deps.Directory())
	if err == nil {
		return claims, true
	}
	p := problem.FromError(err)
	if reason, ok := errors.AsType[token.Reason](err); ok {
		s.metrics.unauthorized.WithLabelValues(string(reason)).Inc()
		p.Rule = string(reason)
	}
	ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, `Bearer realm="leadwire"`)
	p.Write(ctx)
	return token.Claims{}, false
}

// page answers GET /. With a token in its query it is somebody's first visit by the link they were given:
// the token moves into a cookie that no script can read, and out of the address bar and the history.
func (s *Server) page(ctx *fasthttp.RequestCtx) {
	if !ctx.QueryArgs().Has("token") {
		s.asset(ctx)
		return
	}
	text := string(ctx.QueryArgs().Peek("token"))
	ctx.Response.Header.Set(fasthttp.HeaderReferrerPolicy, "no-referrer")
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	claims, ok := s.checkToken(ctx, text, token.Verify)
	if !ok {
		return
	}
	var c fasthttp.Cookie
	c.SetKey(cookieName)
	c.SetValue(text)
	c.SetPath("/")
	c.SetHTTPOnly(true)
	c.SetSameSite(fasthttp.CookieSameSiteLaxMode) // the link may stand in a mail; no other site may post
	c.SetSecure(strings.HasPrefix(s.cfg.PublicURL, "https://"))
	c.SetMaxAge(max(1, int(claims.ExpiresAt.Sub(s.deps.Clock.Now()).Seconds())))
	ctx.Response.Header.SetCookie(&c)
	ctx.Response.Header.Set(fasthttp.HeaderLocation, "/")
	ctx.SetStatusCode(fasthttp.StatusSeeOther)
}

// asset answers the dashboard's files.
func (s *Server) asset(ctx *fasthttp.RequestCtx) {
	if s.deps.Page == nil {
		problem.Problem{Status: fasthttp.StatusNotFound, Code: domain.NotFound, Detail: "this server has no dashboard"}.Write(ctx)
		return
	}
	s.deps.Page(ctx)
}
