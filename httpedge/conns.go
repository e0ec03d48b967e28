package httpedge

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// conns knows the open connections that are the server's, streams not included, and whether they ever sent
// a request. A browser keeps a connection in reserve that has not, and fasthttp's own shutdown takes it for
// a busy one: it would wait for it until its read deadline.
type conns struct {
	mu   sync.Mutex
	open map[net.Conn]bool // true: it has sent a request
}

func newConns() *conns { return &conns{open: map[net.Conn]bool{}} }

// changed is told by the server of every change of a connection's state.
func (c *conns) changed(conn net.Conn, state fasthttp.ConnState) {
	switch state {
	case fasthttp.StateNew:
		c.mu.Lock()
		c.open[conn] = false
		c.mu.Unlock()
	case fasthttp.StateClosed, fasthttp.StateHijacked:
		c.mu.Lock()
		delete(c.open, conn)
		c.mu.Unlock()
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

// close closes the silent connections, or all; who serves them takes them off the list.
func (c *conns) close(all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn, spoke := range c.open {
		if all || !spoke {
			_ = conn.Close() // it is being given up
		}
	}
}

// listeners knows what Serve listens to. fasthttp knows it too, but only from the moment it accepts: a Close
// just before would leave it accepting for ever.
type listeners struct {
	mu     sync.Mutex
	closed bool
	open   []net.Listener
}

// add reports whether ln may be served; after close it is closed instead.
func (l *listeners) add(ln net.Listener) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = ln.Close() // nobody has used it
		return false
	}
	l.open = append(l.open, ln)
	return true
}

func (l *listeners) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, ln := range l.open {
		_ = ln.Close() // perhaps for the second time
	}
	l.open = nil
}

// listener keeps accepting when the process is out of files for a moment: fasthttp would end the whole
// server. Meanwhile connections wait in the kernel's queue.
type listener struct {
	net.Listener
	log *slog.Logger
}

// The pause doubles from the first to the longest, as in the standard library's server.
const firstPause, longestPause = 5 * time.Millisecond, time.Second

func (l *listener) Accept() (net.Conn, error) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		conn, err := l.Listener.Accept()
		if err == nil || !passing(err) {
			return conn, err
		}
		if pause == longestPause {
			l.log.Error("connections cannot be accepted", "error", err)
		}
		time.Sleep(pause)
	}
}

// passing tells the errors of Accept that end by themselves from those of a closed listener.
func passing(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.ECONNABORTED)
}
