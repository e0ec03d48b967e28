package httpedge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/pixel"
	"github.com/leadwire/leadwire/httpedge/problem"
	"github.com/valyala/fasthttp"
)

// Server is the edge. Serve, then Drain, then Close.
type Server struct {
	cfg     Config
	deps    Deps
	http    *fasthttp.Server
	router  *router
	sources sources
	metrics *metrics
	key     []byte // signs buyers' tokens
	conns   *conns
	health  health

	listeners listeners
	pixels    pixels
	proxies   []netip.Prefix // whose word on a client's address counts

	// Requests run under base, which ends when Close gives up waiting for them.
	base    context.Context
	abandon context.CancelFunc

	inFlight  atomic.Int64  // webhooks waiting for their commit
	verifying chan struct{} // holds a token for each webhook that is being verified and read
	bodyBytes atomic.Int64  // bytes of webhook bodies held
	draining  atomic.Bool   // readiness is false, connections are closed after their response
	refusing  atomic.Bool   // webhooks are put off
}

// New opens the edge over its collaborators. It reads the token key and the directory, and listens to
// nothing yet.
func New(cfg Config, deps Deps) (*Server, error) {
	cfg, deps = cfg.withDefaults(), deps.withDefaults()
	if err := errors.Join(cfg.validate(), deps.validate()); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, deps: deps, conns: newConns(cfg.Connections, cfg.ReadTimeout), verifying: make(chan struct{}, cfg.Verifying)}
	var err error
	if s.proxies, err = readProxies(cfg.TrustedProxies); err != nil {
		return nil, err
	}
	s.pixels.scripts, s.pixels.rates = pixel.NewScripts(cfg.hitsURL()), pixel.NewRates(cfg.HitAddresses)
	s.base, s.abandon = context.WithCancel(context.Background())
	ctx, cancel := s.readContext()
	defer cancel()
	if s.key, err = deps.Reader.TokenKey(ctx); err != nil {
		return nil, fmt.Errorf("read token key: %w", err)
	}
	if s.metrics, err = newMetrics(deps.Registerer, s); err != nil {
		return nil, err
	}
	s.sources.opened = s.metrics.source
	s.sources.log = deps.Log
	s.sources.of(deps.Directory())
	s.router = newRouter(s.routes())
	s.http = s.newHTTP()
	return s, nil
}

func (s *Server) newHTTP() *fasthttp.Server {
	return &fasthttp.Server{
		Handler:      s.serve,
		ErrorHandler: s.broken,
		ReadTimeout:  s.cfg.ReadTimeout,
		WriteTimeout: s.cfg.WriteTimeout,
		IdleTimeout:  s.cfg.IdleTimeout,
		// A connection's buffer; a longer header is answered 431.
		ReadBufferSize: s.cfg.HeaderSize,
		// Handlers read bodies themselves, to their own caps, and hold no more than has arrived. Without
		// streaming the server would allocate whatever length a stranger declares; and it reads ahead as
		// much as MaxRequestBodySize, so one byte leaves everything to the handler.
		StreamRequestBody:  true,
		MaxRequestBodySize: 1,
		// A multipart body would be parsed unasked, into temporary files.
		DisablePreParseMultipartForm: true,
		// Streams outlive their handler: their connections are closed by who took them over.
		KeepHijackedConns: true,
		// Connections beyond this are answered 503, which loses a webhook for good. So it is beyond
		// Config.Connections, at which they wait in the kernel's queue instead (see listener). A worker is
		// free a moment after its connection has left our count, hence twice.
		Concurrency: 2*s.cfg.Connections + 1024,
		// No limit per address: behind a balancer all clients share one.
		MaxConnsPerIP: 0,
		// What a scanner learns from it helps nobody else.
		NoDefaultServerHeader: true,
		ConnState:             s.conns.changed,
		Logger:                quiet{s.deps.Log},
	}
}

// Serve answers requests from ln until Close, and then returns nil. It closes ln.
func (s *Server) Serve(ln net.Listener) error {
	l := newListener(ln, s.conns, s.deps.Log)
	l.full = s.metrics.crowded.WithLabelValues(crowdedWaited).Inc
	if !s.listeners.add(l) {
		return nil // Close was called first
	}
	if err := s.http.Serve(l); err != nil {
		return fmt.Errorf("serve HTTP on %s: %w", ln.Addr(), err)
	}
	return nil
}

// Drain makes traffic go elsewhere: readiness turns false and connections close after their response at
// once, and after Config.DrainGrace webhooks are answered 429. It returns when no webhook waits for its
// commit any more, or with ctx's error.
func (s *Server) Drain(ctx context.Context) error {
	s.draining.Store(true)
	if s.cfg.DrainGrace > 0 {
		grace := time.NewTimer(s.cfg.DrainGrace)
		defer grace.Stop()
		select {
		case <-grace.C:
		case <-ctx.Done():
		}
	}
	s.refusing.Store(true)
	return s.settled(ctx)
}

// settlePoll is how often Drain looks whether the last webhook is answered: a commit takes milliseconds.
const settlePoll = 5 * time.Millisecond

func (s *Server) settled(ctx context.Context) error {
	tick := time.NewTicker(settlePoll)
	defer tick.Stop()
	for s.inFlight.Load()+s.pixels.inFlight.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for webhooks and hits in flight: %w", ctx.Err())
		}
	}
	return nil
}

// silence is how long Close lets a connection be that has not sent a request: what was on its way when we
// stopped listening arrives, and is answered 429 instead of being lost.
const silence = 100 * time.Millisecond

// lastWords is how long Close waits for senders that were answered over an unread body and are sending it
// still: a round trip around the world a few times over, and little of a stop's time.
const lastWords = 2 * time.Second

// Close stops listening, closes idle connections, and waits for the requests that run. When ctx ends first
// they are cut off and its error is returned.
func (s *Server) Close(ctx context.Context) error {
	s.draining.Store(true)
	s.refusing.Store(true)
	down := make(chan error, 1)
	go func() { down <- s.http.ShutdownWithContext(ctx) }()
	s.listeners.close()
	quiet := time.NewTimer(silence)
	defer quiet.Stop()
	var err error
	select {
	case err = <-down:
	case <-quiet.C:
		s.conns.close(false)
		err = <-down
	}
	select {
	case <-s.conns.hurry(time.Now().Add(lastWords)):
	case <-ctx.Done():
	}
	s.abandon()
	s.conns.close(true)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close HTTP server: %w", err)
	}
	return nil
}

// readContext bounds a read from the store.
func (s *Server) readContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.base, s.cfg.ReadLimit)
}

// broken answers what could not be read as a request.
func (s *Server) broken(ctx *fasthttp.RequestCtx, err error) {
	p, reason := problem.Problem{Status: fasthttp.StatusBadRequest, Code: domain.Invalid, Detail: "not a request we can read"}, brokenMalformed
	var small *fasthttp.ErrSmallBuffer
	var timeout net.Error
	switch {
	case errors.As(err, &small):
		p.Status, p.Detail, reason = fasthttp.StatusRequestHeaderFieldsTooLarge, "the headers are too long", brokenHeaders
	case errors.As(err, &timeout) && timeout.Timeout():
		p.Status, p.Detail, reason = fasthttp.StatusRequestTimeout, "the request took too long to arrive", brokenSlow
	}
	s.metrics.broken.WithLabelValues(reason).Inc()
	c, ours := ctx.Conn().(*conn)
	if ours {
		c.seeOff()
	}
	if ours && c.heard && reason == brokenSlow {
		// Whose request it was is not known any more, and it may have been a webhook: a slow one is put
		// off (see read). Only a connection that never sent a byte is told 408, which browsers expect on
		// one that they keep in reserve.
		s.comeBack(ctx)
		return
	}
	p.Write(ctx)
}

// quiet passes fasthttp's words on at debug level: each is about one client's connection.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, args ...any) {
	q.log.Debug(strings.TrimSpace(fmt.Sprintf(format, args...)))
}
