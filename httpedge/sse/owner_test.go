package sse_test

import (
	"net"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/sse"
	"github.com/leadwire/leadwire/httpedge/sse/ssetest"
)

// homes is where buyers live, as a test says.
type homes struct {
	mu sync.Mutex
	at map[domain.BuyerKey]domain.Owner
}

func (h *homes) Owner(key domain.BuyerKey) domain.Owner {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at[key]
}

func (h *homes) set(key domain.BuyerKey, o domain.Owner) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at[key] = o
}

// startBeside starts an edge of a node that has others beside it.
func startBeside(t *testing.T, h *homes) *edge {
	t.Helper()
	e := &edge{Feeds: ssetest.NewFeeds(), metrics: prometheus.NewRegistry()}
	var err error
	e.Streams, err = sse.New(sse.Config{}, sse.Deps{Feeds: e.Feeds, Owner: h.Owner, Epoch: epoch, Metrics: e.metrics})
	require.NoError(t, err)
	server := &fasthttp.Server{Logger: quiet{}, Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.Response.Header.Set("Leadwire-Owner", "10.0.0.1:7100")
		ctx.Response.Header.Set("Access-Control-Allow-Origin", "https://two.example.com")
		ctx.Response.Header.Set("X-Other", "not for streams")
		e.Streams.Serve(ctx, buyerOf(string(ctx.Path())))
	}}
	sse.Prepare(server)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	e.Addr = listener.Addr().String()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, e.Streams.Close())
		require.NoError(t, server.Shutdown())
		require.NoError(t, <-served)
	})
	return e
}

// Streams are told when their buyer has moved to another node that browsers reach: once, and those only whose buyer it is.
// The hint moves nobody's place, and the stream goes on.
func TestMoved_TellsTheStreamsOfTheBuyer(t *testing.T) {
	t.Parallel()
	bob := domain.BuyerKey{Account: "acme", Buyer: "bob"}
	here := domain.Owner{Node: "10.0.0.1:7100", URL: "https://one.example.com", Local: true}
	h := &homes{at: map[domain.BuyerKey]domain.Owner{ada: here, bob: here}}
	e := startBeside(t, h)
	adas, bobs := e.dial(t, "/acme/ada"), e.dial(t, "/acme/bob")
	require.Equal(t, "10.0.0.1:7100", adas.Response.Header.Get("Leadwire-Owner"))
	require.Equal(t, "https://two.example.com", adas.Response.Header.Get("Access-Control-Allow-Origin"))
	require.Empty(t, adas.Response.Header.Get("X-Other"))
	adas.WaitID(t, epoch+"-0")
	bobs.WaitID(t, epoch+"-0")

	e.Streams.Moved() // nothing has
	h.set(ada, domain.Owner{Node: "10.0.0.2:7100", URL: "https://two.example.com"})
	e.Streams.Moved()
	e.Streams.Moved()
	h.set(ada, domain.Owner{Node: "10.0.0.3:7100"}) // no browser gets there
	e.Streams.Moved()
	h.set(ada, domain.Owner{}) // between two owners
	e.Streams.Moved()
	h.set(ada, here) // the stream is where its buyer is
	e.Streams.Moved()
	for _, key := range []domain.BuyerKey{ada, bob} {
		e.Feeds.Publish(key, domain.FeedEvent{Type: domain.LeadAssigned, Lead: "l1"})
	}
	p := adas.WaitID(t, epoch+"-1")
	require.Equal(t, 1, p.Of("owner"))
	for _, event := range p.Feed() {
		if event.Type == "owner" {
			require.JSONEq(t, `{"owner":"10.0.0.2:7100"}`, event.Data)
			require.Equal(t, epoch+"-0", event.ID, "the place is what it was")
		}
	}
	q := bobs.WaitID(t, epoch+"-1")
	require.Zero(t, q.Of("owner"))
	require.InDelta(t, 1, e.metric(t, "owner_hints_total", ""), 0)
}

// Who was sent here by a ticket comes because its buyer lived here, and is told at once when it does not any more. Who came without
// one has asked, and is here because it does not get there: telling it would send it to and fro.
func TestMoved_TellsWhoComesTooLate(t *testing.T) {
	t.Parallel()
	here := domain.Owner{Node: "10.0.0.1:7100", URL: "https://one.example.com", Local: true}
	two := domain.Owner{Node: "10.0.0.2:7100", URL: "https://two.example.com"}
	for name, row := range map[string]struct {
		path  string
		lives domain.Owner
		told  int
	}{
		"sent here, and its buyer has gone on":        {"/acme/ada?ticket=lwt1.x", two, 1},
		"sent here, where its buyer lives":            {"/acme/ada?ticket=lwt1.x", here, 0},
		"sent here, and no browser gets to its buyer": {"/acme/ada?ticket=lwt1.x", domain.Owner{Node: "10.0.0.3:7100"}, 0},
		"sent here, and its buyer is nowhere":         {"/acme/ada?ticket=lwt1.x", domain.Owner{}, 0},
		"came by itself":                              {"/acme/ada", two, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := startBeside(t, &homes{at: map[domain.BuyerKey]domain.Owner{ada: row.lives}})
			page := e.dial(t, row.path)
			page.WaitID(t, epoch+"-0")
			e.Streams.Moved() // nothing has: who was told is not told again
			e.Feeds.Publish(ada, domain.FeedEvent{Type: domain.LeadAssigned, Lead: "l1"})
			p := page.WaitID(t, epoch+"-1")
			require.Equal(t, row.told, p.Of("owner"))
		})
	}
}
