package ssetest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Patience is how long tests wait for what must come. It is only waited for when a test fails.
const Patience = time.Minute

// Client is one open stream. Its reader runs until the stream ends or Close.
type Client struct {
	Conn     net.Conn
	Response *http.Response

	mu      sync.Mutex
	parser  Parser
	err     error // of the body's end; io.EOF: a whole body, with its last chunk
	changed chan struct{}
	done    chan struct{}
}

// Dial opens path on addr and reads it. TLS is spoken when config is given. Request headers come in pairs.
func Dial(t testing.TB, addr, path string, config *tls.Config, headers ...string) *Client {
	t.Helper()
	c := Open(t, addr, path, config, headers...)
	c.Read(t)
	return c
}

// Open opens path and reads the answer's head only, as a client does that stalls; Read goes on.
func Open(t testing.TB, addr, path string, config *tls.Config, headers ...string) *Client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, Patience)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	var over net.Conn = conn
	if config != nil {
		over = tls.Client(conn, config)
	}
	request, err := http.NewRequest(http.MethodGet, "http://"+addr+path, nil)
	require.NoError(t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	require.NoError(t, over.SetDeadline(time.Now().Add(Patience)))
	require.NoError(t, request.Write(over))
	response, err := http.ReadResponse(bufio.NewReader(over), request)
	require.NoError(t, err)
	require.NoError(t, over.SetDeadline(time.Time{}))
	return &Client{Conn: conn, Response: response, changed: make(chan struct{}), done: make(chan struct{})}
}

// Read begins to read the body, in a goroutine that ends with the stream or the test.
func (c *Client) Read(t testing.TB) {
	t.Cleanup(func() { c.Close(); <-c.done })
	go func() {
		defer close(c.done)
		buffer := make([]byte, 4096)
		for {
			n, err := c.Response.Body.Read(buffer)
			c.mu.Lock()
			_, _ = c.parser.Write(buffer[:n])
			c.err = err
			close(c.changed)
			c.changed = make(chan struct{})
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
}

// Wait waits until the stream so far satisfies ready, and returns its state.
func (c *Client) Wait(t testing.TB, what string, ready func(p *Parser) bool) Parser {
	t.Helper()
	timeout := time.After(Patience)
	for {
		c.mu.Lock()
		ok, changed, state, err := ready(&c.parser), c.changed, c.snapshot(), c.err
		c.mu.Unlock()
		if ok {
			return state
		}
		if err != nil {
			require.FailNow(t, "stream ended", "waiting for %s: %v; so far %d events, last id %q", what, err, len(state.Events), state.LastID)
		}
		select {
		case <-changed:
		case <-timeout:
			require.FailNow(t, "stream is quiet", "waiting for %s; so far %d events, last id %q", what, len(state.Events), state.LastID)
		}
	}
}

func (c *Client) snapshot() Parser {
	return Parser{
		Events: append([]Event(nil), c.parser.Events...), LastID: c.parser.LastID,
		Retry: c.parser.Retry, Blocks: c.parser.Blocks,
	}
}

// WaitID waits until a reconnect would send id.
func (c *Client) WaitID(t testing.TB, id string) Parser {
	t.Helper()
	return c.Wait(t, "id "+id, func(p *Parser) bool { return p.LastID == id })
}

// Ended waits for the end of the stream: its last state, and io.EOF if the body was whole.
func (c *Client) Ended(t testing.TB) (Parser, error) {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(Patience):
		require.FailNow(t, "stream does not end")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.snapshot(), c.err
}

// Close leaves with a FIN.
func (c *Client) Close() { _ = c.Conn.Close() }

// Reset leaves with a RST, as a killed process with unread bytes does.
func (c *Client) Reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Conn.Close()
}

// Of counts the events of a type.
func (p *Parser) Of(kind string) (n int) {
	for _, e := range p.Events {
		if e.Type == kind {
			n++
		}
	}
	return n
}

// Feed is the events of the feed: all but heartbeats.
func (p Parser) Feed() (events []Event) {
	for _, e := range p.Events {
		if e.Type != "heartbeat" {
			events = append(events, e)
		}
	}
	return events
}

// Body reads what is left of an answer that is no stream.
func (c *Client) Body(t testing.TB) string {
	t.Helper()
	var all bytes.Buffer
	_, err := io.Copy(&all, c.Response.Body)
	require.NoError(t, err)
	return all.String()
}
