package sse

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// link picks how a connection is held: by epoll if it is a TCP socket that we can see, and written
// directly unless TLS is in between.
func (s *Server) link(c net.Conn) link {
	portable := goroutines{conn: c, tracked: &s.tracked, stall: s.config.Stall}
	tcp, ok := socketOf(c).(*net.TCPConn)
	if s.poller == nil || !ok {
		return &portable
	}
	rc, err := tcp.SyscallConn()
	if err != nil {
		return &portable
	}
	eye := eye{poller: s.poller, rc: rc}
	if net.Conn(tcp) != c {
		return &polledTLS{portable, eye}
	}
	return &polled{eye, tcp}
}

// eye is a connection's registration with the poller.
type eye struct {
	poller *poller
	rc     syscall.RawConn
	ticket ticket // generation 0: not registered
}

// open registers under the sink's lock, which the first event waits for.
func (e *eye) open(s *sink) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == closed {
		return nil
	}
	e.ticket, err = e.poller.add(e.rc, s)
	return err
}

func (e *eye) shut() {
	if e.ticket.generation != 0 {
		e.poller.remove(e.rc, e.ticket)
		e.ticket = ticket{}
	}
}

// polled is the link of plain TCP on Linux: no goroutine at all.
type polled struct {
	eye
	conn *net.TCPConn
}

func (l *polled) watch(s *sink) error { return l.open(s) }

// write goes past Go's own write, which would wait. Nobody uses that one on this connection: it and
// this share a lock, and a writer that waits would make the other wait as long.
func (l *polled) write(p []byte) (n int, err error) {
	var failed error
	err = l.rc.Write(func(fd uintptr) bool {
		n, failed = writeNow(int(fd), p)
		return true // never wait: the poller tells of room
	})
	if err == nil {
		err = failed
	}
	return n, err
}

// writeNow writes until the socket takes no more: only then does the kernel tell of room.
func writeNow(fd int, p []byte) (n int, err error) {
	for n < len(p) {
		m, err := unix.Write(fd, p[n:])
		switch err {
		case nil:
			n += m
		case unix.EINTR:
		case unix.EAGAIN:
			return n, nil
		default:
			return n, err
		}
	}
	return n, nil
}

func (l *polled) pump(*sink) bool { return false }

func (l *polled) close() {
	l.shut()
	_ = l.conn.Close()
}

// polledTLS is the link of TLS on Linux: its bytes go out through TLS by a goroutine while there are
// any, and its client's leaving is seen on the socket below.
type polledTLS struct {
	goroutines
	eye
}

func (l *polledTLS) watch(s *sink) error { return l.open(s) }

func (l *polledTLS) close() {
	l.shut()
	l.goroutines.close()
}
