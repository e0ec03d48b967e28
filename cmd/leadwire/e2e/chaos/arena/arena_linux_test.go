package arena

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if code, done := Enter(); done {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// open is the network of this test. There is one at a time.
func open(t *testing.T) *Network {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped by -short: makes a network of its own")
	}
	n, err := Open()
	Require(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	return n
}

// The first thing to ask of a machine: whether it lets us (see .ci/parts).
func TestOpen(t *testing.T) {
	_, err := open(t).Host("a")
	require.NoError(t, err)
}

// echo answers on a host what it is sent, until the test ends.
func echo(t *testing.T, h *Host) (address string) {
	t.Helper()
	var l net.Listener
	require.NoError(t, h.network.thread.in(h.ns, func() (err error) {
		l, err = new(net.ListenConfig).Listen(t.Context(), "tcp", h.Address+":0")
		return err
	}))
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	return l.Addr().String()
}

// dial connects from a host.
func dial(t *testing.T, from *Host, address string, patience time.Duration) (c net.Conn, err error) {
	t.Helper()
	err = from.network.thread.in(from.ns, func() error {
		c, err = (&net.Dialer{Timeout: patience}).DialContext(t.Context(), "tcp", address)
		return err
	})
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

// say sends a word over a connection and waits for its echo.
func say(t *testing.T, c net.Conn, patience time.Duration) (took time.Duration, err error) {
	t.Helper()
	since := time.Now()
	require.NoError(t, c.SetDeadline(since.Add(patience)))
	if _, err := c.Write([]byte("x")); err != nil {
		return 0, err
	}
	_, err = io.ReadFull(c, make([]byte, 1))
	return time.Since(since), err
}

const (
	long  = 30 * time.Second       // for what has to come; waited for only when a test fails
	brief = 300 * time.Millisecond // for what must not come
)

// The story of one network: hosts reach each other and the test; a link is cut in one direction and heals under an open
// connection; links lose packets and are slow; a host that nobody has touched notices nothing.
func TestNetwork(t *testing.T) {
	n := open(t)
	a, err := n.Host("a")
	require.NoError(t, err)
	b, err := n.Host("b")
	require.NoError(t, err)
	address := echo(t, b)
	c, err := dial(t, a, address, long)
	require.NoError(t, err)
	fromOutside, err := dial(t, n.Outside, address, long)
	require.NoError(t, err)
	works := func(c net.Conn) {
		t.Helper()
		_, err := say(t, c, long)
		require.NoError(t, err)
	}
	works(c)

	require.NoError(t, n.Cut(a, b))
	_, err = dial(t, a, address, brief)
	silent(t, err)
	works(fromOutside)
	require.NoError(t, n.Heal(a, b))
	works(c)

	require.NoError(t, n.Cut(b, a))
	_, err = say(t, c, brief)
	silent(t, err) // the question has arrived, the answer does not
	require.NoError(t, n.Heal(b, a))
	require.NoError(t, c.SetDeadline(time.Now().Add(long)))
	_, err = io.ReadFull(c, make([]byte, 1))
	require.NoError(t, err, "the answer comes after all, on the same connection")

	require.NoError(t, n.Mangle(a, b, Manner{Delay: 100 * time.Millisecond}))
	took, err := say(t, c, long)
	require.NoError(t, err)
	require.Greater(t, took, 100*time.Millisecond)
	require.NoError(t, n.Mangle(a, b, Manner{Loss: 1}))
	_, err = say(t, c, brief)
	silent(t, err)
	n.Seed(1)
	require.NoError(t, n.Mangle(a, b, Manner{Loss: 0.3, Jitter: time.Millisecond}))
	require.NoError(t, c.SetDeadline(time.Now().Add(long)))
	_, err = io.ReadFull(c, make([]byte, 1))
	require.NoError(t, err, "what was lost is sent again")
	lost := n.forwarder.dropped.Load()
	sent := make([]byte, 1<<18) // long segments, with checksums that no card has made
	go func() { _, _ = c.Write(sent) }()
	_, err = io.ReadFull(c, make([]byte, len(sent)))
	require.NoError(t, err)
	require.Greater(t, n.forwarder.dropped.Load(), lost)
	require.NoError(t, n.Heal(a, b))
	works(c)

	program := exec.CommandContext(t.Context(), "sleep", "60")
	require.NoError(t, b.Start(program))
	defer func() { _ = program.Process.Kill(); _ = program.Wait() }()
	where, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", program.Process.Pid))
	require.NoError(t, err)
	ours, err := os.Readlink("/proc/self/ns/net")
	require.NoError(t, err)
	require.NotEqual(t, ours, where, "a host's programs are on the host")
}

// silent requires that nothing came, and nobody said why.
func silent(t *testing.T, err error) {
	t.Helper()
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout(), err)
}
