package sse_test

import (
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"

	"github.com/leadwire/leadwire/httpedge/sse"
	"github.com/leadwire/leadwire/httpedge/sse/ssetest"
)

// ways are all the ways a connection can be held. What follows must hold for each.
func ways(t *testing.T, story func(t *testing.T, start func(sse.Config) *edge)) {
	for name, way := range map[string]struct{ portable, secure bool }{
		"epoll":          {},
		"goroutines":     {portable: true},
		"epoll TLS":      {secure: true},
		"goroutines TLS": {portable: true, secure: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, func(c sse.Config) *edge {
				c.Portable = way.portable
				return start(t, c, way.secure)
			})
		})
	}
}

// A new page is told where the feed stands and gets what happens from then on.
func TestStream_Life(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, start func(sse.Config) *edge) {
		e := start(sse.Config{RetryMin: 1100 * time.Millisecond, RetryMax: 1200 * time.Millisecond, Heartbeat: 50 * time.Millisecond})
		e.Feeds.Publish(ada, leads(3)...)
		page := e.dial(t, "/acme/ada")

		h := page.Response.Header
		require.Equal(t, 200, page.Response.StatusCode)
		require.Equal(t, "text/event-stream", h.Get("Content-Type"))
		require.Equal(t, "no-cache, no-transform", h.Get("Cache-Control"))
		require.Equal(t, "no", h.Get("X-Accel-Buffering"))
		require.Equal(t, []string{"chunked"}, page.Response.TransferEncoding)

		state := page.WaitID(t, id(3))
		require.Zero(t, state.Of("lead.assigned"), "an id alone dispatches nothing")
		require.GreaterOrEqual(t, state.Retry, 1100*time.Millisecond)
		require.LessOrEqual(t, state.Retry, 1200*time.Millisecond)

		e.Feeds.Publish(ada, leads(2)...)
		state = page.WaitID(t, id(5))
		require.Equal(t, 2, state.Of("lead.assigned"))
		page.Wait(t, "heartbeats", func(p *ssetest.Parser) bool { return p.Of("heartbeat") >= 3 })

		e.Feeds.Publish(ada, lead(6))
		page.WaitID(t, id(6))
		require.EqualValues(t, 1, e.metric(t, "streams", ""))
	})
}

// The server's time-outs are for requests. A stream outlives them all.
func TestStream_OutlivesTimeouts(t *testing.T) {
	t.Parallel()
	for name, portable := range map[string]bool{"epoll": false, "goroutines": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const limit = 500 * time.Millisecond
			server := &fasthttp.Server{ReadTimeout: limit, WriteTimeout: limit, IdleTimeout: limit}
			config := sse.Config{Portable: portable, Heartbeat: limit}
			_, addr := serveBy(t, server, config, ssetest.NewFeeds(), nil)
			page := ssetest.Dial(t, addr.String(), "/acme/ada", nil)
			page.Wait(t, "heartbeats past all time-outs", func(p *ssetest.Parser) bool { return p.Of("heartbeat") >= 4 })
		})
	}
}

// A client that leaves is noticed at once, however it leaves, with no heartbeat's help.
func TestStream_ClientLeaves(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, start func(sse.Config) *edge) {
		for name, leave := range map[string]func(*ssetest.Client){"FIN": (*ssetest.Client).Close, "RST": (*ssetest.Client).Reset} {
			t.Run(name, func(t *testing.T) {
				e := start(sse.Config{Heartbeat: time.Hour})
				page := e.dial(t, "/acme/ada")
				page.WaitID(t, id(0))
				require.Equal(t, 1, e.Feeds.Watching(ada))
				leave(page)
				require.True(t, e.Feeds.WaitWatching(ada, 0), "the feed is told")
				e.eventually(t, "closed_total", "client", 1)
				require.Zero(t, e.metric(t, "streams", ""))
			})
		}
	})
}

// A page that does not read is dropped. Its sibling, the same buyer's other page, gets every event.
func TestStream_StalledReader(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, start func(sse.Config) *edge) {
		e := start(sse.Config{Stall: time.Hour, MaxBurst: 64 << 10})
		sibling := e.dial(t, "/acme/ada")
		sibling.WaitID(t, id(0))
		stalled := ssetest.Open(t, e.Addr, "/acme/ada", e.TLS)
		require.True(t, e.Feeds.WaitWatching(ada, 2))

		sent := 0
		for e.metric(t, "closed_total", "slow") == 0 {
			require.Less(t, sent, 100_000, "a reader that stalls is dropped")
			sent = int(e.Feeds.Publish(ada, leads(20)...))
			sibling.WaitID(t, id(sent)) // a pace that a healthy page keeps
		}
		require.True(t, e.Feeds.WaitWatching(ada, 1))
		state := sibling.WaitID(t, id(sent))
		require.Len(t, state.Feed(), sent)

		stalled.Read(t)
		got, _ := stalled.Ended(t)
		for i, event := range got.Feed() {
			require.Equal(t, id(i+1), event.ID, "what it got is the feed's beginning, whole")
		}
		require.Less(t, len(got.Feed()), sent)
		resumed := e.dial(t, "/acme/ada", "Last-Event-ID", got.LastID)
		resumed.WaitID(t, id(sent))
		e.eventually(t, "pending_bytes", "", 0)
	})
}

// A page that stalls and a feed that falls quiet: nobody writes any more, and still it is found.
func TestStream_StalledAndQuiet(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, start func(sse.Config) *edge) {
		e := start(sse.Config{Stall: 50 * time.Millisecond, Heartbeat: 50 * time.Millisecond})
		ssetest.Open(t, e.Addr, "/acme/ada", e.TLS)
		require.True(t, e.Feeds.WaitWatching(ada, 1))
		e.Feeds.Publish(ada, leads(2000)...) // 700 KB: more than the two sockets hold
		e.eventually(t, "closed_total", "slow", 1)
		require.True(t, e.Feeds.WaitWatching(ada, 0))
	})
}

// A burst that no socket takes at once reaches a page that reads, in order.
func TestStream_Burst(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, start func(sse.Config) *edge) {
		e := start(sse.Config{})
		page := ssetest.Open(t, e.Addr, "/acme/ada", e.TLS)
		require.True(t, e.Feeds.WaitWatching(ada, 1))
		e.Feeds.Publish(ada, leads(1000)...) // 350 KB at once, to a page that does not read yet
		for range 1001 {
			e.Feeds.Publish(ada, lead(1)) // and as much in pieces
		}
		page.Read(t)
		state := page.WaitID(t, id(2001))
		require.Len(t, state.Feed(), 2001)
		for i, event := range state.Feed() {
			require.Equal(t, id(i+1), event.ID)
		}
		e.eventually(t, "pending_bytes", "", 0)
	})
}

// When much waits on the node, a stream may have its own share and no more.
func TestStream_NodeIsFull(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, start func(sse.Config) *edge) {
		e := start(sse.Config{Stall: time.Hour, PendingTotal: 1 << 10})
		ssetest.Open(t, e.Addr, "/acme/ada", e.TLS)
		require.True(t, e.Feeds.WaitWatching(ada, 1))
		e.Feeds.Publish(ada, leads(2000)...)
		e.eventually(t, "closed_total", "slow", 1)
		require.Zero(t, e.metric(t, "pending_bytes", ""))
	})
}

// A drain asks every page to come back at a time of its own, ends bodies whole, and lets nobody in.
func TestServer_Drain(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, start func(sse.Config) *edge) {
		e := start(sse.Config{PerBuyer: 100})
		pages := make([]*ssetest.Client, 30)
		for i := range pages {
			pages[i] = e.dial(t, "/acme/ada")
			pages[i].WaitID(t, id(0))
		}
		began := time.Now()
		require.NoError(t, e.Streams.Drain(t.Context(), 300*time.Millisecond))
		require.Greater(t, time.Since(began), 100*time.Millisecond, "thirty moments of the window, not one")
		retries := map[time.Duration]bool{}
		for _, page := range pages {
			state, err := page.Ended(t)
			require.ErrorIs(t, err, io.EOF, "the body ends with its last chunk")
			require.GreaterOrEqual(t, state.Retry, 300*time.Millisecond)
			require.LessOrEqual(t, state.Retry, 1500*time.Millisecond)
			retries[state.Retry] = true
		}
		require.Greater(t, len(retries), 5, "returns are spread")
		require.EqualValues(t, 30, e.metric(t, "closed_total", "drain"))
		require.Zero(t, e.Feeds.Watching(ada))

		late := ssetest.Open(t, e.Addr, "/acme/ada", e.TLS)
		require.Equal(t, 503, late.Response.StatusCode)
		require.NotEmpty(t, late.Response.Header.Get("Retry-After"))
		require.EqualValues(t, 1, e.metric(t, "refused_total", "draining"))
	})
}

// An old stream is asked to come back, and may not be let in again.
func TestStream_Age(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, start func(sse.Config) *edge) {
		e := start(sse.Config{MaxAge: 50 * time.Millisecond, Heartbeat: 10 * time.Millisecond})
		page := e.dial(t, "/acme/ada")
		state, err := page.Ended(t)
		require.ErrorIs(t, err, io.EOF, "the body ends with its last chunk")
		require.LessOrEqual(t, state.Retry, 1500*time.Millisecond)
		e.eventually(t, "closed_total", "age", 1)
	})
}

// Hundreds of pages come, are written to, and leave at once, while the server closes under them.
func TestServer_MassClose(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, start func(sse.Config) *edge) {
		e := start(sse.Config{PerBuyer: 1000, Heartbeat: 20 * time.Millisecond})
		pages := make([]*ssetest.Client, 200)
		var opening errgroup.Group
		opening.SetLimit(16)
		for i := range pages {
			opening.Go(func() error { pages[i] = e.dial(t, "/acme/ada"); return nil })
		}
		require.NoError(t, opening.Wait())
		require.False(t, t.Failed(), "all are open")
		require.True(t, e.Feeds.WaitWatching(ada, len(pages)))
		var busy sync.WaitGroup
		busy.Go(func() {
			for range 100 {
				e.Feeds.Publish(ada, leads(3)...)
			}
		})
		for i, page := range pages[:150] {
			if i%2 == 0 {
				busy.Go(page.Close)
			} else {
				busy.Go(page.Reset)
			}
		}
		busy.Wait()
		for _, page := range pages[150:] {
			page.WaitID(t, id(300))
		}
		require.True(t, e.Feeds.WaitWatching(ada, 50))
		require.NoError(t, e.Streams.Close())
		require.Zero(t, e.Feeds.Watching(ada))
		require.Zero(t, e.metric(t, "streams", ""))
		require.EqualValues(t, 200, e.metric(t, "closed_total", ""))
		require.Zero(t, e.metric(t, "pending_bytes", ""))
	})
}

// The limits hold when many ask at once, and say so in a way a client can act on.
func TestServer_Limits(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, start func(sse.Config) *edge) {
		e := start(sse.Config{PerBuyer: 3, PerNode: 5})
		var answers sync.Map
		var asking sync.WaitGroup
		for i := range 12 {
			path := "/acme/" + []string{"ada", "ben"}[i%2]
			asking.Go(func() {
				page := ssetest.Open(t, e.Addr, path, e.TLS)
				answers.Store(page, page.Response.StatusCode)
			})
		}
		asking.Wait()
		var opened []*ssetest.Client
		answers.Range(func(page, status any) bool {
			c := page.(*ssetest.Client)
			if status == 200 {
				opened = append(opened, c)
				return true
			}
			require.Equal(t, 429, status)
			require.Equal(t, "application/problem+json", c.Response.Header.Get("Content-Type"))
			require.NotEmpty(t, c.Response.Header.Get("Retry-After"))
			require.Contains(t, c.Body(t), "_limit")
			return true
		})
		require.Len(t, opened, 5)
		require.EqualValues(t, 7, e.metric(t, "refused_total", ""))
		opened[0].Close()
		e.eventually(t, "streams", "", 4)
		require.Eventually(t, func() bool { // either buyer may have the free place
			return ssetest.Open(t, e.Addr, "/acme/eve", e.TLS).Response.StatusCode == 200
		}, ssetest.Patience, time.Millisecond)
	})
}
