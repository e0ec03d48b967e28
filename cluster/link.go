package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"
)

// link is where packets go to one address.
type link struct {
	addr  string
	queue chan []byte
}

// send hands a packet to its link, which begins with it.
func (w *wire) send(addr string, packet []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return net.ErrClosed
	}
	l := w.links[addr]
	if l == nil {
		if len(w.links) >= w.limits.links {
			w.drop(dropLinks)
			return nil
		}
		l = &link{addr: addr, queue: make(chan []byte, w.limits.queue)}
		w.links[addr] = l
		w.running.Go(func() { w.follow(l) })
	}
	select {
	case l.queue <- packet:
	default:
		w.drop(dropBehind)
	}
	return nil
}

// follow sends what is queued until nothing was for long. A connection is made when there is something to send.
func (w *wire) follow(l *link) {
	for {
		outcome := broken
		if conn, err := w.dial(w.end, l.addr, w.limits.handshake, packetsFollow); err == nil {
			outcome = w.carry(l, conn)
		} else {
			w.log.Debug("gossip cannot reach a node", "address", l.addr, "error", err)
		}
		if outcome == over || (outcome == broken && !w.rest(l)) {
			return
		}
	}
}

// dial makes a connection to a node. A stream's timeout is memberlist's own.
func (w *wire) dial(ctx context.Context, addr string, timeout time.Duration, kind wireKind) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dialer := &net.Dialer{Control: giveUpAfter(w.limits.write), KeepAlive: -1}
	raw, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", addr, err)
	}
	conn := tls.Client(raw, w.client)
	if err := w.introduce(ctx, conn, kind); err != nil {
		_ = raw.Close()
		if notNode(err) && w.ctx.Err() == nil {
			w.complain("gossip reached what is no node", addr, err)
		}
		return nil, fmt.Errorf("reach %s: %w", addr, err)
	}
	return conn, nil
}

// introduce shakes hands and says what the connection is for.
func (w *wire) introduce(ctx context.Context, conn *tls.Conn, kind wireKind) error {
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	if err := speaks(conn); err != nil {
		return err
	}
	_, err := conn.Write([]byte{byte(kind)}) // one byte into an empty buffer does not wait
	return err
}

// notNode tells what the other end showed us from what the network did.
func notNode(err error) bool {
	var network net.Error
	return !errors.As(err, &network) && !errors.Is(err, io.EOF)
}

// outcome is how a link's connection came to its end.
type outcome int

const (
	broken outcome = iota // what is queued is dropped
	old                   // another one takes its place at once
	over                  // the link has nothing to send, or the wire is shut down
)

// carry writes packets to a connection, which nothing holds up once the wire is cut. It is closed without TLS's own farewell: that
// may wait for seconds, and where a packet ends is known.
func (w *wire) carry(l *link, conn *tls.Conn) outcome {
	raw := conn.NetConn()
	defer func() { _ = raw.Close() }()
	defer context.AfterFunc(w.end, func() { _ = raw.Close() })()
	gone := make(chan struct{})
	w.running.Go(func() { // nothing comes back but the end, and a write alone would learn of it one packet late
		defer close(gone)
		_, _ = io.Copy(io.Discard, conn)
	})
	idle := time.NewTimer(w.limits.idle)
	defer idle.Stop()
	aged := time.NewTimer(w.limits.age*4/5 + rand.N(w.limits.age/5+1)) // spread: links to all nodes are made at the same moment
	defer aged.Stop()
	for {
		select {
		case packet := <-l.queue:
			idle.Reset(w.limits.idle)
			if !w.write(conn, packet) {
				return broken
			}
		case <-gone:
			return broken
		case <-idle.C:
			if w.unlink(l) {
				return over
			}
		case <-aged.C:
			if w.unlink(l) {
				return over
			}
			return old
		case <-w.ctx.Done():
			w.flush(l, conn)
			return over
		}
	}
}

func (w *wire) write(conn net.Conn, packet []byte) bool {
	err := conn.SetWriteDeadline(time.Now().Add(w.limits.write))
	if err == nil {
		_, err = conn.Write(packet)
	}
	if err != nil {
		w.drop(dropBroken)
	}
	return err == nil
}

// flush sends what was queued before the wire was shut down.
func (w *wire) flush(l *link, conn net.Conn) {
	for {
		select {
		case packet := <-l.queue:
			if !w.write(conn, packet) {
				return
			}
		default:
			return
		}
	}
}

// rest drops what is queued, for it would be stale, and pauses. It is false when the link has ended: nothing came after that.
func (w *wire) rest(l *link) bool {
	pause := time.NewTimer(w.limits.pause)
	defer pause.Stop()
	for {
		select {
		case <-l.queue:
			w.drop(dropBroken)
		case <-pause.C:
			w.drain(l)
			return !w.unlink(l)
		case <-w.ctx.Done():
			return false
		}
	}
}

func (w *wire) drain(l *link) {
	for range len(l.queue) { // nobody else takes from it
		<-l.queue
		w.drop(dropBroken)
	}
}

// unlink forgets a link that has nothing to send.
func (w *wire) unlink(l *link) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(l.queue) > 0 {
		return false
	}
	delete(w.links, l.addr)
	return true
}
