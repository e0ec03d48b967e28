package bench

import (
	"errors"
	"time"
)

// poster is one keep-alive connection that webhooks are sent on, one at a time.
type poster struct {
	pool    *pool
	sock    *socket
	n       int64 // the request under way; idle when none
	sent    time.Time
	in      []byte
	head    head
	hasHead bool
	body    int // bytes of the answer's body still to come
	chunks  dechunker
}

const idle = int64(-1)

func (p *poster) opened() {}

func (p *poster) send(n int64, now time.Time, request []byte) {
	p.n, p.sent = n, now
	p.pool.reactor.write(p.sock, request)
}

var (
	errUnasked  = errors.New("the server answered what was not asked")
	errPatience = errors.New("no answer came in time")
)

func (p *poster) received(at time.Time, b []byte) error {
	if p.n == idle {
		return errUnasked
	}
	if !p.hasHead {
		p.in = append(p.in, b...)
		h, ok, err := parseHead(p.in)
		if err != nil || !ok {
			return err
		}
		p.head, p.hasHead, p.body, p.chunks = h, true, max(h.Length, 0), dechunker{}
		b = p.in[h.Size:]
	}
	done, err := p.skipBody(b)
	if err != nil || !done {
		return err
	}
	n, h := p.n, p.head
	p.n, p.in, p.hasHead = idle, p.in[:0], false
	p.pool.told(n, h.Status, at)
	if h.Close {
		return errEnded
	}
	p.pool.free = append(p.pool.free, p)
	return nil
}

// skipBody passes over the answer's body, of which nothing is needed, and says whether that was all.
func (p *poster) skipBody(b []byte) (done bool, err error) {
	if p.head.Chunked {
		err := p.chunks.feed(b, func([]byte) error { return nil })
		return p.chunks.Done, err
	}
	if len(b) > p.body {
		return false, errUnasked
	}
	p.body -= len(b)
	return p.body == 0, nil
}

// closed is how a connection ends: quietly between requests, as a failure during one.
func (p *poster) closed(error) {
	p.pool.gone(p)
	if p.n != idle {
		p.pool.told(p.n, 0, time.Now())
		p.n = idle
	}
}
