package cluster

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

// wire carries gossip over mutual TLS, in place of memberlist's own UDP and TCP. What memberlist takes for packets goes over
// connections that stay, one in each direction between two nodes; what it takes for streams has a connection each. The first
// byte of a connection says which it is; packets follow as two bytes of length and so many of content.
//
//	WriteTo ──▶ link: queue ──▶ dial, shake hands ──▶ packets ──▶ idle: closed; old: made anew
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
	end     context.Context //nolint:containedctx // of what is still being sent when ctx has ended
	cut     context.CancelFunc
	running sync.WaitGroup

	mu         sync.Mutex
	closed     bool
	links      map[string]*link      // going out, by address
	greeting   map[net.Conn]struct{} // in, from who has yet to prove to be a node
	coming     map[net.Conn]struct{} // in, from nodes
	complained time.Time             // when the log was last told of a stranger
	dropped    map[wireDrop]*atomic.Int64
}

var _ memberlist.Transport = (*wire)(nil)

// wireLimits are what a wire allows; a test may make them small.
type wireLimits struct {
	handshake time.Duration // of a link or of what comes in: two round trips of a slow network, and a machine that is busy
	write     time.Duration // of one packet; what is unacknowledged for longer is a broken connection, too
	pause     time.Duration // after one that broke or did not come about: a node that is gone is not dialled for every packet
	idle      time.Duration // after the last packet; a quiet cluster sends probes alone, to each of 1,000 members every 500 s
	age       time.Duration // of a link: as long may a certificate be of use that has ended or was replaced
	farewell  time.Duration // for what is queued when the wire is shut down: that this node leaves is among it
	complain  time.Duration // between two lines of the log about strangers, who must not be able to fill it
	queue     int           // packets that wait for one node: a second of them, and more would be stale
	links     int           // going out: members, and seeds
	greeting  int           // who has yet to prove to be a node: a node shakes hands with so many in half a second, at 1 ms each
	perHost   int           // of them, of one host: one node's links and streams that come at once, and many times that
	coming    int           // from nodes: a link of each member, as many that are about to go, and streams until they are taken
}

//nolint:gochecknoglobals // a value
var usualWire = wireLimits{
	handshake: 4 * time.Second, write: 2 * time.Second, pause: 200 * time.Millisecond, idle: 15 * time.Minute, age: time.Hour,
	farewell: 100 * time.Millisecond, complain: time.Second, queue: 64, links: 2048, greeting: 512, perHost: 64, coming: 4096,
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
	dropBehind     wireDrop = "queue_full"      // a packet: the queue to its node is full
	dropLinks      wireDrop = "links_full"      // a packet: too many nodes
	dropBroken     wireDrop = "unreachable"     // a packet: its node cannot be reached, or the connection to it broke
	dropGreeting   wireDrop = "handshakes_full" // a connection: too many others shake hands
	dropComing     wireDrop = "inbound_full"    // a connection of a node: too many others
	dropStranger   wireDrop = "handshake"       // a connection: it did not prove to be a node's, in time
	dropUnreadable wireDrop = "unreadable"      // a connection of a node: something came that is no packet
)

//nolint:gochecknoglobals // a value
var wireDrops = []wireDrop{dropBehind, dropLinks, dropBroken, dropGreeting, dropComing, dropStranger, dropUnreadable}

// wireProtocol is what both sides name while they shake hands, and insist on: a certificate alone would let somebody in between
// pass a connection of actor messages off as one of gossip.
const wireProtocol = "leadwire-gossip/1"

func speaks(conn *tls.Conn) error {
	if conn.ConnectionState().NegotiatedProtocol != wireProtocol {
		return errors.New("it does not speak " + wireProtocol)
	}
	return nil
}

// openWire listens; port 0 is any free one.
func openWire(host string, port int, server, client *tls.Config, limits wireLimits, log *slog.Logger) (*wire, error) {
	w := &wire{
		server: ofWire(server), client: ofWire(client), limits: limits, log: log,
		packets: make(chan *memberlist.Packet), streams: make(chan net.Conn),
		links: map[string]*link{}, greeting: map[net.Conn]struct{}{}, coming: map[net.Conn]struct{}{}, dropped: map[wireDrop]*atomic.Int64{},
	}
	w.ctx, w.stop = context.WithCancel(context.Background())
	w.end, w.cut = context.WithCancel(context.Background())
	for _, why := range wireDrops {
		w.dropped[why] = &atomic.Int64{}
	}
	if err := w.listen(host, port); err != nil {
		return nil, err
	}
	w.running.Go(w.accept)
	return w, nil
}

func ofWire(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.NextProtos = []string{wireProtocol}
	// Nobody resumes; and a ticket that a link has not read when it closes would have the system throw away what is yet to be sent.
	c.SessionTicketsDisabled = true
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
	conn, err := w.dial(w.ctx, addr, timeout, streamFollows)
	if err != nil {
		return nil, err // and not a nil *tls.Conn
	}
	return conn, nil
}

// Shutdown is part of memberlist.Transport. What is queued is sent on for the length of a farewell. It returns when nothing of the
// wire runs any more.
func (w *wire) Shutdown() error {
	w.mu.Lock()
	w.closed = true
	w.stop()
	for conn := range w.greeting {
		_ = conn.Close()
	}
	for conn := range w.coming {
		_ = conn.Close()
	}
	w.mu.Unlock()
	err := w.listener.Close()
	last := time.AfterFunc(w.limits.farewell, w.cut)
	w.running.Wait()
	last.Stop()
	w.cut()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (w *wire) drop(why wireDrop) { w.dropped[why].Add(1) }

// complain warns of what did not prove to be a node: a port that is open to others, or a certificate that has ended.
func (w *wire) complain(what, addr string, err error) {
	w.mu.Lock()
	level, now := slog.LevelDebug, time.Now()
	if w.complained.IsZero() || now.Sub(w.complained) >= w.limits.complain {
		level, w.complained = slog.LevelWarn, now
	}
	w.mu.Unlock()
	w.log.Log(w.ctx, level, what, "address", addr, "error", err)
}
