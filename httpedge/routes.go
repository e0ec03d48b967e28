package httpedge

import (
	"runtime/debug"
	"slices"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/problem"
	"github.com/valyala/fasthttp"
)

// route is one method of one path. The path may have a parameter: "{name}" is one segment, "{name...}" the rest.
type route struct {
	method string
	path   string
	name   string // labels metrics
	handle func(ctx *fasthttp.RequestCtx, param string)
}

// routes is the whole HTTP surface. openapi.yaml describes each; a test compares the two.
func (s *Server) routes() []route {
	plain := func(h fasthttp.RequestHandler) func(*fasthttp.RequestCtx, string) {
		return func(ctx *fasthttp.RequestCtx, _ string) { h(ctx) }
	}
	return append([]route{
		{"POST", "/leads/webhook/{source}", "ingest", s.ingest},
		{"GET", "/p.js", "script", plain(s.script)},
		{"POST", "/p", "hits", plain(s.hits)},
		{"OPTIONS", "/p", "preflight", plain(s.preflight)},
		{"GET", "/p.gif", "image", plain(s.image)},
		{"GET", "/api/buyer/stream", "stream", plain(s.streamPlace)},
		{"GET", "/api/buyer/events", "events", plain(s.events)},
		{"GET", "/api/buyer/leads", "leads", plain(s.asBuyer(s.listLeads))},
		{"GET", "/api/buyer/leads/{id}", "lead", s.oneLead},
		{"POST", "/api/buyer/seen", "seen", plain(s.asBuyer(s.seen))},
		{"OPTIONS", "/api/buyer/stream", "preflight", plain(s.preflightOwn)},
		{"OPTIONS", "/api/buyer/events", "preflight", plain(s.preflightOwn)},
		{"OPTIONS", "/api/buyer/leads", "preflight", plain(s.preflightOwn)},
		{"OPTIONS", "/api/buyer/leads/{id}", "preflight", func(ctx *fasthttp.RequestCtx, _ string) { s.preflightOwn(ctx) }},
		{"GET", "/api/status", "status", plain(s.status)},
		{"GET", "/schemas/{name...}", "schema", s.schema},
		{"GET", "/healthz", "healthz", plain(s.healthz)},
		{"GET", "/readyz", "readyz", plain(s.readyz)},
		{"GET", "/metrics", "metrics", plain(s.metricsPage())},
		{"GET", "/", "page", plain(s.page)},
		{"GET", "/ops", "ops", plain(s.asset)},
		{"GET", "/assets/{file...}", "asset", plain(s.asset)},
	}, s.adminRoutes()...)
}

// router finds the route of a request: by the whole path, else by what stands before a parameter.
type router struct {
	exact map[string][]*route
	open  []*route // those with a parameter
}

func newRouter(routes []route) *router {
	r := &router{exact: map[string][]*route{}}
	for i := range routes {
		one := &routes[i]
		if strings.Contains(one.path, "{") {
			r.open = append(r.open, one)
		} else {
			r.exact[one.path] = append(r.exact[one.path], one)
		}
	}
	return r
}

// find returns the routes of a path, of whatever method.
func (r *router) find(path []byte) []*route {
	if found, ok := r.exact[string(path)]; ok {
		return found
	}
	var found []*route
	for _, one := range r.open {
		if _, ok := one.match(string(path)); ok {
			found = append(found, one)
		}
	}
	return found
}

// match compares a path with a route that has a parameter, and returns the parameter's value.
func (r *route) match(path string) (string, bool) {
	before, rest, _ := strings.Cut(r.path, "{")
	name, behind, _ := strings.Cut(rest, "}")
	value, ok := strings.CutPrefix(path, before)
	if !ok {
		return "", false
	}
	value, ok = strings.CutSuffix(value, behind)
	if !ok || value == "" || (!strings.HasSuffix(name, "...") && strings.Contains(value, "/")) {
		return "", false
	}
	return value, true
}

// serve is the server's handler: route, call, count.
func (s *Server) serve(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
	if ctx.ConnRequestNum() == 1 {
		s.conns.spoke(ctx.Conn())
	}
	c, ours := ctx.Conn().(*conn)
	if ours {
		c.unread = ctx.Request.IsBodyStream() && ctx.Request.Header.ContentLength() != 0
	}
	found := s.router.find(ctx.Path())
	one := pick(found, string(ctx.Method()))
	name := noRoute
	switch {
	case one != nil:
		name = one.name
		param, _ := one.match(string(ctx.Path()))
		s.call(ctx, one, param)
	case len(found) > 0:
		methodNotAllowed(ctx, found)
	default:
		problem.Problem{Status: fasthttp.StatusNotFound, Code: domain.NotFound, Detail: "no such path"}.Write(ctx)
	}
	if ours && c.unread {
		ctx.SetConnectionClose() // what follows is no request
		c.seeOff()
	}
	if s.draining.Load() {
		ctx.SetConnectionClose() // so that kept-alive connections move to another node
	}
	if s.conns.crowded() {
		ctx.SetConnectionClose() // so that whoever waits for a connection gets one
		s.metrics.crowded.WithLabelValues(crowdedUnkept).Inc()
	}
	s.metrics.response(name, ctx.Response.StatusCode())
}

// pick chooses a route by its method. HEAD is served as GET, whose body is then not sent, but for the
// stream, which never ends.
func pick(found []*route, method string) *route {
	for _, one := range found {
		if one.method == method || (method == fasthttp.MethodHead && one.method == fasthttp.MethodGet && one.name != "events") {
			return one
		}
	}
	return nil
}

// call runs a handler and survives its panic: one request's bug must not end the process, and a webhook
// that met it is worth another try after the fix.
func (s *Server) call(ctx *fasthttp.RequestCtx, one *route, param string) {
	defer func() {
		if p := recover(); p != nil {
			s.metrics.panics.Inc()
			s.deps.Log.Error("a handler panicked", "route", one.name, "panic", p, "stack", string(debug.Stack()))
			ctx.Response.Reset()
			ctx.SetConnectionClose()
			if one.name == "ingest" || one.name == "hits" {
				s.comeBack(ctx)
				return
			}
			problem.Problem{Status: fasthttp.StatusInternalServerError, Code: domain.Internal}.Write(ctx)
		}
	}()
	one.handle(ctx, param)
}

func methodNotAllowed(ctx *fasthttp.RequestCtx, found []*route) {
	var allow []string
	for _, one := range found {
		allow = append(allow, one.method)
	}
	slices.Sort(allow)
	ctx.Response.Header.Set(fasthttp.HeaderAllow, strings.Join(allow, ", "))
	problem.Problem{Status: fasthttp.StatusMethodNotAllowed, Code: domain.Invalid, Detail: "not a method of this path"}.Write(ctx)
}
