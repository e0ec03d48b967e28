package httpedge

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"
)

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

// listener accepts while there are places, and keeps accepting when the process is out of files for a
// moment: fasthttp would end the whole server. Meanwhile connections wait in the kernel's queue.
type listener struct {
	net.Listener
	conns *conns
	log   *slog.Logger
	full  func() // told when no place is left

	once sync.Once
	done chan struct{} // closed by Close, which ends every wait
}

func newListener(ln net.Listener, conns *conns, log *slog.Logger) *listener {
	return &listener{Listener: ln, conns: conns, log: log, full: func() {}, done: make(chan struct{})}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// Accept returns a connection that has its place.
func (l *listener) Accept() (net.Conn, error) {
	if !l.conns.enter(l.done, l.full) {
		return nil, net.ErrClosed
	}
	c, err := l.accept()
	if err != nil {
		l.conns.leave()
		return nil, err
	}
	return &conn{Conn: c, conns: l.conns}, nil
}

// The pause doubles from the first to the longest, as in the standard library's server.
const firstPause, longestPause = 5 * time.Millisecond, time.Second

func (l *listener) accept() (net.Conn, error) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		conn, err := l.Listener.Accept()
		if err == nil || !passing(err) {
			return conn, err
		}
		if pause == longestPause {
			l.log.Error("connections cannot be accepted", "error", err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-l.done:
			timer.Stop()
			return nil, net.ErrClosed
		}
	}
}

// passing tells the errors of Accept that end by themselves from those of a closed listener.
func passing(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.ECONNABORTED)
}
