package httpedge

import (
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// conns knows the open connections that are the server's, streams not included, and whether they ever sent
// a request. A browser keeps a connection in reserve that has not, and fasthttp's own shutdown takes it for
// a busy one: it would wait for it until its read deadline. Each holds a place, of which there are so many.
type conns struct {
	places chan struct{} // holds a token for each open connection, and for each that is being waited for
	linger time.Duration // how long a parting connection waits for its sender

	mu      sync.Mutex
	open    map[net.Conn]bool // true: it has sent a request
	parting map[*conn]struct{}
	end     time.Time     // when the last parting is cut; zero: nobody hurries
	empty   chan struct{} // made by hurry, closed when none is open
}

func newConns(places int, linger time.Duration) *conns {
	return &conns{
		places: make(chan struct{}, places), linger: linger,
		open: map[net.Conn]bool{}, parting: map[*conn]struct{}{},
	}
}

// enter takes a place for a connection to come, and waits for one if it must: full is told. It reports
// false when done ends first.
func (c *conns) enter(done <-chan struct{}, full func()) bool {
	select {
	case c.places <- struct{}{}:
		return true
	default:
	}
	full()
	select {
	case c.places <- struct{}{}:
		return true
	case <-done:
		return false
	}
}

// leave gives a place back.
func (c *conns) leave() { <-c.places }

// crowded reports whether less than a tenth of the places is left. While it is, connections are closed
// after their answer. Those few places then come free within ReadTimeout each, however many others idle.
func (c *conns) crowded() bool {
	return len(c.places) > cap(c.places)-max(1, cap(c.places)/10)
}

// changed is told by the server of every change of a connection's state.
func (c *conns) changed(conn net.Conn, state fasthttp.ConnState) {
	switch state {
	case fasthttp.StateNew:
		c.mu.Lock()
		c.open[conn] = false
		c.mu.Unlock()
	case fasthttp.StateClosed, fasthttp.StateHijacked:
		c.gone(conn)
	}
}

func (c *conns) gone(nc net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ours := c.open[nc]; !ours {
		return
	}
	delete(c.open, nc)
	if ours, ok := nc.(*conn); ok {
		delete(c.parting, ours)
	}
	c.leave()
	if c.empty != nil && len(c.open) == 0 {
		close(c.empty)
		c.empty = nil
	}
}

// spoke marks a connection's first request.
func (c *conns) spoke(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ours := c.open[conn]; ours {
		c.open[conn] = true
	}
}

func (c *conns) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// part bounds how long one may take its leave; false when it is closed already.
func (c *conns) part(one *conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := time.Now().Add(c.linger)
	if !c.end.IsZero() && c.end.Before(end) {
		end = c.end
	}
	c.parting[one] = struct{}{}
	return one.SetReadDeadline(end) == nil
}

// hurry has whoever takes its leave, or will, be done by end. The channel closes when no connection is open
// any more.
func (c *conns) hurry(end time.Time) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end = end
	for one := range c.parting {
		_ = one.SetReadDeadline(end) // one that is closed is in no need of it
	}
	empty := make(chan struct{})
	if len(c.open) == 0 {
		close(empty)
	} else {
		c.empty = empty
	}
	return empty
}

// close cuts the silent connections, or all; who serves them takes them off the list.
func (c *conns) close(all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn, spoke := range c.open {
		if all || !spoke {
			cut(conn)
		}
	}
}
