package sse

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// wrapped is a connection in a server's or a listener's wrapper.
type wrapped struct{ net.Conn }

func (w wrapped) UnsafeConn() net.Conn { return w.Conn }

// A socket under any number of wrappers is a socket: one that is not found is held like TLS, by a
// goroutine that copies.
func TestUnwrap_FindsTheSocket(t *testing.T) {
	t.Parallel()
	tcp := net.Conn(&net.TCPConn{})
	require.Same(t, tcp, unwrap(tcp))
	require.Same(t, tcp, unwrap(wrapped{tcp}))
	require.Same(t, tcp, unwrap(wrapped{wrapped{tcp}}))
}
