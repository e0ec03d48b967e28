package cluster

import (
	"crypto/tls"
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
