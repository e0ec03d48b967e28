package bench

import (
	"errors"
	"net"
	"sync"
)

// openConns is a listener that can cut what it has accepted.
type openConns struct {
	net.Listener

	mu   sync.Mutex
	cut  bool
	open map[*openConn]struct{}
}

type openConn struct {
	net.Conn

	of *openConns
}

// Accept waits for the next connection.
func (l *openConns) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &openConn{conn, l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
	if l.open == nil {
		l.open = map[*openConn]struct{}{}
	}
	l.open[c] = struct{}{}
	return c, nil
}

// Close closes a connection.
func (c *openConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// shut accepts no more, and cuts what is open. Shutting it again does nothing.
func (l *openConns) shut() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return nil
	}
	l.cut = true
	err := l.Listener.Close()
	for c := range l.open {
		err = errors.Join(err, c.Conn.Close())
	}
	return err
}
