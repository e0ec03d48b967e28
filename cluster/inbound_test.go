package cluster

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Links and connections that come in have their limits.
func TestWire_HasLimits(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	limits := quickWire()
	limits.links, limits.coming = 1, 1
	a, b := c.wire(t, 0, limits), c.wire(t, 0, limits)
	a.says(t, b.addr(), "one")
	require.Equal(t, "one", b.hears(t))
	a.says(t, "127.0.0.1:9", "a second node")
	a.waitDropped(t, dropLinks)
	_, err := c.wire(t, 0, quickWire()).opens(t, b.addr()).Read(make([]byte, 1)) // it is a node, and learns it afterwards
	require.Error(t, err)
	b.waitDropped(t, dropComing)
	a.says(t, b.addr(), "two")
	require.Equal(t, "two", b.hears(t))
}

// Who has not proved to be a node takes the place of none; and there are few of them at a time.
func TestWire_KeepsPlacesForNodes(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	limits := quickWire()
	limits.coming, limits.greeting = 1, 3
	a, b := c.wire(t, 0, quickWire()), c.wire(t, 0, limits)
	silent := plainly(t, b.addr(), "")
	plainly(t, b.addr(), "")
	b.waitInbound(t, 2, 0)
	a.says(t, b.addr(), "one")
	require.Equal(t, "one", b.hears(t))
	b.waitInbound(t, 2, 1)
	plainly(t, b.addr(), "")
	b.waitInbound(t, 3, 1)
	plainly(t, b.addr(), "")
	b.waitDropped(t, dropGreeting)
	a.says(t, b.addr(), "two")
	require.Equal(t, "two", b.hears(t))
	require.NoError(t, silent.Close())
	b.waitInbound(t, 2, 1)
	require.Zero(t, b.dropped[dropComing].Load())
}

// One host that opens connections and says nothing takes its own places, and leaves those of others.
func TestWire_KeepsPlacesOfHosts(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("needs a second address of this machine, as all of 127/8 are on Linux")
	}
	c := newClan(t)
	limits := quickWire()
	limits.perHost = 1
	a, b := c.wire(t, 0, limits), c.wire(t, 0, quickWire())
	defer plainly(t, a.addr(), "").Close()
	a.waitInbound(t, 1, 0)
	defer plainly(t, a.addr(), "").Close()
	a.waitDropped(t, dropGreeting)

	from := func(ip string) net.Conn { // every address of 127/8 is this machine
		conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}).DialContext(t.Context(), "tcp", a.addr())
		require.NoError(t, err)
		return conn
	}
	conn := tls.Client(from("127.0.0.2"), b.client)
	defer conn.Close()
	_, err := conn.Write([]byte("p\x00\x05other"))
	require.NoError(t, err)
	require.Equal(t, "other", a.hears(t))
}

// Only nodes are listened to: not who has no certificate or another authority's, who came for another protocol, who speaks no
// TLS, or says nothing at all. What they send is not read.
func TestWire_KnowsStrangers(t *testing.T) {
	t.Parallel()
	c, other := newClan(t), newClan(t)
	for name, come := range map[string]func(t *testing.T, addr string) net.Conn{
		"another authority's": func(t *testing.T, addr string) net.Conn { return stranger(t, addr, other.client.Clone(), wireProtocol) },
		"no certificate": func(t *testing.T, addr string) net.Conn {
			return stranger(t, addr, &tls.Config{MinVersion: tls.VersionTLS13}, wireProtocol)
		},
		"an actor message": func(t *testing.T, addr string) net.Conn { return stranger(t, addr, c.client.Clone(), "h2") },
		"no protocol":      func(t *testing.T, addr string) net.Conn { return stranger(t, addr, c.client.Clone()) },
		"no TLS":           func(t *testing.T, addr string) net.Conn { return plainly(t, addr, "p\x00\x05plain") },
		"silence":          func(t *testing.T, addr string) net.Conn { return plainly(t, addr, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := quickWire()
			if name == "silence" {
				limits.handshake = 10 * time.Millisecond
			}
			w := c.wire(t, 0, limits)
			if conn := come(t, w.addr()); conn != nil {
				defer conn.Close()
			}
			w.waitDropped(t, dropStranger)
			select {
			case p := <-w.packets:
				t.Fatalf("it was listened to: %q", p.Buf)
			default:
			}
		})
	}
	ours := other.wire(t, 0, quickWire())
	theirs := c.wire(t, 0, quickWire())
	ours.says(t, theirs.addr(), "who are you")
	ours.waitDropped(t, dropBroken) // and nothing is told to one that is no node
}

// stranger comes with TLS of its own, and sends a packet if it is let in.
func stranger(t *testing.T, addr string, config *tls.Config, protocols ...string) net.Conn {
	t.Helper()
	config.NextProtos = protocols
	config.InsecureSkipVerify = true
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		return nil
	}
	_, _ = conn.Write([]byte("p\x00\x01x"))
	return conn
}

func plainly(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = conn.Write([]byte(text))
	require.NoError(t, err)
	return conn
}

// Who goes out insists on the protocol, too: a server that names none would be told everything.
func TestWire_TellsOnlyItsOwnKind(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", c.server)
	require.NoError(t, err)
	defer l.Close()
	told := make(chan int, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			told <- -1
			return
		}
		defer conn.Close()
		n, _ := conn.Read(make([]byte, 1))
		told <- n
	}()
	_, err = c.wire(t, 0, quickWire()).DialTimeout(l.Addr().String(), wirePatience)
	require.ErrorContains(t, err, wireProtocol)
	require.Zero(t, <-told)
}

// A connection that ends between two packets just ends, however it does; what is damaged is counted, wherever it comes.
func TestWire_CountsWhatIsDamaged(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	a, b := c.wire(t, 0, quickWire()), c.wire(t, 0, quickWire())
	come := func() *tls.Conn {
		conn, err := a.dial(t.Context(), b.addr(), wirePatience, packetsFollow)
		require.NoError(t, err)
		_, err = conn.Write([]byte("\x00\x01x"))
		require.NoError(t, err)
		require.Equal(t, "x", b.hears(t))
		return conn
	}
	for _, end := range []func(*tls.Conn) error{
		(*tls.Conn).Close,
		func(conn *tls.Conn) error { return conn.NetConn().Close() },
		func(conn *tls.Conn) error { // the node was killed
			_ = conn.NetConn().(*net.TCPConn).SetLinger(0)
			return conn.NetConn().Close()
		},
	} {
		require.NoError(t, end(come()))
		b.waitInbound(t, 0, 0)
	}
	require.Zero(t, b.dropped[dropUnreadable].Load())

	conn := come()
	defer conn.Close()
	_, err := conn.NetConn().Write([]byte("\x17\x03\x03\x00\x20" + strings.Repeat("?", 32)))
	require.NoError(t, err)
	b.waitDropped(t, dropUnreadable)
	b.waitInbound(t, 0, 0)
	require.EqualValues(t, 1, b.dropped[dropUnreadable].Load())
}

// The log is told of strangers, and not of each.
func TestWire_ComplainsOnceInAWhile(t *testing.T) {
	t.Parallel()
	limits := quickWire()
	limits.complain = time.Hour
	log := &journal{}
	w := newClan(t).wireLogging(t, 0, limits, slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for range 3 {
		plainly(t, w.addr(), "GET / HTTP/1.1\r\n\r\n")
	}
	require.Eventually(t, func() bool { return strings.Count(log.String(), "gossip refused a connection") == 3 }, wirePatience, time.Millisecond)
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"))
}

type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// What comes over a connection is packets as they were framed, and then its end or an error; never anything else.
func FuzzWire_Read(f *testing.F) {
	f.Add([]byte("\x00\x01a\x00\x02bc"))
	f.Add([]byte("\x00\x00"))
	f.Add([]byte("\x00\x05ab"))
	f.Add([]byte("\x00"))
	w := newClan(f).wire(f, 0, quickWire())
	f.Fuzz(func(t *testing.T, sent []byte) {
		ours, theirs := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- w.read(ours) }()
		go func() {
			_, _ = theirs.Write(sent)
			_ = theirs.Close()
		}()
		rest := sent
		for {
			select {
			case p := <-w.packets:
				n := int(binary.BigEndian.Uint16(rest))
				require.Equal(t, rest[2:2+n], p.Buf)
				rest = rest[2+n:]
				continue
			case err := <-done:
				whole := len(rest) < 1
				require.Equal(t, whole, err == nil, "%q is left", rest)
			}
			_ = ours.Close()
			return
		}
	})
}
