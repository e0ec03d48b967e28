package cluster

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cluster/clustertest/authority"
)

// wirePatience is how long tests wait for what must come; only a test that fails waits so long.
const wirePatience = 30 * time.Second

// quickWire is a wire's limits, with pauses that a test can wait for.
func quickWire() wireLimits {
	l := usualWire
	l.pause = 5 * time.Millisecond
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
	w, err := openWire("127.0.0.1", port, c.server, c.client, limits, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Shutdown()) })
	return w
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

	dialled, err := a.DialTimeout(b.addr(), wirePatience)
	require.NoError(t, err)
	defer dialled.Close()
	accepted := <-b.StreamCh()
	defer accepted.Close()
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
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.coming) == 1
	}, wirePatience, time.Millisecond, "six packets came over one connection, and the stream is the caller's")
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
	require.NoError(t, b.Shutdown())
	for a.dropped[dropBroken].Load() == 0 { // what is written before the end is heard of is lost without a word
		a.says(t, addr, "two")
	}
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

	for a.dropped[dropBroken].Load() == 0 { // nobody takes what has come to b: its connection fills, and is given up
		a.says(t, b.addr(), string(make([]byte, maxPacket)))
	}
}

// A link that has nothing to send is closed, at both ends, and made anew when there is.
func TestWire_ClosesWhatIsIdle(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	limits := quickWire()
	limits.idle = 10 * time.Millisecond
	a, b := c.wire(t, 0, limits), c.wire(t, 0, quickWire())
	for _, packet := range []string{"one", "two"} {
		a.says(t, b.addr(), packet)
		require.Equal(t, packet, b.hears(t))
		require.Eventually(t, func() bool {
			a.mu.Lock()
			b.mu.Lock()
			defer a.mu.Unlock()
			defer b.mu.Unlock()
			return len(a.links) == 0 && len(b.coming) == 0
		}, wirePatience, time.Millisecond)
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
	other := c.wire(t, 0, quickWire())
	_, err := other.DialTimeout(b.addr(), wirePatience)
	require.Error(t, err)
	b.waitDropped(t, dropComing)
	a.says(t, b.addr(), "two")
	require.Equal(t, "two", b.hears(t))
}

// Only nodes are listened to: not who has no certificate or another authority's, who came for another protocol, who speaks no
// TLS, or says nothing at all. What they send is not read.
func TestWire_KnowsStrangers(t *testing.T) {
	t.Parallel()
	c, other := newClan(t), newClan(t)
	limits := quickWire()
	limits.handshake = 200 * time.Millisecond
	for name, come := range map[string]func(t *testing.T, addr string) net.Conn{
		"another authority's": func(t *testing.T, addr string) net.Conn { return stranger(t, addr, other.client.Clone(), wireProtocol) },
		"no certificate": func(t *testing.T, addr string) net.Conn {
			return stranger(t, addr, &tls.Config{MinVersion: tls.VersionTLS13}, wireProtocol)
		},
		"an actor message": func(t *testing.T, addr string) net.Conn { return stranger(t, addr, c.client.Clone(), "h2") },
		"no protocol":      func(t *testing.T, addr string) net.Conn { return stranger(t, addr, c.client.Clone()) },
		"no TLS":           func(t *testing.T, addr string) net.Conn { return plainly(t, addr, "p\x00\x01x") },
		"silence":          func(t *testing.T, addr string) net.Conn { return plainly(t, addr, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
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
	_, err = conn.Write([]byte(text))
	require.NoError(t, err)
	return conn
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
