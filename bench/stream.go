package bench

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// firstRetry is the pause before a stream comes back, until its server has named one.
const firstRetry = time.Second

// stream is one buyer's open dashboard: an event stream that comes back where it left off, as a
// browser's EventSource would.
type stream struct {
	hub     *streams
	index   int
	request func(lastID string) []byte
	sock    *socket

	in      []byte // the head, until it is whole
	hasHead bool
	chunked bool
	chunks  dechunker
	reader  sseReader
	lastID  string
	ready   bool      // the server has said where the feed stands
	since   time.Time // when it said so on this connection; zero while it has not
	tries   int       // connections so far
	backAt  time.Time
}

func (s *stream) opened() { s.hub.reactor.write(s.sock, s.request(s.lastID)) }

func (s *stream) received(at time.Time, b []byte) error {
	if !s.hasHead {
		s.in = append(s.in, b...)
		h, ok, err := parseHead(s.in)
		if err != nil || !ok {
			return err
		}
		if h.Status != 200 {
			return fmt.Errorf("open event stream: status %d", h.Status)
		}
		b, s.hasHead, s.chunked, s.in = s.in[h.Size:], true, h.Chunked, nil
	}
	read := func(body []byte) error {
		return s.reader.feed(body, func(m message) { s.message(at, m) })
	}
	if !s.chunked {
		return read(b)
	}
	if err := s.chunks.feed(b, read); err != nil {
		return err
	}
	if s.chunks.Done {
		return errEnded
	}
	return nil
}

func (s *stream) message(at time.Time, m message) {
	if m.HasID && !s.ready {
		s.ready = true
		s.hub.waiting--
	}
	if m.HasID && s.since.IsZero() {
		s.since = at
	}
	s.hub.event(s.index, at, m)
}

// closed schedules the return, as the server asked by its last "retry:".
func (s *stream) closed(why error) {
	pause := s.reader.Retry
	if pause == 0 {
		pause = firstRetry
	}
	s.lastID = string(s.reader.lastID)
	s.since = time.Time{}
	s.in, s.hasHead, s.chunks, s.reader = nil, false, dechunker{}, sseReader{Retry: s.reader.Retry, lastID: s.reader.lastID}
	s.backAt = time.Now().Add(pause)
	s.hub.lostStream(s, why)
}

// streams are all the event streams of a run.
type streams struct {
	reactor *reactor
	where   func(s *stream) netip.AddrPort // to connect to
	all     []*stream
	event   func(stream int, at time.Time, m message)

	waiting    int       // not ready yet
	away       []*stream // closed, to come back
	reconnects int64
	lastError  error
}

// newStreams prepares one stream per token; open brings them up.
func newStreams(r *reactor, host, path string, tokens []string, event func(int, time.Time, message)) *streams {
	h := &streams{reactor: r, where: func(*stream) netip.AddrPort { return r.to }, event: event, waiting: len(tokens)}
	for i, token := range tokens {
		h.all = append(h.all, &stream{hub: h, index: i, request: streamRequest(host, path, token)})
	}
	return h
}

func streamRequest(host, path, token string) func(string) []byte {
	return func(lastID string) []byte {
		resume := ""
		if lastID != "" {
			resume = "Last-Event-ID: " + lastID + "\r\n"
		}
		return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nAccept: text/event-stream\r\n"+
			"Cache-Control: no-cache\r\nUser-Agent: leadwire-bench\r\n%s\r\n", path, host, token, resume)
	}
}

func (h *streams) connect(s *stream) {
	to := h.where(s)
	s.tries++
	sock, err := h.reactor.connect(to, s)
	if err != nil {
		s.closed(err)
		return
	}
	s.sock = sock
}

func (h *streams) lostStream(s *stream, why error) {
	h.lastError = why
	h.away = append(h.away, s)
}

// comeBack reconnects the streams whose pause is over.
func (h *streams) comeBack(now time.Time) {
	away := h.away
	h.away = nil
	for _, s := range away {
		if now.Before(s.backAt) {
			h.away = append(h.away, s)
			continue
		}
		h.reconnects++
		h.connect(s)
	}
}

// whole says that every stream is open, and has been told where its feed stands.
func (h *streams) whole() bool {
	return !slices.ContainsFunc(h.all, func(s *stream) bool { return s.since.IsZero() })
}

// Connections being opened at once: enough to keep the server busy, well within its accept queue.
const opening = 128

// open brings all streams up: each has a 200 and has been told where its feed stands. It gives up at
// the deadline, with the last reason a stream was closed for.
func (h *streams) open(ctx context.Context, deadline time.Time) error {
	started := 0
	for h.waiting > 0 {
		underway := started - (len(h.all) - h.waiting) - len(h.away)
		for ; started < len(h.all) && underway < opening; underway++ {
			h.connect(h.all[started])
			started++
		}
		if err := h.reactor.turn(housekeeping); err != nil {
			return err
		}
		now := time.Now()
		h.comeBack(now)
		if err := ctx.Err(); err != nil {
			return err
		}
		if now.After(deadline) {
			return domain.Fail("open event streams", domain.Unavailable,
				fmt.Errorf("%d of %d were not ready in time (last reason: %w)", h.waiting, len(h.all), h.lastError))
		}
	}
	return nil
}
