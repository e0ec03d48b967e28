package cluster

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A connection that the network has forgotten is noticed at both ends: where it is written to, since nothing is acknowledged, and
// where it is only read, since nothing answers.
func TestWire_NoticesAForgottenConnection(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	a, b := c.wire(t, 0, usualWire), c.wire(t, 0, usualWire)
	dialled, accepted := a.opens(t, b.addr()), b.takes(t)
	require.Equal(t, 2000, option(t, dialled, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT))
	require.Zero(t, option(t, dialled, unix.SOL_SOCKET, unix.SO_KEEPALIVE))
	require.Equal(t, 1, option(t, accepted, unix.SOL_SOCKET, unix.SO_KEEPALIVE))
	require.Equal(t, 15, option(t, accepted, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE))
	require.Equal(t, 2, option(t, accepted, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL))
	require.Equal(t, 4, option(t, accepted, unix.IPPROTO_TCP, unix.TCP_KEEPCNT))
	require.Zero(t, option(t, accepted, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT), "with it, one question without an answer would be enough")
}

func option(t *testing.T, conn net.Conn, level, name int) (value int) {
	t.Helper()
	raw, err := conn.(*tls.Conn).NetConn().(*net.TCPConn).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, name) }))
	require.NoError(t, err)
	return value
}
