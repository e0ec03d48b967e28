package httpedge_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestServe_UnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	e := start(t)
	got := e.get(t, "/nowhere", nobody)
	require.Equal(t, 404, got.status)
	require.Equal(t, "not_found", got.problem(t).Code)
	require.Equal(t, 404, e.get(t, "/api/buyer/leads/a/b", anna).status, "an id is one segment")
	require.Equal(t, 404, e.get(t, "/api/buyer/leads/", anna).status, "and not empty")
	got = e.send(t, "DELETE", "/api/buyer/leads", "")
	require.Equal(t, 405, got.status)
	require.Equal(t, "GET, OPTIONS", got.header.Get("Allow"))
	got.problem(t)
	got = e.get(t, "/leads/webhook/ghl", nobody)
	require.Equal(t, 405, got.status)
	require.Equal(t, "POST", got.header.Get("Allow"))
	head := e.send(t, "HEAD", "/healthz", "")
	require.Equal(t, 200, head.status)
	require.Empty(t, head.body)
	require.Equal(t, "nosniff", head.header.Get("X-Content-Type-Options"))
	require.Equal(t, "5", e.metric(t, `leadwire_http_responses_total{class="4xx",route="none"}`))
}

// What cannot be read as a request is answered in problem details too, and counted.
func TestServe_BrokenRequests(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why, request string
		status       int
		reason       string
	}{
		{"no HTTP", "what?\r\n\r\n", 400, "malformed"},
		{"headers without end", "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 20<<10), 431, "headers_too_large"},
		{"half a header", "GET / HTTP/1.1\r\nHos", 429, "slow"},
		{"headers, and never a byte of the body", "POST /leads/webhook/ghl HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", 429, "slow"},
		{"never a byte: a browser's reserve, which expects this answer", "", 408, "slow"},
	} {
		e := start(t, func(c *httpedge.Config, _ *httpedge.Deps) {
			if row.reason == "slow" {
				c.ReadTimeout = time.Second
			}
		})
		got := e.raw(t, row.request)
		require.Equal(t, row.status, got.status, row.why)
		got.problem(t)
		require.Equal(t, "1", e.metric(t, `leadwire_http_broken_requests_total{reason="`+row.reason+`"}`), row.why)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var notReady atomic.Bool
	e := start(t, func(_ *httpedge.Config, d *httpedge.Deps) {
		d.Ready = func() error {
			if notReady.Load() {
				return errors.New("partitions are being claimed")
			}
			return nil
		}
	})
	require.Equal(t, 200, e.get(t, "/healthz", nobody).status)
	require.Equal(t, 200, e.get(t, "/readyz", nobody).status)
	require.Equal(t, 200, e.get(t, "/readyz", nobody).status)
	require.Equal(t, 1, e.store.pings, "within a second the store is asked once")

	notReady.Store(true)
	got := e.get(t, "/readyz", nobody)
	require.Equal(t, 503, got.status)
	require.Contains(t, got.problem(t).Detail, "partitions are being claimed")
	notReady.Store(false)

	e.store.back = domain.Backlog{Undecided: 3, OldestUndecided: noon.Add(-90 * time.Second)}
	e.clock.add(time.Second)
	require.JSONEq(t, `{"status":"ok","draining":false,"oldest_undecided_seconds":91,"oldest_held_seconds":0,"now":"2026-11-22T12:00:01.000Z"}`,
		e.get(t, "/api/status", nobody).body)
	e.store.fail(domain.Fail("ping", domain.Unavailable, nil))
	e.clock.add(time.Second)
	require.Equal(t, 503, e.get(t, "/readyz", nobody).status)
	require.Contains(t, e.get(t, "/api/status", nobody).body, `"store_unavailable"`)
	require.Equal(t, 200, e.get(t, "/healthz", nobody).status, "a store that is down is no reason to restart us")
}

// Draining turns traffic away step by step: readiness first, then webhooks, and those inside are finished.
func TestDrain_FinishesWhatIsInside(t *testing.T) {
	t.Parallel()
	g := newGate()
	e := start(t)
	require.False(t, e.get(t, "/healthz", nobody).close)
	e.leads.hold(g.enter)
	var wait sync.WaitGroup
	var inside answer
	wait.Go(func() { inside = e.post(t, contact("inside")) })
	<-g.inside
	e.leads.hold(nil) // only the first is held
	drained := make(chan error, 1)
	go func() { drained <- e.Drain(t.Context()) }()
	require.Eventually(t, func() bool { return e.get(t, "/readyz", nobody).status == 503 }, 5*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return e.post(t, contact("late")).status == 429 }, 5*time.Second, time.Millisecond)
	require.True(t, e.get(t, "/healthz", nobody).close, "kept-alive connections are sent elsewhere")
	require.Contains(t, e.get(t, "/api/status", nobody).body, `"draining":true`)
	select {
	case err := <-drained:
		t.Fatalf("drained over a webhook that waits for its commit: %v", err)
	default:
	}
	close(g.open)
	wait.Wait()
	require.NoError(t, <-drained)
	require.Equal(t, 200, inside.status)
	require.Contains(t, e.leads.kept(), domain.EventID("w-inside"))
	require.NotEqual(t, "0", e.counted(t, "none", "deferred", "draining"))
}

// The grace is for a balancer to notice that we are not ready: webhooks are still taken.
func TestDrain_TakesWebhooksDuringTheGrace(t *testing.T) {
	t.Parallel()
	e := start(t, func(c *httpedge.Config, _ *httpedge.Deps) { c.DrainGrace = time.Hour })
	ctx, cut := context.WithCancel(t.Context())
	drained := make(chan error, 1)
	go func() { drained <- e.Drain(ctx) }()
	require.Eventually(t, func() bool { return e.get(t, "/readyz", nobody).status == 503 }, 5*time.Second, time.Millisecond)
	require.Equal(t, 200, e.post(t, contact("c1")).status)
	cut()
	require.NoError(t, <-drained, "nothing is in flight, so there is nothing to give up")
	require.Equal(t, 429, e.post(t, contact("c2")).status)
}

// Close waits for requests, not for connections that a browser keeps in reserve; and not for ever.
func TestClose(t *testing.T) {
	t.Parallel()
	e := start(t)
	reserve, err := net.Dial("tcp", e.addr)
	require.NoError(t, err)
	defer func() { _ = reserve.Close() }()
	require.Eventually(t, func() bool { return e.metric(t, "leadwire_http_open_connections") == "2" }, 5*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	require.NoError(t, e.Close(ctx), "a new connection is otherwise waited for during five seconds")
	_, err = net.Dial("tcp", e.addr)
	require.Error(t, err)
	_, err = reserve.Read(make([]byte, 1))
	require.Error(t, err)
}

func TestClose_CutsOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	e := start(t)
	entered := make(chan struct{})
	e.leads.hold(func(ctx context.Context) error {
		close(entered)
		<-ctx.Done()
		return ctx.Err()
	})
	conn, err := net.Dial("tcp", e.addr)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, e.request(contact("stuck")))
	require.NoError(t, err)
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, e.Close(ctx), context.DeadlineExceeded)
}

// A Close that comes before Serve is not forgotten.
func TestClose_BeforeServe(t *testing.T) {
	t.Parallel()
	e := start(t)
	s, err := httpedge.New(httpedge.Config{}, httpedge.Deps{Leads: e.leads, Reader: e.store, Directory: e.dir.get, Stream: e.stream})
	require.NoError(t, err)
	require.NoError(t, s.Close(t.Context()))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, s.Serve(ln))
	_, err = ln.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

// Out of files, the server waits instead of ending; a closed listener ends it.
func TestListener_WaitsOutAShortage(t *testing.T) {
	t.Parallel()
	ln := &scarce{errs: []error{os.NewSyscallError("accept", syscall.EMFILE), os.NewSyscallError("accept", syscall.ECONNABORTED)}}
	conn, err := httpedge.Patient(ln).Accept()
	require.NoError(t, err)
	require.NotNil(t, conn)
	ln.errs = []error{net.ErrClosed}
	_, err = httpedge.Patient(ln).Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}

// scarce fails with its errors, one per call, and then accepts.
type scarce struct {
	net.Listener
	errs []error
}

func (s *scarce) Accept() (net.Conn, error) {
	if len(s.errs) > 0 {
		err := s.errs[0]
		s.errs = s.errs[1:]
		return nil, err
	}
	return &net.TCPConn{}, nil
}

func TestNew_RefusesBadConfigs(t *testing.T) {
	t.Parallel()
	e := start(t)
	good := httpedge.Deps{Leads: e.leads, Reader: e.store, Directory: e.dir.get, Stream: e.stream}
	for field, cfg := range map[string]httpedge.Config{
		"read_timeout": {ReadTimeout: -1}, "header_size": {HeaderSize: 100}, "in_flight": {InFlight: -1},
		"body_bytes": {BodyBytes: -1}, "connections": {Connections: -1}, "public_url": {PublicURL: ":"}, "retry_after": {RetryAfter: -1},
	} {
		_, err := httpedge.New(cfg, good)
		require.ErrorContains(t, err, field)
	}
	_, err := httpedge.New(httpedge.Config{}, httpedge.Deps{})
	require.Error(t, err)
	s, err := httpedge.New(httpedge.Config{}, good)
	require.NoError(t, err, "metrics, clock, log and page may be left out")
	require.NoError(t, s.Close(t.Context()))
}

// openapi.yaml describes every route, and no other.
func TestOpenAPI_IsWhatIsServed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	var doc struct {
		OpenAPI string                               `yaml:"openapi"`
		Paths   map[string]map[string]map[string]any `yaml:"paths"`
	}
	require.NoError(t, yaml.Unmarshal(text, &doc))
	require.True(t, strings.HasPrefix(doc.OpenAPI, "3.1."))
	var described []string
	for path, methods := range doc.Paths {
		for method, operation := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
			require.NotEmpty(t, operation["summary"], path)
			require.NotEmpty(t, operation["responses"], path)
		}
	}
	e := start(t)
	require.ElementsMatch(t, httpedge.Routes(e.Server), described)
}
