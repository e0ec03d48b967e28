package httpedge_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/stretchr/testify/require"
)

// slow sends a request's body in pieces with pauses between them, as a bad line does, and reads nothing
// before it has sent all. It returns everything that came back until the connection's end.
func slow(addr, head string, body int, pause time.Duration) (string, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "%s\r\nHost: x\r\nContent-Length: %d\r\n\r\n{", head, body); err != nil {
		return "", err
	}
	line := time.NewTicker(pause)
	defer line.Stop()
	const pieces = 4
	for rest, i := body-1, pieces; i > 0; i-- {
		<-line.C
		n := rest / i
		rest -= n
		if _, err := io.WriteString(conn, strings.Repeat("x", n)); err != nil {
			return "", fmt.Errorf("send the body: %w", err)
		}
	}
	all, err := io.ReadAll(conn)
	return string(all), err
}

// An answer that is given before the body was read reaches a sender who reads only once it has sent
// everything. Otherwise a 429 turns into a reset, after which nobody comes back.
func TestServe_AnswersReachSlowSenders(t *testing.T) {
	t.Parallel()
	const webhook = "POST /leads/webhook/ghl HTTP/1.1"
	draining := func(t *testing.T, e *edge) { require.NoError(t, e.Drain(t.Context())) }
	mistyped := func(_ *testing.T, e *edge) {
		c := e.dir.get().Catalog
		c.Sources = []domain.Source{{ID: "ghl", Kind: "ghl", PublicKeys: []string{"typo"}}}
		e.dir.set(c)
	}
	capped := func(bytes int) func(*testing.T, *edge) {
		return func(_ *testing.T, e *edge) {
			c := e.dir.get().Catalog
			c.Sources[0].MaxBody = bytes
			e.dir.set(c)
		}
	}
	nothing := func(*testing.T, *edge) {}
	for _, row := range []struct {
		why    string
		head   string
		set    func(*testing.T, *edge)
		change func(*httpedge.Config, *httpedge.Deps)
		status string
	}{
		{"we are stopping", webhook, draining, nil, "429"},
		{"the source's key was mistyped", webhook, mistyped, nil, "429"},
		{"there is no room for the body", webhook, capped(1 << 20), func(c *httpedge.Config, _ *httpedge.Deps) { c.BodyBytes = 10 }, "429"},
		{"the body is longer than it may be", webhook, capped(4 << 10), nil, "413"},
		{"the source is unknown", "POST /leads/webhook/nobody HTTP/1.1", nothing, nil, "404"},
		{"there is no such path", "POST /nowhere HTTP/1.1", nothing, nil, "404"},
		{"the buyer has no token", "POST /api/buyer/seen HTTP/1.1", nothing, nil, "401"},
		{"the method has no body", "GET /healthz HTTP/1.1", nothing, nil, "200"},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			e := start(t, func(c *httpedge.Config, d *httpedge.Deps) {
				if row.change != nil {
					row.change(c, d)
				}
			})
			row.set(t, e)
			var wait sync.WaitGroup
			for i := range 48 {
				wait.Go(func() {
					body := (8 + 4*i) << 10 // 8 to 196 KiB
					pause := []time.Duration{time.Millisecond, 20 * time.Millisecond, 120 * time.Millisecond}[i%3]
					got, err := slow(e.addr, row.head, body, pause)
					if err != nil || !strings.HasPrefix(got, "HTTP/1.1 "+row.status) {
						t.Errorf("%d bytes: read %q, %v", body, got, err)
					}
					if row.status == "429" && (!strings.Contains(got, "Retry-After: ") || !strings.HasSuffix(got, "}")) {
						t.Errorf("%d bytes: the answer is not whole: %q", body, got)
					}
				})
			}
			wait.Wait()
			require.Empty(t, e.leads.kept())
		})
	}
}

// A Close while such a sender is still sending waits for it, and for one that never ends only so long.
func TestClose_LetsSlowSendersReadTheirAnswer(t *testing.T) {
	t.Parallel()
	e := start(t)
	require.NoError(t, e.Drain(t.Context()))
	hangs, err := net.Dial("tcp", e.addr)
	require.NoError(t, err)
	defer func() { _ = hangs.Close() }()
	_, err = io.WriteString(hangs, "POST /leads/webhook/ghl HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
	require.NoError(t, err)
	require.Equal(t, 429, response(t, hangs).status, "its answer has left before its body came")

	sends, err := net.Dial("tcp", e.addr)
	require.NoError(t, err)
	defer func() { _ = sends.Close() }()
	_, err = io.WriteString(sends, "POST /leads/webhook/ghl HTTP/1.1\r\nHost: x\r\nContent-Length: 200001\r\n\r\n{")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return e.counted(t, "none", "deferred", "draining") == "2" }, 5*time.Second, time.Millisecond)
	closed := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second) // less than ReadTimeout
	defer cancel()
	go func() { closed <- e.Close(ctx) }()
	require.Eventually(t, func() bool { // it listens no more
		c, err := net.Dial("tcp", e.addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	}, 5*time.Second, time.Millisecond)
	line := time.NewTicker(20 * time.Millisecond)
	defer line.Stop()
	for range 20 {
		<-line.C
		_, err = io.WriteString(sends, strings.Repeat("x", 10_000))
		require.NoError(t, err)
	}
	require.Equal(t, 429, response(t, sends).status)
	require.NoError(t, sends.Close())
	require.NoError(t, <-closed)
	require.NoError(t, ctx.Err(), "the one that never ends does not hold a stop")
}
