package httpedge

import (
	"github.com/leadwire/leadwire/actors/delivery/schema"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/problem"
	"github.com/valyala/fasthttp"
)

// schema serves the JSON Schemas of what leaves. They are public, for validators on anybody's page, and change only
// with the program: an hour in a cache is no risk, since within a version fields are only added.
func (s *Server) schema(ctx *fasthttp.RequestCtx, name string) {
	text, ok := schema.Read(name)
	if !ok {
		problem.Problem{Status: fasthttp.StatusNotFound, Code: domain.NotFound, Detail: "no such schema"}.Write(ctx)
		return
	}
	h := &ctx.Response.Header
	h.SetContentType("application/schema+json")
	h.Set(fasthttp.HeaderCacheControl, "public, max-age=3600")
	h.Set(fasthttp.HeaderAccessControlAllowOrigin, "*")
	ctx.SetBody(text)
}
