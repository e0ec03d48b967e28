package sse

import (
	"net"
	"sync"
	"time"
)

// link is one way of holding a connection. Two things differ between platforms, and between plain TCP
// and TLS: how the client's leaving is noticed, and how bytes that the socket did not take get out.
// Methods but watch are called with the sink's lock held.
type link interface {
	// watch begins to look for the client's leaving, on which it calls the sink's gone.
	watch(s *sink) error
	// write takes what it can without waiting. An error means that the connection is of no more use.
	write(p []byte) (n int, err error)
	// pump sees that the sink's pending bytes leave, and reports whether it has begun to take them. If
	// not, the link calls the sink's room when the socket has some.
	pump(s *sink) bool
	// close ends the connection, at once and without waiting.
	close()
}

// slice is the most a pump writes under one deadline: a client that takes 32 KiB in the stall time is
// slow, not stalled.
const slice = 32 << 10

// goroutines is the link that needs nothing of its platform: a goroutine reads until the client leaves,
// and another lives while there are bytes to write. It also holds what epoll cannot see into.
type goroutines struct {
	conn    net.Conn
	tracked *sync.WaitGroup
	stall   time.Duration
}

func (l *goroutines) watch(s *sink) error {
	l.tracked.Go(func() {
		var ignored [64]byte // a client has nothing to say on a stream
		for {
			if _, err := l.conn.Read(ignored[:]); err != nil {
				s.gone()
				return
			}
		}
	})
	return nil
}

// write takes nothing: a portable write can wait, and the caller must not.
func (l *goroutines) write([]byte) (int, error) { return 0, nil }

func (l *goroutines) pump(s *sink) bool {
	l.tracked.Go(func() {
		for {
			p := s.take(slice)
			if p == nil {
				return
			}
			err := l.conn.SetWriteDeadline(time.Now().Add(l.stall))
			if err == nil {
				_, err = l.conn.Write(p)
			}
			if !s.took(len(p), err) {
				return
			}
		}
	})
	return true
}

// close goes to the socket below TLS: a TLS close waits to say goodbye, up to five seconds to a client
// that does not read.
func (l *goroutines) close() { _ = socketOf(l.conn).Close() }

// socketOf is the connection below TLS, or the connection itself. A wrapper that counts connections
// (fasthttp's MaxConnsPerIP) is kept: closing around it would leak its count.
func socketOf(c net.Conn) net.Conn {
	if inner, ok := c.(interface{ NetConn() net.Conn }); ok {
		return inner.NetConn()
	}
	return c
}

// unwrap takes the connection out of fasthttp's wrapper, which would keep a 4 KB read buffer alive for
// as long as the stream, and out of the listener's below it, in which a socket would be taken for TLS.
func unwrap(c net.Conn) net.Conn {
	for {
		w, ok := c.(interface{ UnsafeConn() net.Conn })
		if !ok {
			return c
		}
		c = w.UnsafeConn()
	}
}
