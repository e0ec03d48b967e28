package sse

import (
	"bufio"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/problem"
)

// Server holds the streams of one node.
type Server struct {
	config  Config
	deps    Deps
	encode  encoder
	metrics *metrics
	limits  limits
	wheel   wheel
	reaper  *reaper
	poller  *poller // nil: connections are held by goroutines

	mu      sync.Mutex // orders tracked.Go after a possible Close
	stopped bool
	done    chan struct{}
	tracked sync.WaitGroup // handlers, links and the wheel: all that make streams end
	reaping sync.WaitGroup
}

// New starts the heartbeat, the reaper and, where there is one, the poller; Close ends them.
func New(config Config, deps Deps) (*Server, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	if !domain.CheckID(deps.Epoch) {
		return nil, domain.FailField("configure sse", "epoch", "must be letters and digits: it stands in every id")
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(config, deps.Metrics)
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: config, deps: deps, metrics: m, reaper: newReaper(), done: make(chan struct{}),
		encode: encoder{epoch: deps.Epoch, maxContact: config.MaxContact},
		limits: limits{config: config, buyers: map[domain.BuyerKey]int{}},
	}
	if !config.Portable {
		if s.poller, err = newPoller(); err != nil {
			return nil, domain.Fail("open poller", domain.Internal, err)
		}
	}
	s.start()
	return s, nil
}

func (s *Server) start() {
	s.tracked.Go(func() { s.wheel.turn(s.config.Heartbeat, s.done) })
	if s.poller != nil {
		s.tracked.Go(s.poller.run)
	}
	s.reaping.Go(func() { s.reaper.run(s.done, s.reap) })
}

// Prepare sets what a fasthttp server needs for streams to outlive their requests: without it they are
// closed as soon as they are opened.
func Prepare(server *fasthttp.Server) { server.KeepHijackedConns = true }

// Serve answers an authenticated GET with the buyer's stream: see the package's comment. At a limit the
// answer is 429, while draining 503, both as a problem with Retry-After.
func (s *Server) Serve(ctx *fasthttp.RequestCtx, key domain.BuyerKey) {
	// The key may share memory with the request, which is used again once it is hijacked.
	key = domain.BuyerKey{
		Account: domain.AccountID(strings.Clone(string(key.Account))),
		Buyer:   domain.BuyerID(strings.Clone(string(key.Buyer))),
	}
	if why := s.limits.check(key); why != "" {
		s.refuse(ctx, why)
		return
	}
	from, more := placeOf(ctx, s.deps.Epoch), passedOn(ctx)
	ctx.HijackSetNoResponse(true) // with it, a hijack also happens after "Connection: close" and under HTTP/1.0
	ctx.Hijack(func(c net.Conn) { s.hold(unwrap(c), key, from, more) })
}

// refuse answers a stream that is not opened. Retry-After is jittered: whoever heeds it is one of many.
func (s *Server) refuse(ctx *fasthttp.RequestCtx, why refusal) {
	s.metrics.refused.WithLabelValues(string(why)).Inc()
	p := problem.Problem{
		Status: fasthttp.StatusTooManyRequests, Code: domain.Unavailable, Rule: string(why),
		RetryAfter: time.Duration(2+rand.IntN(9)) * time.Second,
	}
	switch why {
	case atBuyer:
		p.Detail = "This buyer has as many open streams as one buyer may have. Close another page, or try again later."
	case atNode:
		p.Detail = "This node has as many open streams as it may have. Try again: another node may have room."
	case whileDraining:
		p.Status = fasthttp.StatusServiceUnavailable
		p.Detail = "This node is being replaced. Try again: another one answers."
		ctx.SetConnectionClose() // a connection that is kept would bring the client back to this node
	}
	p.Write(ctx)
}

// hold runs in the goroutine that fasthttp gave the connection, and ends once the stream is set up.
func (s *Server) hold(c net.Conn, key domain.BuyerKey, from place, more []byte) {
	if !s.track() {
		_ = c.Close()
		return
	}
	defer s.tracked.Done()
	// Counted here and not before the hijack, which fasthttp may give up on without a word.
	if why := s.limits.take(key); why != "" {
		s.refuseRaw(c, why)
		return
	}
	s.open(c, key, from, more)
}

// track counts a goroutine that Close waits for. False: it is too late.
func (s *Server) track() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	s.tracked.Add(1)
	return true
}

func (s *Server) open(c net.Conn, key domain.BuyerKey, from place, more []byte) {
	s.tune(c)
	age := s.config.MaxAge*4/5 + rand.N(s.config.MaxAge/5+1)
	k := &sink{server: s, link: s.link(c), key: key, lost: from.lost, until: time.Now().Add(age)}
	if !from.home { // who was sent here, and too late, is told so
		k.owner = s.owner(key).Node
	}
	s.metrics.opened.Inc()
	s.metrics.open.Add(1)
	if k.send(s.head(more)) { // before the wheel has it: nothing may be written ahead of the head
		if err := k.link.watch(k); err != nil {
			s.deps.Log.Warn("stream could not be watched", "buyer", key, "error", err)
			k.end(byFault)
		}
	}
	s.wheel.add(k)
	s.hint(k) // it may have moved before the wheel had the stream
	// Whoever ends all streams may have looked before this one was there to be seen.
	switch {
	case s.stopping():
		k.end(byShutdown)
	case s.limits.closed():
		k.finish(goodbye(), byDrain)
	}
	k.attached(s.deps.Feeds.Watch(key, from.seq, from.known, k))
}

// head is the answer's head and the first blocks: the retry, which is each stream's own, and a heartbeat,
// so that the page knows from the beginning how long silence may last.
func (s *Server) head(more []byte) []byte {
	spread := s.config.RetryMax - s.config.RetryMin
	const head = "HTTP/1.1 200 OK\r\n" +
		"Content-Type: text/event-stream\r\n" +
		"Cache-Control: no-cache, no-transform\r\n" +
		"X-Accel-Buffering: no\r\n" +
		"X-Content-Type-Options: nosniff\r\n" +
		"Connection: close\r\n" +
		"Transfer-Encoding: chunked\r\n"
	first := append(append([]byte(head), more...), "\r\n"...)
	first = append(first, retry(s.config.RetryMin+rand.N(spread+1))...)
	return append(first, heartbeat(s.config.Heartbeat)...)
}

func (s *Server) refuseRaw(c net.Conn, why refusal) {
	var answer fasthttp.RequestCtx
	s.refuse(&answer, why)
	answer.SetConnectionClose()
	if c.SetWriteDeadline(time.Now().Add(time.Second)) == nil {
		w := bufio.NewWriter(c)
		if answer.Response.Write(w) == nil {
			_ = w.Flush()
		}
	}
	_ = c.Close()
}

// reap is the end of a stream: nothing calls it any more.
func (s *Server) reap(k *sink) {
	k.stop()
	s.wheel.remove(k)
	s.metrics.closed.WithLabelValues(string(k.why)).Inc()
	s.metrics.open.Add(-1)
	s.limits.give(k.key)
}

func (s *Server) stopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}
