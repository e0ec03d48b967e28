package cluster

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/prometheus/client_golang/prometheus"
)

// wire carries gossip over mutual TLS, in place of memberlist's own UDP and TCP. What memberlist takes for packets goes over
// connections that stay, one in each direction between two nodes; what it takes for streams has a connection each. The first
// byte of a connection says which it is; packets follow as two bytes of length and so many of content.
//
//	WriteTo ──▶ link: queue ──▶ dial, shake hands ──▶ packets ──▶ idle: closed
//	                 └──full, broken: dropped          └──broken: dropped, dialled again after a pause
//
// A packet is what it is over UDP: it is sent soon or not at all, and nobody waits for it. What is different is that one that is
// lost on the way holds those behind it until it is sent again: some 200 ms. A probe that meets that is made again through
// others before anybody is suspected.
type wire struct {
	server, client *tls.Config
	listener       net.Listener
	log            *slog.Logger
	limits         wireLimits
	packets        chan *memberlist.Packet
	streams        chan net.Conn

	ctx     context.Context //nolint:containedctx // the wire's own life
	stop    context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	links   map[string]*link      // going out, by address
	coming  map[net.Conn]struct{} // in
	dropped map[wireDrop]*atomic.Int64
}

var _ memberlist.Transport = (*wire)(nil)

// wireLimits are what a wire allows; a test may make them small.
type wireLimits struct {
	handshake time.Duration // of either side, and the first byte: a busy machine's slowest, a fraction of a lease
	write     time.Duration // of one packet; what is unacknowledged for longer is a broken connection, too
	pause     time.Duration // after one that broke or did not come about: a node that is gone is not dialled for every packet
	idle      time.Duration // after the last packet; far beyond the time in which 1,000 members get around to each other (17 s)
	queue     int           // packets that wait for one node: a second of them, and more would be stale
	links     int           // going out: members, and seeds
	coming    int           // coming in: a link and a stream of each member, and as many again that are about to go
}

//nolint:gochecknoglobals // a value
var usualWire = wireLimits{
	handshake: 2 * time.Second, write: 2 * time.Second, pause: 200 * time.Millisecond, idle: 2 * time.Minute,
	queue: 64, links: 2048, coming: 4096,
}

// wireKind is the first byte of a connection.
type wireKind byte

const (
	packetsFollow wireKind = 'p'
	streamFollows wireKind = 's'
)

// wireDrop is why gossip was not sent, or not taken.
type wireDrop string

const (
	dropBehind     wireDrop = "queue_full"  // a packet: the queue to its node is full
	dropLinks      wireDrop = "links_full"  // a packet: too many nodes
	dropBroken     wireDrop = "unreachable" // a packet: its node cannot be reached, or the connection to it broke
	dropComing     wireDrop = "inbound_full"
	dropStranger   wireDrop = "handshake" // a connection: it did not prove to be a node's, in time
	dropUnreadable wireDrop = "unreadable"
)

//nolint:gochecknoglobals // a value
var wireDrops = []wireDrop{dropBehind, dropLinks, dropBroken, dropComing, dropStranger, dropUnreadable}

// wireProtocol is what both sides name while they shake hands: a certificate alone would let somebody in between pass a
// connection of actor messages off as one of gossip.
const wireProtocol = "leadwire-gossip/1"

// openWire listens; port 0 is any free one.
func openWire(host string, port int, server, client *tls.Config, limits wireLimits, log *slog.Logger) (*wire, error) {
	ip, err := net.ResolveIPAddr("ip", host)
	if err != nil {
		return nil, fmt.Errorf("find where to listen: %w", err)
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: ip.IP, Port: port, Zone: ip.Zone})
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	w := &wire{
		server: ofWire(server), client: ofWire(client), listener: listener, limits: limits, log: log,
		packets: make(chan *memberlist.Packet), streams: make(chan net.Conn),
		links: map[string]*link{}, coming: map[net.Conn]struct{}{}, dropped: map[wireDrop]*atomic.Int64{},
	}
	w.ctx, w.stop = context.WithCancel(context.Background())
	for _, why := range wireDrops {
		w.dropped[why] = &atomic.Int64{}
	}
	w.running.Go(w.accept)
	return w, nil
}

func ofWire(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.NextProtos = []string{wireProtocol}
	return c
}

func (w *wire) port() int { return w.listener.Addr().(*net.TCPAddr).Port } //nolint:forcetypeassert // it listens on TCP

// FinalAdvertiseAddr is part of memberlist.Transport.
func (w *wire) FinalAdvertiseAddr(host string, port int) (net.IP, int, error) {
	if host == "" {
		at := w.listener.Addr().(*net.TCPAddr) //nolint:forcetypeassert // it listens on TCP
		return shortest(at.IP), at.Port, nil
	}
	ip := net.ParseIP(host)
	if ip == nil {
		return nil, 0, fmt.Errorf("advertise %s: not an IP address", host)
	}
	if port == 0 {
		port = w.port()
	}
	return shortest(ip), port, nil
}

func shortest(ip net.IP) net.IP {
	if four := ip.To4(); four != nil {
		return four
	}
	return ip
}

// PacketCh is part of memberlist.Transport.
func (w *wire) PacketCh() <-chan *memberlist.Packet { return w.packets }

// StreamCh is part of memberlist.Transport.
func (w *wire) StreamCh() <-chan net.Conn { return w.streams }

// WriteTo is part of memberlist.Transport. It does not wait: the packet is queued, or dropped and counted.
func (w *wire) WriteTo(b []byte, addr string) (time.Time, error) {
	if len(b) > maxPacket {
		return time.Time{}, fmt.Errorf("send gossip: %d bytes, a packet has %d at most", len(b), maxPacket)
	}
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(b)), uint16(len(b)))
	return time.Now(), w.send(addr, append(framed, b...))
}

const maxPacket = 1<<16 - 1

// DialTimeout is part of memberlist.Transport. The timeout is for all of it, the handshake included.
func (w *wire) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return w.dial(addr, timeout, streamFollows)
}

func (w *wire) dial(addr string, timeout time.Duration, kind wireKind) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(w.ctx, timeout)
	defer cancel()
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Control: giveUpAfter(w.limits.write)}, Config: w.client}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", addr, err)
	}
	// One byte into an empty buffer does not wait.
	if _, err := conn.Write([]byte{byte(kind)}); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("reach %s: %w", addr, err)
	}
	return conn, nil
}

// Shutdown is part of memberlist.Transport. It returns when nothing of the wire runs any more.
func (w *wire) Shutdown() error {
	w.mu.Lock()
	w.closed = true
	w.stop()
	for conn := range w.coming {
		_ = conn.Close()
	}
	w.mu.Unlock()
	err := w.listener.Close()
	w.running.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// ---- what comes in

func (w *wire) accept() {
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			select {
			case <-w.ctx.Done():
				return
			case <-time.After(w.limits.pause): // no descriptors are left, say: they come back
				w.log.Warn("gossip cannot take a connection", "error", err)
				continue
			}
		}
		if !w.take(conn) {
			_ = conn.Close()
		}
	}
}

// take begins to serve a connection, unless there are too many.
func (w *wire) take(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return false
	case len(w.coming) >= w.limits.coming:
		w.drop(dropComing)
		return false
	}
	w.coming[conn] = struct{}{}
	w.running.Go(func() {
		w.serve(conn)
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.coming, conn)
	})
	return true
}

func (w *wire) serve(raw net.Conn) {
	conn := tls.Server(raw, w.server)
	kind, err := w.greet(conn)
	if err != nil {
		w.drop(dropStranger)
		w.log.Debug("gossip refused a connection", "from", raw.RemoteAddr().String(), "error", err)
		_ = conn.Close()
		return
	}
	if kind == streamFollows {
		select {
		case w.streams <- conn: // it is memberlist's now, and is closed there
		case <-w.ctx.Done():
			_ = conn.Close()
		}
		return
	}
	defer func() { _ = conn.Close() }()
	if err := w.read(conn); err != nil {
		w.drop(dropUnreadable)
		w.log.Debug("gossip cannot be read", "from", raw.RemoteAddr().String(), "error", err)
	}
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
	if conn.ConnectionState().NegotiatedProtocol != wireProtocol {
		return 0, errors.New("it does not speak " + wireProtocol)
	}
	if k := wireKind(kind[0]); k != packetsFollow && k != streamFollows {
		return 0, fmt.Errorf("it begins with %q", k)
	}
	return wireKind(kind[0]), conn.SetDeadline(time.Time{})
}

// read passes packets on until the connection ends, which is an error in the middle of one only.
func (w *wire) read(conn net.Conn) error {
	var head [2]byte
	for {
		// Who sends closes what is idle, earlier.
		if err := conn.SetReadDeadline(time.Now().Add(w.limits.idle + w.limits.handshake)); err != nil {
			return nil //nolint:nilerr // it is closed
		}
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return err
			}
			return nil
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

func (w *wire) drop(why wireDrop) { w.dropped[why].Add(1) }

// collectors are the wire's series.
func (w *wire) collectors() (all []prometheus.Collector) {
	count := func(read func() int) func() float64 {
		return func() float64 {
			w.mu.Lock()
			defer w.mu.Unlock()
			return float64(read())
		}
	}
	fullest := func() (most int) {
		for _, l := range w.links {
			most = max(most, len(l.queue))
		}
		return most
	}
	all = append(all,
		gauge("gossip_links", "Nodes that gossip over TLS is sent to.", nil, count(func() int { return len(w.links) })),
		gauge("gossip_links_max", "Limit of gossip_links.", nil, func() float64 { return float64(w.limits.links) }),
		gauge("gossip_inbound", "Connections of gossip over TLS that came in.", nil, count(func() int { return len(w.coming) })),
		gauge("gossip_inbound_max", "Limit of gossip_inbound.", nil, func() float64 { return float64(w.limits.coming) }),
		gauge("gossip_queue", "Packets that wait to be sent to one node over TLS, the most of all nodes.", nil, count(fullest)),
		gauge("gossip_queue_max", "Limit of gossip_queue.", nil, func() float64 { return float64(w.limits.queue) }))
	for _, why := range wireDrops {
		all = append(all, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "leadwire", Subsystem: "cluster", Name: "gossip_dropped_total", ConstLabels: prometheus.Labels{"reason": string(why)},
			Help: "Packets and connections of gossip over TLS that were given up, by reason.",
		}, func() float64 { return float64(w.dropped[why].Load()) }))
	}
	return all
}
