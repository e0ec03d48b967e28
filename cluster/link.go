package cluster

import (
	"io"
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
		conn, err := w.dial(l.addr, w.limits.handshake, packetsFollow)
		if err == nil {
			if w.carry(l, conn) {
				return
			}
		} else {
			w.log.Debug("gossip cannot reach a node", "address", l.addr, "error", err)
		}
		if !w.rest(l) {
			return
		}
	}
}

// carry writes packets to a connection. It is true when the link has ended, and false when the connection has.
func (w *wire) carry(l *link, conn net.Conn) bool {
	defer func() { _ = conn.Close() }()
	broken := make(chan struct{})
	w.running.Go(func() { // nothing comes back but the end, and a write alone would learn of it one packet late
		defer close(broken)
		_, _ = io.Copy(io.Discard, conn)
	})
	idle := time.NewTimer(w.limits.idle)
	defer idle.Stop()
	for {
		select {
		case packet := <-l.queue:
			idle.Reset(w.limits.idle)
			if err := conn.SetWriteDeadline(time.Now().Add(w.limits.write)); err != nil {
				w.drop(dropBroken)
				return false
			}
			if _, err := conn.Write(packet); err != nil {
				w.drop(dropBroken)
				return false
			}
		case <-broken:
			return false
		case <-idle.C:
			if w.unlink(l) {
				return true
			}
		case <-w.ctx.Done():
			return true
		}
	}
}

// rest drops what is queued, for it would be stale, and pauses. It is false when the link has ended: nothing came meanwhile.
func (w *wire) rest(l *link) bool {
	pause := time.NewTimer(w.limits.pause)
	defer pause.Stop()
	came := false
	for {
		select {
		case <-l.queue:
			w.drop(dropBroken)
			came = true
		case <-pause.C:
			return came || !w.unlink(l)
		case <-w.ctx.Done():
			return false
		}
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
