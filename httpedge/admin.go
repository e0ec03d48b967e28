package httpedge

import (
	"errors"
	"io"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/admin"
	"github.com/leadwire/leadwire/httpedge/apikey"
	"github.com/leadwire/leadwire/httpedge/problem"
	"github.com/valyala/fasthttp"
)

// adminRoutes puts the routes of /api/v1 among ours.
func (s *Server) adminRoutes() []route {
	var all []route
	for _, r := range admin.Routes() {
		all = append(all, route{r.Method, r.Path, r.Name, func(ctx *fasthttp.RequestCtx, param string) { s.administer(ctx, r, param) }})
	}
	return all
}

// administer answers a call of /api/v1. The key is checked before a byte of the body is read.
func (s *Server) administer(ctx *fasthttp.RequestCtx, r admin.Route, param string) {
	api := s.deps.Admin
	if api == nil {
		problem.Problem{Status: fasthttp.StatusNotFound, Code: domain.NotFound, Detail: "no such path"}.Write(ctx)
		return
	}
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	reading, cancel := s.readContext()
	caller, err := api.Authenticate(reading, string(ctx.Request.Header.Peek(fasthttp.HeaderAuthorization)))
	cancel()
	if err != nil {
		p := problem.FromError(err)
		if reason, ok := errors.AsType[apikey.Reason](err); ok {
			p.Rule = string(reason)
			ctx.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, `Bearer realm="leadwire"`)
		}
		p.Write(ctx)
		return
	}
	call := &admin.Call{
		Caller: caller, Param: param,
		Query:  func(name string) string { return string(ctx.QueryArgs().Peek(name)) },
		Header: func(name string) string { return string(ctx.Request.Header.Peek(name)) },
	}
	if ctx.RequestBodyStream() != nil {
		call.Body = s.arriving(ctx)
	}
	reply := api.Serve(s.base, r, call)
	body, err := reply.JSON()
	if err != nil {
		s.deps.Log.Error("an answer cannot be written", "route", r.Name, "error", err)
		reply.Err = err
	}
	if reply.Err != nil {
		reply.Problem().Write(ctx)
		return
	}
	ctx.SetStatusCode(reply.Status)
	if reply.ETag != "" {
		ctx.Response.Header.Set(fasthttp.HeaderETag, reply.ETag)
	}
	if body != nil {
		ctx.SetContentType("application/json")
		ctx.SetBody(body)
	}
}

// arriving is a body that is read as it comes. An import may take longer than Config.ReadTimeout: it has that
// long for each of its reads.
type arriving struct {
	ctx     *fasthttp.RequestCtx
	from    io.Reader
	conn    *conn // nil: not one of ours
	timeout time.Duration
	length  int // declared; negative: in chunks
	read    int
}

func (s *Server) arriving(ctx *fasthttp.RequestCtx) io.Reader {
	b := &arriving{ctx: ctx, from: ctx.RequestBodyStream(), timeout: s.cfg.ReadTimeout, length: ctx.Request.Header.ContentLength()}
	b.conn, _ = ctx.Conn().(*conn)
	return b
}

func (b *arriving) Read(p []byte) (int, error) {
	if b.conn != nil {
		_ = b.conn.SetReadDeadline(time.Now().Add(b.timeout)) // a closed connection says so at the read
	}
	n, err := b.from.Read(p)
	b.read += n
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	// The stream reports a connection that closed early like a body's end, so the length decides.
	if b.length >= 0 && b.read < b.length {
		return n, io.ErrUnexpectedEOF
	}
	if b.conn != nil {
		b.conn.unread = false
	}
	return n, err
}
