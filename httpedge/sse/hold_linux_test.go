package sse

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// pair is a connection and its other end.
func pair(t *testing.T) (ours, theirs *net.TCPConn) {
	t.Helper()
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer listener.Close()
	theirs, err = net.DialTCP("tcp4", nil, listener.Addr().(*net.TCPAddr))
	require.NoError(t, err)
	ours, err = listener.AcceptTCP()
	require.NoError(t, err)
	t.Cleanup(func() { _ = ours.Close(); _ = theirs.Close() })
	return ours, theirs
}

// The kernel is told how much to keep for a client and for how long, also below TLS.
func TestTune(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(net.Conn) net.Conn{
		"plain": func(c net.Conn) net.Conn { return c },
		"TLS":   func(c net.Conn) net.Conn { return tls.Server(c, &tls.Config{}) },
	} {
		t.Run(name, func(t *testing.T) {
			ours, _ := pair(t)
			s := &Server{config: Config{SendBuffer: 16 << 10, DeadPeer: 25 * time.Second}}
			s.tune(wrap(ours))
			rc, err := ours.SyscallConn()
			require.NoError(t, err)
			require.NoError(t, rc.Control(func(fd uintptr) {
				buffer, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF)
				require.NoError(t, err)
				require.Equal(t, 32<<10, buffer, "the kernel doubles it, for its own bookkeeping")
				timeout, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
				require.NoError(t, err)
				require.Equal(t, 25_000, timeout)
			}))
		})
	}
}

// An event that was on its way when its connection went does not reach the connection that has its slot
// since.
func TestPoller_Generations(t *testing.T) {
	t.Parallel()
	p, err := newPoller()
	require.NoError(t, err)
	defer p.close()
	ours, _ := pair(t)
	rc, err := ours.SyscallConn()
	require.NoError(t, err)

	first, second := &sink{}, &sink{}
	old, err := p.add(rc, first)
	require.NoError(t, err)
	require.Same(t, first, p.lookup(old))
	p.remove(rc, old)
	require.Nil(t, p.lookup(old))

	fresh, err := p.add(rc, second)
	require.NoError(t, err)
	require.Equal(t, old.slot, fresh.slot, "slots are used again")
	require.Nil(t, p.lookup(old))
	require.Same(t, second, p.lookup(fresh))
	p.remove(rc, fresh)
}

// What epoll can see is held by it; TLS is written by a pump; anything else is held by goroutines.
func TestLink(t *testing.T) {
	t.Parallel()
	ours, _ := pair(t)
	p, err := newPoller()
	require.NoError(t, err)
	defer p.close()
	pipe, other := net.Pipe()
	defer pipe.Close()
	defer other.Close()
	s := &Server{poller: p}
	require.IsType(t, &polled{}, s.link(ours))
	require.IsType(t, &polledTLS{}, s.link(tls.Server(ours, &tls.Config{})))
	require.IsType(t, &goroutines{}, s.link(pipe))
	require.IsType(t, &goroutines{}, (&Server{}).link(ours))
}
