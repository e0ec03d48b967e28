package httpedge_test

import (
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

const alive = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

// Connections that idle take up all places but the last tenth. Whoever comes then is answered and its
// connection closed, so that the next has a place: nobody is turned away.
func TestServe_LimitsConnections(t *testing.T) {
	t.Parallel()
	e := start(t, func(c *httpedge.Config, _ *httpedge.Deps) { c.Connections = 10 })
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", e.addr)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	ask := func(conn net.Conn) answer {
		_, err := io.WriteString(conn, alive)
		require.NoError(t, err)
		got := response(t, conn)
		require.Equal(t, 200, got.status)
		return got
	}
	hoard := make([]net.Conn, 8)
	for i := range hoard {
		hoard[i] = dial()
		require.False(t, ask(hoard[i]).close)
	}
	ninth := dial() // says nothing yet
	require.Equal(t, "10", e.metric(t, "leadwire_http_open_connections_max"))
	require.NotEqual(t, "0", e.metric(t, `leadwire_http_crowded_total{result="not_kept"}`))
	tenth, eleventh := dial(), dial() // the kernel holds whom we have no place for
	_, err := io.WriteString(eleventh, alive)
	require.NoError(t, err)
	require.True(t, ask(tenth).close)
	require.Equal(t, 200, response(t, eleventh).status, "it waited for the tenth's place")
	require.Equal(t, 200, e.post(t, contact("c1")).status)
	require.NotEqual(t, "0", e.metric(t, `leadwire_http_crowded_total{result="waited"}`))
	require.True(t, ask(ninth).close)
	_, err = io.Copy(io.Discard, ninth)
	require.NoError(t, err)
	for i := range hoard[:2] {
		ask(hoard[i]) // whatever they learn now, as the ninth's place may not be back yet
		_ = hoard[i].Close()
	}
	require.Eventually(t, func() bool { return !e.get(t, "/healthz", nobody).close }, 5*time.Second, time.Millisecond, "there is room again")
}

// Neither a shortage of files nor one of places outlives the listener.
func TestListener_CloseEndsItsWait(t *testing.T) {
	t.Parallel()
	for why, errs := range map[string][]error{
		"for files": {
			os.NewSyscallError("accept", syscall.EMFILE), os.NewSyscallError("accept", syscall.EMFILE), os.NewSyscallError("accept", syscall.EMFILE),
			os.NewSyscallError("accept", syscall.EMFILE), os.NewSyscallError("accept", syscall.EMFILE), os.NewSyscallError("accept", syscall.EMFILE),
			os.NewSyscallError("accept", syscall.EMFILE), os.NewSyscallError("accept", syscall.EMFILE), os.NewSyscallError("accept", syscall.EMFILE),
		},
		"for a place": nil,
	} {
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		ln := httpedge.Patient(&scarce{Listener: inner, errs: errs}) // it has two places
		if errs == nil {
			for range 2 {
				_, err := ln.Accept()
				require.NoError(t, err)
			}
		}
		ended := make(chan error, 1)
		go func() {
			_, err := ln.Accept()
			ended <- err
		}()
		require.NoError(t, ln.Close())
		select {
		case err := <-ended:
			require.ErrorIs(t, err, net.ErrClosed, why)
		case <-time.After(10 * time.Second):
			t.Fatal("Accept waits " + why + " after Close")
		}
	}
}

// The default leaves room for streams, and for the store and the cluster beside both.
func TestConfig_ConnectionsFitTheFileLimit(t *testing.T) {
	t.Parallel()
	for files, want := range map[int]int{16: 16, 64: 42, 1024: 204, 4096: 410, 32768: 8512, 65536: 20_000, 1 << 20: 20_000, 1<<31 - 1: 20_000} {
		require.Equal(t, want, httpedge.ConnectionsFor(files), files)
	}
}

// A stream gets the bare socket, and the place of its connection is free for another.
func TestServe_HandsOverBareSockets(t *testing.T) {
	t.Parallel()
	taken := make(chan net.Conn, 1)
	e := start(t, func(_ *httpedge.Config, d *httpedge.Deps) { d.Stream = taker{taken} })
	conn, err := net.Dial("tcp", e.addr)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET /api/buyer/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+mint(anna)+"\r\n\r\n")
	require.NoError(t, err)
	bare := <-taken
	defer func() { _ = bare.Close() }()
	for {
		w, ok := bare.(interface{ UnsafeConn() net.Conn })
		if !ok {
			break
		}
		bare = w.UnsafeConn()
	}
	require.IsType(t, &net.TCPConn{}, bare)
	require.Eventually(t, func() bool { return e.metric(t, "leadwire_http_open_connections") == "1" }, 5*time.Second, time.Millisecond)
}

// taker takes connections over, as streams do.
type taker struct{ taken chan<- net.Conn }

func (s taker) Serve(ctx *fasthttp.RequestCtx, _ domain.BuyerKey) {
	ctx.Hijack(func(c net.Conn) { s.taken <- c })
}
