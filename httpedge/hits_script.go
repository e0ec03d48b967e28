package httpedge

import (
	"bytes"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/pixel"
	"github.com/leadwire/leadwire/httpedge/problem"
	"github.com/valyala/fasthttp"
)

// What the answer to GET /p.js was, as metrics count it.
const (
	scriptServed    = "served"
	scriptUnchanged = "unchanged" // 304
	scriptUnknown   = "unknown_pixel"
)

// How long a browser uses the script without asking. A pixel that is paused, or whose lists change, is so
// everywhere after five minutes; a day longer the old one may be used while the new one is fetched.
const (
	scriptCache  = "public, max-age=300, stale-while-revalidate=86400"
	unknownCache = "no-store" // the pixel may be there in a moment
)

// script answers GET /p.js?id=PIXEL.
func (s *Server) script(ctx *fasthttp.RequestCtx) {
	if s.deps.Visitors == nil {
		noPixels(ctx)
		return
	}
	one, known, err := s.pixels.scripts.Of(s.deps.Directory(), domain.PixelID(ctx.QueryArgs().Peek("id")))
	if err != nil {
		s.deps.Log.Error("a pixel's script cannot be made", "error", err)
		problem.FromError(err).Write(ctx)
		return
	}
	h := &ctx.Response.Header
	h.Set(fasthttp.HeaderVary, fasthttp.HeaderAcceptEncoding)
	h.Set(fasthttp.HeaderAccessControlAllowOrigin, "*") // its errors are told to the page's own reports
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	result, cache := scriptServed, scriptCache
	if !known {
		result, cache = scriptUnknown, unknownCache
	}
	h.Set(fasthttp.HeaderCacheControl, cache)
	body, encoding := encoded(ctx, one)
	tag := `"` + one.Tag + encoding + `"`
	h.Set(fasthttp.HeaderETag, tag)
	if known && bytes.Contains(ctx.Request.Header.Peek(fasthttp.HeaderIfNoneMatch), []byte(tag)) {
		s.metrics.pixel.scripts.WithLabelValues(scriptUnchanged).Inc()
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	s.metrics.pixel.scripts.WithLabelValues(result).Inc()
	if encoding != "" {
		h.Set(fasthttp.HeaderContentEncoding, encoding)
	}
	ctx.SetContentType("text/javascript; charset=utf-8")
	ctx.SetBody(body)
}

// encoded chooses the smallest form that the browser takes.
func encoded(ctx *fasthttp.RequestCtx, one *pixel.Script) (body []byte, encoding string) {
	switch h := &ctx.Request.Header; {
	case h.HasAcceptEncoding("br"):
		return one.Brotli, "br"
	case h.HasAcceptEncoding("gzip"):
		return one.Gzip, "gzip"
	default:
		return one.Plain, ""
	}
}

func noPixels(ctx *fasthttp.RequestCtx) {
	problem.Problem{Status: fasthttp.StatusNotFound, Code: domain.NotFound, Detail: "this server has no pixels"}.Write(ctx)
}
