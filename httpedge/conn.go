package httpedge

import (
	"io"
	"net"
	"sync/atomic"
)

// conn is an accepted connection that can take its leave. A sender may read our answer only when it has
// sent its whole body, and the kernel throws the answer away when we close while bytes of that body are
// unread: it resets the connection. A 429 lost so is a lead lost, because its sender never comes back. So
// after an answer over an unread body, Close ends only our half and throws away what still comes, within
// bounds, before it ends the other.
//
// The other way, to read the body first and answer then, keeps a sender waiting who reads as it writes, and
// still resets whoever is slower than the bound. Here the answer has left before the wait begins.
type conn struct {
	net.Conn
	conns *conns

	// Of the goroutine that serves the connection.
	heard  bool // a byte has arrived
	unread bool // the running request has a body that was not read to its end

	parting atomic.Bool // Close is to see the sender off
}

// lingerBytes bounds what a parting connection throws away: four bodies of the default cap. Who sends more
// is no webhook's sender.
const lingerBytes = 4 * maxBody

// UnsafeConn is the connection itself, as a stream takes it over: it has to be written to directly.
func (c *conn) UnsafeConn() net.Conn { return c.Conn }

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.heard = c.heard || n > 0
	return n, err
}

// seeOff asks Close to wait for a sender that is still sending.
func (c *conn) seeOff() { c.parting.Store(true) }

// Close may take as long as the sender, up to ReadTimeout: its caller is the goroutine that served it.
func (c *conn) Close() error {
	if c.parting.Swap(false) {
		c.part()
	}
	return c.Conn.Close()
}

func (c *conn) part() {
	half, can := c.Conn.(interface{ CloseWrite() error })
	if !can || half.CloseWrite() != nil || !c.conns.part(c) {
		return // gone already
	}
	_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes) // whether it all came is the sender's affair
}

// cut closes at once, also under a Close that waits.
func cut(c net.Conn) {
	if ours, ok := c.(*conn); ok {
		c = ours.Conn
	}
	_ = c.Close() // it is being given up
}
