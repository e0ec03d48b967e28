package httpedge

import (
	"net/url"
	"slices"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/token"
	"github.com/valyala/fasthttp"
)

// ownerHeader names the node that a buyer's feed lives on, for balancers that send each buyer's requests there.
const ownerHeader = "Leadwire-Owner"

// alone is the only node.
type alone struct{}

func (alone) Owner(domain.BuyerKey) domain.Owner { return domain.Owner{Local: true} }
func (alone) URLs() []string                     { return nil }

func (s *Server) nameOwner(ctx *fasthttp.RequestCtx, buyer domain.BuyerKey) {
	if node := s.deps.Owners.Owner(buyer).Node; node != "" {
		ctx.Response.Header.Set(ownerHeader, node)
	}
}

// place is where a buyer's stream is best opened.
type place struct {
	Owner         string `json:"owner,omitempty"` // host:port of its actor messages
	Local         bool   `json:"local"`           // it is the node that answers
	URL           string `json:"url,omitempty"`   // ready to be opened; absent: as all requests come
	TicketSeconds int    `json:"ticket_seconds,omitempty"`
}

// streamPlace answers GET /api/buyer/stream. It only advises: the stream is whole wherever it is opened. A redirect would
// stick, because an EventSource that comes back goes straight to where it was last redirected.
func (s *Server) streamPlace(ctx *fasthttp.RequestCtx) {
	claims, ok := s.buyer(ctx)
	if !ok {
		return
	}
	owner := s.deps.Owners.Owner(claims.Buyer)
	p := place{Owner: owner.Node, Local: owner.Local}
	if owner.URL != "" {
		ticket := token.Ticket(s.key, claims, s.deps.Clock.Now())
		p.URL, p.TicketSeconds = owner.URL+"/api/buyer/events?ticket="+url.QueryEscape(ticket), int(token.TicketFor.Seconds())
	}
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	writeJSON(ctx, p)
}

// events answers GET /api/buyer/events. A ticket in its query counts before the cookie: it was given for this stream, and
// the cookie may be somebody else's who used this browser at this host.
func (s *Server) events(ctx *fasthttp.RequestCtx) {
	ticket := ctx.QueryArgs().Peek("ticket")
	if len(ticket) == 0 || len(ctx.Request.Header.Peek(fasthttp.HeaderAuthorization)) > 0 {
		s.asBuyer(s.deps.Stream.Serve)(ctx)
		return
	}
	s.allowOwn(ctx)
	if claims, ok := s.checkToken(ctx, string(ticket), token.VerifyTicket); ok {
		s.nameOwner(ctx, claims.Buyer)
		s.deps.Stream.Serve(ctx, claims.Buyer)
	}
}

// allowOwn lets pages that another of our nodes has served read the answer. Cookies are not among what they may send:
// each host has its own.
func (s *Server) allowOwn(ctx *fasthttp.RequestCtx) bool {
	h := &ctx.Response.Header
	h.Add(fasthttp.HeaderVary, fasthttp.HeaderOrigin)
	origin := string(ctx.Request.Header.Peek(fasthttp.HeaderOrigin))
	if origin == "" || !s.ours(origin) {
		return false
	}
	h.Set(fasthttp.HeaderAccessControlAllowOrigin, origin)
	h.Set(fasthttp.HeaderAccessControlExposeHeaders, "ETag, Retry-After, "+nowHeader+", "+ownerHeader)
	return true
}

// ours says whether an origin is of a node, or of what browsers reach us by.
func (s *Server) ours(origin string) bool {
	is := func(u string) bool { return originOf(u) == origin }
	return is(s.cfg.PublicURL) || slices.ContainsFunc(s.deps.Owners.URLs(), is)
}

// originOf is a URL's origin as a browser writes it; empty when it is none.
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// preflightOwn tells a browser that a page of ours may send its token along.
func (s *Server) preflightOwn(ctx *fasthttp.RequestCtx) {
	if s.allowOwn(ctx) {
		h := &ctx.Response.Header
		h.Set(fasthttp.HeaderAccessControlAllowMethods, "GET")
		h.Set(fasthttp.HeaderAccessControlAllowHeaders, "Authorization, If-None-Match, Last-Event-ID")
		h.Set(fasthttp.HeaderAccessControlMaxAge, "600")
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
}
