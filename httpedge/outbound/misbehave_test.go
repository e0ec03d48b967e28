package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// hang reads until the other side gives up.
func hang(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// say plays an answer and hangs up.
func say(what ...string) func(net.Conn) {
	return func(conn net.Conn) {
		if request(conn) != nil {
			return
		}
		for _, part := range what {
			if _, err := io.WriteString(conn, part); err != nil {
				return
			}
		}
	}
}

// drip sends a beginning, and then a piece every second and a half for ever.
func drip(beginning, piece string) func(net.Conn) {
	return func(conn net.Conn) {
		if answer(conn, beginning) != nil {
			return
		}
		for {
			time.Sleep(1500 * time.Millisecond) // of the fake clock
			if _, err := io.WriteString(conn, piece); err != nil {
				return
			}
		}
	}
}

// endless sends a beginning, and then pieces as fast as they are taken.
func endless(beginning, piece string) func(net.Conn) {
	return func(conn net.Conn) {
		if answer(conn, beginning) != nil {
			return
		}
		for {
			if _, err := io.WriteString(conn, piece); err != nil {
				return
			}
		}
	}
}

const ok = "HTTP/1.1 200 OK\r\n"

// Whatever a receiver does, the attempt ends within its time, in a receipt with a class and a reason. The clock is a
// fake one, so that a timeout takes no time.
func TestSend_Misbehaving(t *testing.T) {
	t.Parallel()
	kb := strings.Repeat("x", 1<<10)
	for _, row := range []struct {
		name    string
		play    func(net.Conn)
		class   domain.ErrorClass
		says    string
		within  time.Duration
		excerpt int
	}{
		{"takes the request and says nothing", hang, domain.ErrorTimeout, "the first byte took longer than 3s", 3 * time.Second, 0},
		{"does not even read", func(conn net.Conn) { time.Sleep(time.Hour) }, domain.ErrorTimeout, "it took longer than 10s in all, and was then ", 10 * time.Second, 0},
		{"hangs up before the request", func(net.Conn) {}, domain.ErrorCut, "before an answer came: connection closed by the other side", 0, 0},
		{"hangs up before the answer", say(), domain.ErrorCut, "before an answer came: connection closed by the other side", 0, 0},
		{"hangs up in the headers", say(ok + "Content-Type: te"), domain.ErrorCut, "within the answer", 0, 0},
		{"stops in the headers", drip(ok+"Content-Ty", ""), domain.ErrorTimeout, "headers took longer than 3s", 3 * time.Second, 0},
		{"drips headers", drip(ok, "X-A: b\r\n"), domain.ErrorTimeout, "headers took longer than 3s", 3 * time.Second, 0},
		{"hangs up in the body", say(ok+"Content-Length: 100\r\n\r\n", "half"), domain.ErrorCut, "answered 200 OK, but the connection ended within the answer", 0, 4},
		{"hangs up in a chunk", say(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel"), domain.ErrorCut, "within the answer", 0, 3},
		{"says less than it announced", say(ok + "Content-Length: 10\r\n\r\nshort"), domain.ErrorCut, "within the answer", 0, 5},
		{"says more than it announced", say(ok + "Content-Length: 2\r\n\r\nlonger"), "", "", 0, 2},
		{"announces nonsense", say(ok + "Content-Length: -5\r\n\r\n"), domain.ErrorProtocol, "no valid HTTP", 0, 0},
		{"announces twice", say(ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), domain.ErrorProtocol, "no valid HTTP", 0, 0},
		{"chunks of no length", say(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), domain.ErrorProtocol, "no valid HTTP", 0, 0},
		{"an encoding nobody knows", say(ok + "Transfer-Encoding: rot13\r\n\r\n"), domain.ErrorProtocol, "no valid HTTP", 0, 0},
		{"a body without end", endless(ok+"\r\n", kb), "", "", 0, domain.MaxExcerpt},
		{"an error without end", endless("HTTP/1.1 500 x\r\n\r\n", kb), domain.ErrorStatus, "answered 500 Internal Server Error", 0, domain.MaxExcerpt},
		{"chunks without end", endless(ok+"Transfer-Encoding: chunked\r\n\r\n", "400\r\n"+kb+"\r\n"), "", "", 0, domain.MaxExcerpt},
		{"a body that drips", drip(ok+"\r\n", "."), domain.ErrorTimeout, "answered 200 OK, but it took longer than 10s in all, and was then reading the answer", 10 * time.Second, 6},
		{"an error that drips", drip("HTTP/1.1 503 x\r\n\r\n", "."), domain.ErrorTimeout, "answered 503 Service Unavailable, but it took longer than 10s", 10 * time.Second, 6},
		{"garbage", say("\x00\x01\x02SSH-2.0-OpenSSH_9.2\r\n\r\n"), domain.ErrorProtocol, "no valid HTTP", 0, 0},
		{"another protocol", say("220 mail.example ESMTP\r\n"), domain.ErrorProtocol, "no valid HTTP", 0, 0},
		{"a status that is none", say("HTTP/1.1 abc OK\r\n\r\n"), domain.ErrorProtocol, "no valid HTTP", 0, 0},
		{"a version of the future", say("HTTP/9.9 200 OK\r\n\r\n"), "", "", 0, 0},
		{"a header without colon", say(ok + "nonsense\r\n\r\n"), domain.ErrorProtocol, "no valid HTTP", 0, 0},
		{"one header without end", endless(ok+"X-A: ", kb), domain.ErrorProtocol, "headers exceeded", 0, 0},
		{"headers without end", endless(ok, "X-A: "+kb+"\r\n"), domain.ErrorProtocol, "headers exceeded", 0, 0},
		{"a status line without end", endless("HTTP/1.1 200 ", kb), domain.ErrorProtocol, "headers exceeded", 0, 0},
		{"nothing but informational answers", endless("", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"), domain.ErrorProtocol, "headers exceeded", 0, 0},
		{"informational answers that drip", drip("", "HTTP/1.1 102 Processing\r\n\r\n"), domain.ErrorTimeout, "headers took longer than 3s", 3 * time.Second, 0},
		{"an informational answer, then a real one", say("HTTP/1.1 103 Early Hints\r\n\r\n", ok+"Content-Length: 2\r\n\r\nhi"), "", "", 0, 2},
		{"another protocol is offered", say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), domain.ErrorStatus, "answered 101", 0, 0},
		{"answers before it has heard", func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1))
			go hang(conn)
			_, _ = io.WriteString(conn, ok+"Content-Length: 2\r\n\r\nhi")
			time.Sleep(time.Second)
		}, "", "", time.Second, 2},
		{"an empty answer", say("HTTP/1.1 204 No Content\r\n\r\n"), "", "", 0, 0},
		{"an error", say("HTTP/1.1 503 Gone fishing\x01\r\nContent-Length: 4\r\n\r\nlate"), domain.ErrorStatus, "answered 503 Service Unavailable", 0, 4},
		{"an error that nobody knows", say("HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n"), domain.ErrorStatus, "answered 599", 0, 0},
		{"gone", say("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"), domain.ErrorStatus, "answered 410 Gone", 0, 0},
		{"a redirect to nowhere", say("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), domain.ErrorRedirect, "answered 302 Found: redirects are not followed", 0, 0},
		{"a redirect with an endless target", say("HTTP/1.1 302 Found\r\nLocation: https://x/" + kb + "\r\nContent-Length: 0\r\n\r\n"), domain.ErrorRedirect, "...: redirects are not followed", 0, 0},
		{"not modified", say("HTTP/1.1 304 Not Modified\r\n\r\n"), domain.ErrorRedirect, "answered 304 Not Modified", 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := piped(t, Config{FirstByte: 3 * time.Second}, row.play)
				sent := w.post("http://hooks.example/")
				require.Equal(t, row.class, sent.Error, sent.Reason)
				require.Contains(t, sent.Reason, row.says)
				require.Less(t, len(sent.Reason), 400)
				require.LessOrEqual(t, sent.Phases.Total, row.within)
				require.Len(t, sent.Body, row.excerpt)
				require.Equal(t, row.excerpt == domain.MaxExcerpt, sent.Truncated)
				outcome := succeeded
				if row.class != "" {
					outcome = string(row.class)
				}
				require.Equal(t, 1, w.value(w.metrics.attempts.WithLabelValues(outcome)))
				w.Close()
				time.Sleep(2 * time.Hour) // whoever plays has ended, and so has every connection
				require.Zero(t, w.value(w.metrics.open))
			})
		})
	}
}

// The parts before the request have timeouts of their own.
func TestSend_SlowToConnect(t *testing.T) {
	t.Parallel()
	silent := func(ctx context.Context, _ string) (net.Conn, error) { // a firewall that drops
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, row := range []struct {
		name   string
		dial   func(context.Context, string) (net.Conn, error)
		change func(*world)
		says   string
		takes  time.Duration
	}{
		{"the name server", nil, func(w *world) { w.deps.Resolver = slowResolver{} }, "looking up hooks.example took longer than 1s", time.Second},
		{"the network", silent, nil, "connecting to 93.184.216.34:443 took longer than 2s", 2 * time.Second},
		{"the network, at two addresses", silent, func(w *world) { w.names.is("hooks.example", "8.8.8.8,8.8.4.4") }, "connecting to 8.8.4.4:443 took longer than 2s", 2 * time.Second},
		{"the handshake", func(context.Context, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go hang(theirs)
			return ours, nil
		}, nil, "the TLS handshake took longer than 4s", 4 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Config{DNS: time.Second, Connect: 2 * time.Second, TLS: 4 * time.Second}, row.dial)
				if row.change != nil {
					row.change(w)
				} else {
					w.names.is("hooks.example", public.String())
				}
				sent := w.post("https://hooks.example/")
				require.Equal(t, domain.ErrorTimeout, sent.Error, sent.Reason)
				require.Equal(t, row.says, sent.Reason)
				require.Equal(t, row.takes, sent.Phases.Total)
				require.Equal(t, row.takes, sent.Phases.DNS+sent.Phases.Connect+sent.Phases.TLS)
			})
		})
	}
}

type slowResolver struct{}

func (slowResolver) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	<-ctx.Done()
	return nil, &net.DNSError{Err: "i/o timeout", Server: "10.0.0.53:53", IsTimeout: true}
}

// A dispatch's own timeout ends whatever is under way, and the receipt says what that was.
func TestSend_WholeTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := piped(t, Config{PerHost: 1}, hang)
		d := dispatch("http://hooks.example/")
		d.Timeout = 2 * time.Second
		answers := make(chan domain.Sent, 2)
		go func() { answers <- w.Send(t.Context(), d) }()
		synctest.Wait()
		d.Timeout = time.Second
		go func() { answers <- w.Send(t.Context(), d) }() // the only connection is in use
		waited, sent := <-answers, <-answers
		require.Equal(t, "it took longer than 1s in all, and was then waiting for a connection to become free", waited.Reason)
		require.Equal(t, time.Second, waited.Phases.Total)
		require.Zero(t, waited.Phases.DNS)
		require.Equal(t, "it took longer than 2s in all, and was then waiting for the first byte of the answer", sent.Reason)
		require.Equal(t, 2*time.Second, sent.Phases.First)
		w.Close()
	})
}

// When we stop, the receipt says whether the event may have arrived.
func TestSend_Stopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := piped(t, Config{}, hang)
		ctx, stop := context.WithCancel(t.Context())
		answers := make(chan domain.Sent, 1)
		go func() { answers <- w.Send(ctx, dispatch("http://hooks.example/")) }()
		synctest.Wait()
		stop()
		sent := <-answers
		require.Equal(t, domain.ErrorStopped, sent.Error)
		require.Contains(t, sent.Reason, "the event may have arrived")

		w.deps.Resolver = slowResolver{}
		ctx, stop = context.WithCancel(t.Context())
		go func() { answers <- w.Send(ctx, dispatch("http://hooks.example/")) }()
		synctest.Wait()
		stop()
		sent = <-answers
		require.Equal(t, domain.ErrorStopped, sent.Error)
		require.Contains(t, sent.Reason, "nothing was sent")
		w.Close()
		synctest.Wait()
	})
}

func TestSend_NoWayThere(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		lookup, dial error
		class        domain.ErrorClass
		says         string
	}{
		"no such name":          {nil, nil, domain.ErrorDNS, "no such host: gone.example.org"},
		"a broken name server":  {&net.DNSError{Err: "server misbehaving", Server: "10.0.0.53:53"}, nil, domain.ErrorDNS, "the name servers of hooks.example give no answer (server misbehaving)"},
		"an unknown fault":      {errors.New("read 10.0.0.53: broken"), nil, domain.ErrorDNS, "hooks.example could not be looked up"},
		"nobody listens":        {nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, domain.ErrorConnect, "no connection to 93.184.216.34:443: nobody listens (connection refused)"},
		"no route":              {nil, &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}, domain.ErrorConnect, "no connection to 93.184.216.34:443: no route to the network"},
		"the kernel's patience": {nil, &net.OpError{Op: "dial", Err: syscall.ETIMEDOUT}, domain.ErrorTimeout, "connecting to 93.184.216.34:443 took longer than 5s"},
	} {
		w := newWorld(t, Config{}, func(context.Context, string) (net.Conn, error) { return nil, row.dial })
		host := "hooks.example"
		switch {
		case row.lookup != nil:
			w.names.fails = map[string]error{host: row.lookup}
		case row.dial != nil:
			w.names.is(host, public.String())
		default:
			host = "gone.example.org"
		}
		sent := w.post("https://" + host + "/")
		require.Equal(t, row.class, sent.Error, name)
		require.Equal(t, row.says, sent.Reason, name)
		require.NotContains(t, sent.Reason, "10.0.0.53", "our name server is nobody's business")
	}
	w := newWorld(t, Config{}, nil)
	w.names.answers = map[string][][]netip.Addr{"empty.example.org": {{}}}
	require.Equal(t, "no such host: empty.example.org has no address", w.post("https://empty.example.org/").Reason)
}

func TestSend_TLSFaults(t *testing.T) {
	t.Parallel()
	now := time.Now()
	authority := certificate(t, "Some CA", now.Add(-time.Hour), now.Add(time.Hour), nil)
	strange := certificate(t, "Other CA", now.Add(-time.Hour), now.Add(time.Hour), nil)
	for name, row := range map[string]struct {
		cert tls.Certificate
		says string
	}{
		"another's":     {certificate(t, "other.example", now.Add(-time.Hour), now.Add(time.Hour), &authority), "the certificate is for other.example, not for hooks.example"},
		"expired":       {certificate(t, "hooks.example", now.Add(-2*time.Hour), now.Add(-time.Hour), &authority), "the certificate expired on " + now.Add(-time.Hour).UTC().Format("2 January 2006")},
		"of the future": {certificate(t, "hooks.example", now.Add(time.Hour), now.Add(2*time.Hour), &authority), "the certificate is not valid before "},
		"self-signed":   {certificate(t, "hooks.example", now.Add(-time.Hour), now.Add(time.Hour), nil), "the certificate of hooks.example is signed by itself"},
		"of a stranger": {certificate(t, "hooks.example", now.Add(-time.Hour), now.Add(time.Hour), &strange), "signed by nobody who is known"},
	} {
		w := tlsWorld(t, authority, &tls.Config{Certificates: []tls.Certificate{row.cert}})
		sent := w.post("https://hooks.example/")
		require.Equal(t, domain.ErrorTLS, sent.Error, name)
		require.Contains(t, sent.Reason, row.says, name)
		require.Positive(t, sent.Phases.TLS)
	}
	good := certificate(t, "hooks.example", now.Add(-time.Hour), now.Add(time.Hour), &authority)
	w := tlsWorld(t, authority, &tls.Config{Certificates: []tls.Certificate{good}})
	require.Equal(t, 200, w.post("https://hooks.example/").Status, "the good one is taken")
	w = tlsWorld(t, authority, &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
	sent := w.post("https://hooks.example/")
	require.Equal(t, domain.ErrorTLS, sent.Error)
	require.Contains(t, sent.Reason, "protocol version")
}

// tlsWorld is a receiver with a certificate, known by an authority.
func tlsWorld(t *testing.T, authority tls.Certificate, server *tls.Config) *world {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	require.NoError(t, err)
	web := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = web.Serve(listener) }()
	t.Cleanup(func() { _ = web.Close() })
	config := Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AddCert(authority.Leaf)
	w := newWorld(t, config, func(ctx context.Context, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", listener.Addr().String())
	})
	t.Cleanup(w.Close)
	w.names.is("hooks.example", public.String())
	return w
}

// What answers a handshake is not always TLS.
func TestSend_NoTLS(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		play func(net.Conn)
		says string
	}{
		"plain HTTP":   {func(conn net.Conn) { go hang(conn); _, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") }, "answers in plain HTTP where TLS was expected"},
		"another":      {func(conn net.Conn) { go hang(conn); _, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.2\r\n") }, "does not speak TLS on this port"},
		"hangs up":     {func(conn net.Conn) { _, _ = conn.Read(make([]byte, 16)) }, "the TLS handshake failed: connection closed by the other side"},
		"an alert":     {func(conn net.Conn) { go hang(conn); _, _ = conn.Write([]byte{21, 3, 3, 0, 2, 2, 40}) }, "the server broke the TLS handshake off: tls: handshake failure"},
		"half a hello": {func(conn net.Conn) { go hang(conn); _, _ = conn.Write([]byte{22, 3, 3, 0, 50, 2}) }, "the TLS handshake failed"},
	} {
		w := piped(t, Config{}, row.play)
		sent := w.post("https://hooks.example/")
		require.Equal(t, domain.ErrorTLS, sent.Error, "%s: %s", name, sent.Reason)
		require.Contains(t, sent.Reason, row.says, name)
	}
}

// HTTP/2 has its own ways to break off.
func TestSend_HTTP2Faults(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		handle http.HandlerFunc
		class  domain.ErrorClass
		says   string
	}{
		"reset before the answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, domain.ErrorCut, "before an answer came"},
		"reset within the answer": {func(out http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(out, "half")
			_ = http.NewResponseController(out).Flush()
			panic(http.ErrAbortHandler)
		}, domain.ErrorCut, "within the answer"},
		"headers without end": {func(out http.ResponseWriter, _ *http.Request) {
			for i := range 100 {
				out.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1<<10))
			}
		}, domain.ErrorProtocol, "no valid HTTP"},
		"a body without end": {func(out http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(out, strings.Repeat("x", 1<<10)); err != nil {
					return
				}
			}
		}, "", ""},
		"a redirect": {func(out http.ResponseWriter, r *http.Request) {
			http.Redirect(out, r, "https://10.0.0.1/", http.StatusFound)
		}, domain.ErrorRedirect, "answered 302 to https://10.0.0.1/"},
	} {
		w, _ := receiver(t, true, Config{}, row.handle)
		sent := w.post("https://example.com/")
		require.Equal(t, row.class, sent.Error, "%s: %s", name, sent.Reason)
		require.Contains(t, sent.Reason, row.says, name)
	}
}

// After a body that was cut short the connection is not used again; after a whole one of 64 KiB it is.
func TestSend_DrainsToReuse(t *testing.T) {
	t.Parallel()
	for size, conns := range map[int]int{0: 1, domain.MaxExcerpt: 1, domain.MaxExcerpt + 1: 1, maxDrained - 1: 1, 4 * maxDrained: 2} {
		w, _ := receiver(t, false, Config{}, func(out http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(out, strings.Repeat("x", size))
		})
		for range 2 {
			sent := w.post("https://example.com/")
			require.Empty(t, sent.Error, sent.Reason)
			require.Len(t, sent.Body, min(size, domain.MaxExcerpt))
			require.Equal(t, size > domain.MaxExcerpt, sent.Truncated)
		}
		require.Len(t, w.dialled, conns, "%d bytes", size)
	}
}

// An endpoint's headers that are none cannot be sent, and their values are not shown.
func TestSend_BadHeader(t *testing.T) {
	t.Parallel()
	w, _ := receiver(t, false, Config{}, func(http.ResponseWriter, *http.Request) {})
	d := dispatch("https://example.com/")
	d.Header["Authorization"] = []string{"Bearer secret\r\nX-A: b"}
	sent := w.Send(t.Context(), d)
	require.Equal(t, domain.ErrorURL, sent.Error)
	require.Contains(t, sent.Reason, "invalid header")
	require.NotContains(t, sent.Reason, "secret")
	require.Empty(t, w.dialled)
}
