package httpedge

import (
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// conns knows the open connections that are the server's, streams not included. fasthttp's own shutdown
// leaves a connection alone that never sent a byte, and would wait for it for five seconds.
type conns struct {
	mu   sync.Mutex
	open map[net.Conn]fasthttp.ConnState
}

func (c *conns) changed(conn net.Conn, state fasthttp.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == fasthttp.StateClosed || state == fasthttp.StateHijacked {
		delete(c.open, conn)
		return
	}
	c.open[conn] = state
}

func (c *conns) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// close closes the connections in the given states; who serves them takes them off the list.
func (c *conns) close(states ...fasthttp.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn, state := range c.open {
		if slices.Contains(states, state) {
			_ = conn.Close() // it is being given up
		}
	}
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
