//go:build linux

package bench

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type listener struct {
	isOpen, isClosed bool
	got              int
}

func (l *listener) opened()                              { l.isOpen = true }
func (l *listener) received(_ time.Time, b []byte) error { l.got += len(b); return nil }
func (l *listener) closed(error)                         { l.isClosed = true }

// A server that ends right after its last words: the end comes with them, and nobody tells of it again.
func TestReactor_HearsAnEndBehindTheLastWords(t *testing.T) {
	t.Parallel()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer server.Close()
	r, err := newReactor(netip.MustParseAddrPort(server.Addr().String()))
	require.NoError(t, err)
	defer r.close()
	l := &listener{}
	_, err = r.connect(r.to, l)
	require.NoError(t, err)
	conn, err := server.Accept()
	require.NoError(t, err)
	for !l.isOpen {
		require.NoError(t, r.turn(time.Second))
	}
	_, err = conn.Write([]byte("bye"))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	for turns := 0; !l.isClosed; turns++ {
		require.Less(t, turns, 3, "it looks open for ever")
		require.NoError(t, r.turn(time.Second))
	}
	require.Equal(t, 3, l.got)
}
