package cluster

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"
)

// What comes in is anybody's until it has shaken hands. Until then it counts among the greeting, which are few, and only then
// among the coming, so that strangers take no places of nodes.
//
//	accept ──▶ greeting: handshake, first byte ──▶ coming: packets, until the end, a silence or an age
//	   └──full: dropped   └──no node: dropped         └── a stream: handed to memberlist

// asksAfter has the kernel ask whether a node is still there that was silent for a while: four unanswered questions, some 23 s, and
// the connection is given up. Who only reads has no other way to learn of a network that is gone, and would keep the place for as
// long as a link may be idle. Who sends needs none: see giveUpAfter.
//
//nolint:gochecknoglobals // a value
var asksAfter = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 2 * time.Second, Count: 4}

func (w *wire) listen(host string, port int) error {
	ip, err := net.ResolveIPAddr("ip", host)
	if err != nil {
		return fmt.Errorf("find where to listen: %w", err)
	}
	config := net.ListenConfig{KeepAliveConfig: asksAfter}
	w.listener, err = config.Listen(w.ctx, "tcp", net.JoinHostPort(ip.String(), strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return nil
}

func (w *wire) accept() {
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			select {
			case <-w.ctx.Done():
				return
			case <-time.After(w.limits.pause): // no descriptors are left, say: they come back
				w.complain("gossip cannot take a connection", "", err)
				continue
			}
		}
		if !w.take(conn) {
			_ = conn.Close()
		}
	}
}

// take begins to serve a connection, unless too many have yet to greet.
func (w *wire) take(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return false
	case len(w.greeting) >= w.limits.greeting || w.greetingFrom(conn) >= w.limits.perHost:
		w.drop(dropGreeting)
		return false
	}
	w.greeting[conn] = struct{}{}
	w.running.Go(func() { w.serve(conn) })
	return true
}

// greetingFrom counts who has yet to greet of one host: it shall not take the place of others. mu is held.
func (w *wire) greetingFrom(conn net.Conn) (n int) {
	host := hostOf(conn)
	for other := range w.greeting {
		if hostOf(other) == host {
			n++
		}
	}
	return n
}

func hostOf(conn net.Conn) netip.Addr {
	if at, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return at.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func (w *wire) serve(raw net.Conn) {
	defer w.forget(raw)
	conn := tls.Server(raw, w.server)
	kind, err := w.greet(conn)
	switch {
	case w.ctx.Err() != nil:
	case err != nil:
		w.drop(dropStranger)
		w.complain("gossip refused a connection", raw.RemoteAddr().String(), err)
	case !w.admit(raw):
	case kind == streamFollows:
		select {
		case w.streams <- conn: // it is memberlist's now, and is closed there
			return
		case <-w.ctx.Done():
		}
	default:
		if err := w.read(conn); err != nil && w.ctx.Err() == nil {
			w.drop(dropUnreadable)
			w.log.Debug("gossip cannot be read", "from", raw.RemoteAddr().String(), "error", err)
		}
	}
	_ = raw.Close() // without TLS's own farewell: it may wait, and where a packet ends is known
}

// admit counts a connection among those of nodes, unless there are too many.
func (w *wire) admit(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return false
	case len(w.coming) >= w.limits.coming:
		w.drop(dropComing)
		return false
	}
	delete(w.greeting, conn)
	w.coming[conn] = struct{}{}
	return true
}

func (w *wire) forget(conn net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.greeting, conn)
	delete(w.coming, conn)
}

// greet shakes hands and reads what the connection is for.
func (w *wire) greet(conn *tls.Conn) (wireKind, error) {
	if err := conn.SetDeadline(time.Now().Add(w.limits.handshake)); err != nil {
		return 0, err
	}
	var kind [1]byte
	if _, err := io.ReadFull(conn, kind[:]); err != nil {
		return 0, err
	}
	if err := speaks(conn); err != nil {
		return 0, err
	}
	if k := wireKind(kind[0]); k != packetsFollow && k != streamFollows {
		return 0, fmt.Errorf("it begins with %q", k)
	}
	return wireKind(kind[0]), conn.SetDeadline(time.Time{})
}

// read passes packets on until the connection ends, which is an error in the middle of one only. So is what cannot be opened,
// wherever it comes.
func (w *wire) read(conn net.Conn) error {
	old := time.Now().Add(w.limits.age + w.limits.handshake)
	var head [2]byte
	for {
		// Who sends closes what is idle or old, earlier.
		until := time.Now().Add(w.limits.idle + w.limits.handshake)
		if old.Before(until) {
			until = old
		}
		if err := conn.SetReadDeadline(until); err != nil {
			return nil //nolint:nilerr // it is closed
		}
		if n, err := io.ReadFull(conn, head[:]); err != nil {
			if n == 0 && ended(err) {
				return nil
			}
			return err
		}
		p := &memberlist.Packet{Buf: make([]byte, binary.BigEndian.Uint16(head[:])), From: conn.RemoteAddr()}
		if len(p.Buf) == 0 {
			return errors.New("an empty packet")
		}
		if _, err := io.ReadFull(conn, p.Buf); err != nil {
			return err
		}
		p.Timestamp = time.Now()
		select {
		case w.packets <- p:
		case <-w.ctx.Done():
			return nil
		}
	}
}

// ended says whether a connection just ended: closed by either side, silent for long, or given up by the system, because a node
// was killed or cannot be reached any more.
func ended(err error) bool {
	var system syscall.Errno
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &system)
}
