package cluster

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cluster/clustertest/authority"
)

// wirePatience is how long tests wait for what must come; only a test that fails waits so long.
const wirePatience = 30 * time.Second

// quickWire is a wire's limits, with pauses that a test can wait for, and time enough for the one packet that a test has on a machine
// that is busy.
func quickWire() wireLimits {
	l := usualWire
	l.pause = 5 * time.Millisecond
	l.handshake, l.write, l.farewell = wirePatience, wirePatience, wirePatience
	return l
}

// clan is the TLS of nodes of one authority.
type clan struct{ server, client *tls.Config }

func newClan(t testing.TB) clan {
	t.Helper()
	a := authority.New(t)
	cert, key := a.Issue("node")
	server, client, err := MutualTLS(cert, key, a.File())
	require.NoError(t, err)
	return clan{server, client}
}

func (c clan) wire(t testing.TB, port int, limits wireLimits) *wire {
	t.Helper()
	return c.wireLogging(t, port, limits, slog.DiscardHandler)
}

func (c clan) wireLogging(t testing.TB, port int, limits wireLimits, log slog.Handler) *wire {
	t.Helper()
	w, err := openWire("127.0.0.1", port, c.server, c.client, limits, slog.New(log))
	require.NoError(t, err)
	t.Cleanup(func() { w.shutsDown(t) })
	return w
}

// shutsDown shuts a wire down, which waits for nobody.
func (w *wire) shutsDown(t testing.TB) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- w.Shutdown() }()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(wirePatience):
		t.Fatal("it does not shut down")
	}
}

// takes waits for a stream.
func (w *wire) takes(t testing.TB) net.Conn {
	t.Helper()
	select {
	case conn := <-w.StreamCh():
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	case <-time.After(wirePatience):
		t.Fatal("no stream comes")
		return nil
	}
}

// opens opens a stream.
func (w *wire) opens(t testing.TB, to string) net.Conn {
	t.Helper()
	conn, err := w.DialTimeout(to, wirePatience)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// waitInbound waits until so many connections have yet to greet, and so many are of nodes.
func (w *wire) waitInbound(t testing.TB, greeting, coming int) {
	t.Helper()
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.greeting) == greeting && len(w.coming) == coming
	}, wirePatience, time.Millisecond)
}

func (w *wire) addr() string { return w.listener.Addr().String() }

// hears waits for a packet.
func (w *wire) hears(t testing.TB) string {
	t.Helper()
	select {
	case p := <-w.packets:
		require.WithinDuration(t, time.Now(), p.Timestamp, wirePatience)
		require.NotNil(t, p.From)
		return string(p.Buf)
	case <-time.After(wirePatience):
		t.Fatal("no packet comes")
		return ""
	}
}

func (w *wire) says(t testing.TB, to, packet string) {
	t.Helper()
	_, err := w.WriteTo([]byte(packet), to)
	require.NoError(t, err)
}

func (w *wire) waitDropped(t *testing.T, why wireDrop) {
	t.Helper()
	require.Eventually(t, func() bool { return w.dropped[why].Load() > 0 }, wirePatience, time.Millisecond, "no drop for "+string(why))
}

// Packets of one node reach another in order, of every size that gossip has, and over one connection; streams go both ways.
func TestWire_CarriesPacketsAndStreams(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	a, b := c.wire(t, 0, quickWire()), c.wire(t, 0, quickWire())
	for _, size := range []int{1, 2, 255, 256, 1400, maxPacket} {
		packet := string(slices.Repeat([]byte{byte(size)}, size))
		a.says(t, b.addr(), packet)
		require.Equal(t, packet, b.hears(t))
	}
	_, err := a.WriteTo(make([]byte, maxPacket+1), b.addr())
	require.ErrorContains(t, err, "65535")
	b.says(t, a.addr(), "and back")
	require.Equal(t, "and back", a.hears(t))

	dialled := a.opens(t, b.addr())
	accepted := b.takes(t)
	for from, to := range map[net.Conn]net.Conn{dialled: accepted, accepted: dialled} {
		_, err = from.Write([]byte("all of it"))
		require.NoError(t, err)
		got := make([]byte, 9)
		_, err = io.ReadFull(to, got)
		require.NoError(t, err)
		require.Equal(t, "all of it", string(got))
	}

	reg := prometheus.NewRegistry()
	reg.MustRegister(b.collectors()...)
	families, err := reg.Gather()
	require.NoError(t, err)
	told := map[string]int{}
	for _, f := range families {
		told[f.GetName()] = len(f.GetMetric())
	}
	require.Equal(t, 1, told["leadwire_cluster_gossip_links_max"])
	require.Equal(t, len(wireDrops), told["leadwire_cluster_gossip_dropped_total"])
	b.waitInbound(t, 0, 1) // six packets came over one connection, and the stream is the caller's
}

// A node that is gone is told nothing and holds nobody up; once it is back at its address, it is heard again.
func TestWire_FindsANodeAgain(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	a := c.wire(t, 0, quickWire())
	b := c.wire(t, 0, quickWire())
	addr, port := b.addr(), b.port()
	a.says(t, addr, "one")
	require.Equal(t, "one", b.hears(t))
	b.shutsDown(t)
	a.saysUntil(t, addr, "two", dropBroken) // what is written before the end is heard of is lost without a word
	_, err := a.DialTimeout(addr, wirePatience)
	require.ErrorContains(t, err, addr)

	again := c.wire(t, port, quickWire())
	until := time.After(wirePatience)
	for heard := false; !heard; {
		a.says(t, addr, "three")
		select {
		case p := <-again.packets:
			require.Equal(t, "three", string(p.Buf), "what was for the one before is stale")
			heard = true
		case <-time.After(time.Millisecond):
		case <-until:
			t.Fatal("it is not heard again")
		}
	}
}

// saysUntil says something again and again, until some of it is dropped.
func (w *wire) saysUntil(t testing.TB, to, packet string, why wireDrop) {
	t.Helper()
	for end := time.Now().Add(wirePatience); w.dropped[why].Load() == 0; {
		require.True(t, time.Now().Before(end), "no drop for "+string(why))
		w.says(t, to, packet)
	}
}

// What waited for a node that cannot be reached is dropped, all of it, and what comes after that begins anew.
func TestWire_KeepsNothingStale(t *testing.T) {
	t.Parallel()
	limits := quickWire()
	limits.pause = time.Nanosecond
	w := newClan(t).wire(t, 0, limits)
	for range 20 { // the pause is over before the queue is looked at, half the time
		l := &link{addr: "10.0.0.1:7946", queue: make(chan []byte, limits.queue)}
		w.mu.Lock()
		w.links[l.addr] = l
		w.mu.Unlock()
		for range limits.queue {
			require.NoError(t, w.send(l.addr, []byte("stale")))
		}
		require.False(t, w.rest(l), "there is nothing to send")
		require.Empty(t, l.queue)
		require.Empty(t, w.links)
	}
	require.EqualValues(t, 20*limits.queue, w.dropped[dropBroken].Load())
}

// Whoever does not read holds up nobody but what is for itself.
func TestWire_DropsWhatWaitsTooLong(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	limits := quickWire()
	limits.queue, limits.write = 4, 100*time.Millisecond
	a, b := c.wire(t, 0, limits), c.wire(t, 0, quickWire())
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes connections, and nobody shakes hands
	require.NoError(t, err)
	defer deaf.Close()
	for range 5 {
		a.says(t, deaf.Addr().String(), "packet")
	}
	a.waitDropped(t, dropBehind)
	a.says(t, b.addr(), "other")
	require.Equal(t, "other", b.hears(t))

	// Nobody takes what has come to b: the connection to it fills, and is given up.
	other := c.wire(t, 0, limits)
	other.saysUntil(t, b.addr(), string(make([]byte, maxPacket)), dropBroken)
}

// What was queued when a wire is shut down is sent first, over a link that is there and over one that is being made: that this node
// leaves is among it.
func TestWire_SendsWhatIsQueued(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	a, b, other := c.wire(t, 0, quickWire()), c.wire(t, 0, quickWire()), c.wire(t, 0, quickWire())
	a.says(t, b.addr(), "first")
	require.Equal(t, "first", b.hears(t))
	for i := range quickWire().queue {
		a.says(t, b.addr(), strconv.Itoa(i))
		a.says(t, other.addr(), strconv.Itoa(i))
	}
	a.shutsDown(t)
	for i := range quickWire().queue {
		require.Equal(t, strconv.Itoa(i), b.hears(t))
		require.Equal(t, strconv.Itoa(i), other.hears(t))
	}
	_, err := a.WriteTo([]byte("too late"), b.addr())
	require.ErrorIs(t, err, net.ErrClosed)
}

// A wire that is shut down waits for nobody: not for who does not read, nor for who does not shake hands.
func TestWire_ShutsDownWhateverHangs(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	limits := quickWire()
	limits.write, limits.handshake, limits.farewell = time.Hour, time.Hour, time.Millisecond
	a, b := c.wire(t, 0, limits), c.wire(t, 0, quickWire())
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer deaf.Close()
	a.says(t, deaf.Addr().String(), "packet")
	plainly(t, a.addr(), "")
	a.waitInbound(t, 1, 0)
	a.saysUntil(t, b.addr(), string(make([]byte, maxPacket)), dropBehind)
	a.shutsDown(t)
}

// A link that has grown old is made anew, without a loss: both ends show the certificates that they have by then.
func TestWire_RenewsLinks(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	limits := quickWire()
	limits.age = 20 * time.Millisecond
	a, b := c.wire(t, 0, limits), c.wire(t, 0, quickWire())
	from := map[string]bool{}
	for n := 0; len(from) < 3; n++ {
		a.says(t, b.addr(), strconv.Itoa(n))
		select {
		case p := <-b.packets:
			require.Equal(t, strconv.Itoa(n), string(p.Buf))
			from[p.From.String()] = true
		case <-time.After(wirePatience):
			t.Fatal("no packet comes")
		}
	}
	require.Zero(t, a.dropped[dropBroken].Load())
}

// Who does not renew its link is not listened to for longer.
func TestWire_EndsWhatIsOld(t *testing.T) {
	t.Parallel()
	limits := quickWire()
	limits.age, limits.handshake = time.Millisecond, time.Millisecond
	w := newClan(t).wire(t, 0, limits)
	ours, theirs := net.Pipe()
	defer theirs.Close()
	done := make(chan error, 1)
	go func() { done <- w.read(ours) }()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(wirePatience):
		t.Fatal("it goes on")
	}
}

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

func TestWire_Advertises(t *testing.T) {
	t.Parallel()
	w := newClan(t).wire(t, 0, quickWire())
	ip, port, err := w.FinalAdvertiseAddr("", 0)
	require.NoError(t, err)
	require.Equal(t, w.addr(), net.JoinHostPort(ip.String(), strconv.Itoa(port)))
	require.Len(t, ip, net.IPv4len)
	ip, port, err = w.FinalAdvertiseAddr("10.1.2.3", 7402)
	require.NoError(t, err)
	require.Equal(t, "10.1.2.3:7402", net.JoinHostPort(ip.String(), strconv.Itoa(port)))
	_, _, err = w.FinalAdvertiseAddr("a name", 7402)
	require.ErrorContains(t, err, "not an IP address")
	_, err = openWire("127.0.0.1", w.port(), w.server, w.client, usualWire, w.log)
	require.ErrorContains(t, err, "in use")
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
