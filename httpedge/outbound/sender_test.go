package outbound

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// A request as a receiver sees it, and its receipt, by either version of HTTP.
func TestSend_Delivers(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		var got *http.Request
		var body []byte
		w, _ := receiver(t, http2, Config{}, func(out http.ResponseWriter, r *http.Request) {
			got, body = r, nil
			body, _ = io.ReadAll(r.Body)
			out.Header().Set("Content-Type", "text/plain")
			out.Header().Set("X-Request-ID", "r-1")
			out.Header().Set("Set-Cookie", "session=1")
			out.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(out, "thanks")
		})
		d := dispatch("https://example.com/leads?a=b%20c")
		d.Header["Authorization"] = []string{"Bearer x"}
		d.Header["Host"] = []string{"evil.example"}
		d.Header["Connection"] = []string{"close"}
		d.Header["Transfer-Encoding"] = []string{"chunked"}
		d.Header["User-Agent"] = []string{"curl"}
		before := time.Now()
		sent := w.Send(t.Context(), d)
		require.Empty(t, sent.Error, sent.Reason)
		require.Equal(t, domain.Sent{
			At: sent.At, Phases: sent.Phases, Status: 202, Body: []byte("thanks"), Address: "93.184.216.34:443",
			Header: domain.Header{"Content-Type": {"text/plain"}, "X-Request-Id": {"r-1"}, "Content-Length": {"6"}, "Date": sent.Header["Date"]},
		}, withAddress(sent, "93.184.216.34:443"))
		require.WithinRange(t, sent.At, before.Add(-time.Second), time.Now())
		require.Equal(t, time.UTC, sent.At.Location())

		require.Equal(t, map[bool]int{false: 1, true: 2}[http2], got.ProtoMajor)
		require.Equal(t, "POST /leads?a=b%20c example.com", got.Method+" "+got.RequestURI+" "+got.Host)
		require.JSONEq(t, string(d.Body), string(body))
		require.Equal(t, http.Header{
			"Content-Type": {"application/json"}, "Webhook-Id": {"evt-1"}, "Authorization": {"Bearer x"}, "Content-Length": {strconv.Itoa(len(d.Body))},
			"User-Agent": {UserAgent}, "Accept-Encoding": {"identity"},
		}, got.Header)

		p := sent.Phases
		for name, phase := range map[string]time.Duration{"dns": p.DNS, "connect": p.Connect, "tls": p.TLS, "first": p.First, "body": p.Body} {
			require.Positive(t, phase, name)
		}
		require.LessOrEqual(t, p.DNS+p.Connect+p.TLS+p.First+p.Body, p.Total)
		require.Zero(t, p.Held+p.Queue, "those are the queue's to know")

		again := w.Send(t.Context(), d)
		require.Empty(t, again.Error, again.Reason)
		require.Zero(t, again.Phases.DNS+again.Phases.Connect+again.Phases.TLS, "the connection was reused")
		require.Len(t, w.dialled, 1)
		require.Equal(t, 1, w.value(w.metrics.given.WithLabelValues("new")))
		require.Equal(t, 1, w.value(w.metrics.given.WithLabelValues("reused")))
		require.Equal(t, 1, w.value(w.metrics.open))
		require.Equal(t, 2, w.value(w.metrics.attempts.WithLabelValues("ok")))
		require.Zero(t, w.value(w.metrics.inFlight))
	}
}

// withAddress: the test's Dial goes to the loopback, and the receipt shows where a connection really is.
func withAddress(sent domain.Sent, address string) domain.Sent {
	sent.Address = address
	return sent
}

// Many at once share connections up to the limit, and the others wait for their turn. Of HTTP/2 the transport counts
// only connections that take further requests, so there may be a few more.
func TestSend_BoundsConnectionsPerHost(t *testing.T) {
	t.Parallel()
	const limit, many = 3, 400 // more than one connection of HTTP/2 takes at once
	for _, http2 := range []bool{false, true} {
		w, _ := receiver(t, http2, Config{PerHost: limit}, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
		var open, most atomic.Int64
		dial := w.dial
		w.dial = func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := dial(ctx, address)
			if n := open.Add(1); n > most.Load() {
				most.Store(n)
			}
			return &closer{Conn: conn, closed: sync.OnceFunc(func() { open.Add(-1) })}, err
		}
		answers := make(chan domain.Sent)
		for range many {
			go func() { answers <- w.Send(t.Context(), dispatch("https://example.com/")) }()
		}
		for range many {
			sent := <-answers
			require.Empty(t, sent.Error, sent.Reason)
		}
		if http2 {
			require.Less(t, most.Load(), int64(many/10))
		} else {
			require.LessOrEqual(t, most.Load(), int64(limit))
		}
		require.EqualValues(t, open.Load(), w.value(w.metrics.open))
	}
}

type closer struct {
	net.Conn

	closed func()
}

func (c *closer) Close() error {
	c.closed()
	return c.Conn.Close()
}

// The environment's proxy is not used: it would look the name up by itself.
func TestSend_UsesNoProxy(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	w, _ := receiver(t, false, Config{}, func(http.ResponseWriter, *http.Request) {})
	require.Empty(t, w.post("https://example.com/").Error)
	require.Equal(t, []string{"93.184.216.34:443"}, w.dialled)
	require.Nil(t, w.transport.Proxy)
}

// Cookies that an endpoint sets are not sent back.
func TestSend_KeepsNoCookies(t *testing.T) {
	t.Parallel()
	w, _ := receiver(t, false, Config{}, func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" {
			out.WriteHeader(http.StatusTeapot)
		}
		http.SetCookie(out, &http.Cookie{Name: "a", Value: "b"})
	})
	for range 3 {
		require.Equal(t, http.StatusOK, w.post("https://example.com/").Status)
	}
}

// The first address does not answer, the second does: one attempt is enough.
func TestSend_TriesTheNextAddress(t *testing.T) {
	t.Parallel()
	w, server := receiver(t, false, Config{}, func(http.ResponseWriter, *http.Request) {})
	w.names.is("www.example.com", "2606:4700:4700::1111,93.184.216.34")
	w.dial = func(ctx context.Context, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "[") {
			return nil, errors.New("no route")
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}
	sent := w.post("https://www.example.com/")
	require.Empty(t, sent.Error, sent.Reason)
	require.Equal(t, []string{"[2606:4700:4700::1111]:443", "93.184.216.34:443"}, w.dialled)
}

// A name with hundreds of addresses costs a few tries and no more.
func TestSend_TriesFewAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, func(context.Context, string) (net.Conn, error) { return nil, errors.New("no route") })
	w.names.is("many.example.org", strings.TrimSuffix(strings.Repeat(public.String()+",", 300), ","))
	require.Equal(t, domain.ErrorConnect, w.post("https://many.example.org/").Error)
	require.Len(t, w.dialled, maxDialled)
}

// A reused connection that was closing: the request goes out once more on a new one, in the same attempt.
func TestSend_AClosingConnectionIsNotTheEndpointsFailure(t *testing.T) {
	t.Parallel()
	var conns atomic.Int64
	w := piped(t, Config{}, func(conn net.Conn) {
		first := conns.Add(1) == 1
		if answer(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") != nil {
			return
		}
		if first { // reads the next request, and hangs up instead of an answer
			_, _ = conn.Read(make([]byte, 1<<10))
			return
		}
		_ = answer(conn, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	defer w.Close()
	require.Equal(t, 200, w.post("http://hooks.example/").Status)
	sent := w.post("http://hooks.example/")
	require.Empty(t, sent.Error, sent.Reason)
	require.Equal(t, 200, sent.Status)
	require.Equal(t, 1, w.value(w.metrics.resent))
	require.EqualValues(t, 2, conns.Load())
}

// answer reads one request and says what it is told to.
func answer(conn net.Conn, what string) error {
	if err := request(conn); err != nil {
		return err
	}
	_, err := io.WriteString(conn, what)
	return err
}

// request reads as much of a connection as one of dispatch's requests has.
func request(conn net.Conn) error {
	var seen []byte
	for buf := make([]byte, 4<<10); ; {
		n, err := conn.Read(buf)
		seen = append(seen, buf[:n]...)
		if err != nil || bytes.HasSuffix(seen, dispatch("").Body) {
			return err
		}
	}
}

// Every metric is there before the first attempt.
func TestMetrics_AreBornAtZero(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	w := newWorld(t, Config{}, nil)
	deps := w.deps
	deps.Registerer = registry
	sender, err := New(Config{}, deps)
	require.NoError(t, err)
	_, err = NewTokens(sender)
	require.NoError(t, err)
	families, err := registry.Gather()
	require.NoError(t, err)
	series := map[string]int{}
	for _, f := range families {
		series[f.GetName()] = len(f.GetMetric())
	}
	require.Equal(t, map[string]int{
		"leadwire_outbound_attempts_total": 1 + len(classes), "leadwire_outbound_phase_seconds": 7, "leadwire_outbound_connections_total": 2,
		"leadwire_outbound_refused_total": 1 + len(addressRules), "leadwire_outbound_resent_total": 1, "leadwire_outbound_in_flight": 1,
		"leadwire_outbound_connections_open": 1, "leadwire_outbound_connections_per_host_limit": 1, "leadwire_outbound_allow_private": 1,
		"leadwire_outbound_client_certificates": 1, "leadwire_outbound_client_certificates_limit": 1,
		"leadwire_outbound_client_certificate_left_seconds_min": 1,
		"leadwire_outbound_token_fetches_total":                 4, "leadwire_outbound_tokens": 1, "leadwire_outbound_tokens_limit": 1,
	}, series)
	_, err = NewTokens(sender)
	require.ErrorContains(t, err, "register token metrics")
	_, err = New(Config{}, deps)
	require.ErrorContains(t, err, "register outbound metrics")
	for _, n := range networks {
		require.Contains(t, addressRules, n.rule)
	}
}

func TestNew_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	deps := newWorld(t, Config{}, nil).deps
	for field, config := range map[string]Config{
		"dns": {DNS: -1}, "connect": {Connect: -1}, "tls": {TLS: -1}, "first_byte": {FirstByte: -1}, "per_host": {PerHost: -1}, "idle": {Idle: -1},
		"header_bytes": {HeaderBytes: -1}, "certificates": {Certificates: -1}, "refuse[0]": {Refuse: make([]netip.Prefix, 1)},
	} {
		_, err := New(config, deps)
		require.ErrorContains(t, err, field)
		require.Equal(t, domain.Invalid, domain.CodeOf(err))
	}
	_, err := New(Config{}, Deps{})
	require.ErrorContains(t, err, "are needed")
}
