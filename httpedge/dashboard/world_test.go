package dashboard_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/dashboard"
	"github.com/leadwire/leadwire/httpedge/sse"
	"github.com/leadwire/leadwire/httpedge/sse/ssetest"
)

// Most of these tests wait for a browser or a clock, so more of them run at a time than there are processors. fasthttp leaves two
// housekeepers asleep after Shutdown: they end by themselves, seconds later.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

const epoch = "5f3a01cc"

var ada = domain.BuyerKey{Account: "acme", Buyer: "ada"} //nolint:gochecknoglobals // a value

// world is one buyer's Leadwire: real streams and the real page, over feeds in memory and a pull that
// answers from them, behind a network that a test can break.
type world struct {
	t     *testing.T
	Feeds *ssetest.Feeds
	Net   *ssetest.Proxy
	URL   string // of the page, through Net
	node  *node

	mu         sync.Mutex
	home       domain.Owner // of ada; zero: there is one node
	others     []*second
	speechless int     // questions for the buyer's home that get no answer yet
	late       *second // what the next one is told, although the buyer has moved on
	signedOut  bool
	pulls      int // answered 200
	unchanged  int // answered 304
	seen       map[domain.Seq]seen
	repeats    int
}

type seen struct {
	Seq      domain.Seq `json:"seq"`
	Received time.Time  `json:"client_received_at"`
	Rendered time.Time  `json:"rendered_at"`
}

// node is one process that serves; a world may replace it.
type node struct {
	Streams *sse.Server
	server  *fasthttp.Server
	addr    string
	served  chan error
}

func newWorld(t *testing.T, config sse.Config) *world {
	t.Helper()
	w := &world{t: t, Feeds: ssetest.NewFeeds(), seen: map[domain.Seq]seen{}}
	w.node = w.start(config)
	var err error
	w.Net, err = ssetest.NewProxy(w.node.addr)
	require.NoError(t, err)
	w.URL = "http://" + w.Net.Addr() + "/"
	t.Cleanup(func() {
		w.Net.Close()
		w.node.stop(t)
	})
	return w
}

func (w *world) start(config sse.Config) *node {
	w.t.Helper()
	n := &node{served: make(chan error, 1)}
	streams, err := sse.New(config, sse.Deps{Feeds: w.Feeds, Epoch: epoch, Owner: func(domain.BuyerKey) domain.Owner { return w.homeFrom(n.addr) }})
	require.NoError(w.t, err)
	n.Streams = streams
	page := dashboard.Handler(w.nodes)
	n.server = &fasthttp.Server{Logger: quiet{}, Handler: func(ctx *fasthttp.RequestCtx) {
		switch path := string(ctx.Path()); {
		case !strings.HasPrefix(path, "/api/"):
			page(ctx)
		case path == "/api/buyer/stream":
			w.answerHome(ctx)
		case path == "/api/buyer/events" && ctx.QueryArgs().Has("ticket"):
			ctx.Response.Header.Set("Access-Control-Allow-Origin", strings.TrimSuffix(w.URL, "/"))
			streams.Serve(ctx, ada)
		case w.refused():
			ctx.SetStatusCode(fasthttp.StatusUnauthorized)
		case path == "/api/buyer/events":
			streams.Serve(ctx, ada)
		case path == "/api/buyer/leads":
			w.pull(ctx)
		case path == "/api/buyer/seen":
			w.report(ctx)
		}
	}}
	sse.Prepare(n.server)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(w.t, err)
	n.addr = listener.Addr().String()
	go func() { n.served <- n.server.Serve(listener) }()
	return n
}

// second is one more node, behind a network of its own, which is what browsers know it by.
type second struct {
	*node
	Net *ssetest.Proxy
	URL string
}

// beside starts one more node. Pages that are loaded from now on may open streams there.
func (w *world) beside(config sse.Config) *second {
	w.t.Helper()
	s := &second{node: w.start(config)}
	var err error
	s.Net, err = ssetest.NewProxy(s.addr)
	require.NoError(w.t, err)
	s.URL = "http://" + s.Net.Addr()
	w.mu.Lock()
	w.others = append(w.others, s)
	w.mu.Unlock()
	w.t.Cleanup(func() {
		s.Net.Close()
		s.stop(w.t)
	})
	return s
}

// move says that ada lives on another node now.
func (w *world) move(to *second) {
	w.mu.Lock()
	w.home = domain.Owner{Node: to.addr, URL: to.URL}
	others := slices.Clone(w.others)
	w.mu.Unlock()
	w.node.Streams.Moved()
	for _, s := range others {
		s.Streams.Moved()
	}
}

// misplace has the next n questions for the buyer's home fail or, the last of them, be told that nobody knows, and the one after
// them be told what was true before.
func (w *world) misplace(n int, late *second) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.speechless, w.late = n, late
}

func (w *world) homeFrom(addr string) domain.Owner {
	w.mu.Lock()
	defer w.mu.Unlock()
	home := w.home
	home.Local = home.Node == "" || home.Node == addr
	return home
}

func (w *world) nodes() (urls []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.others {
		urls = append(urls, s.URL)
	}
	return urls
}

// answerHome answers as GET /api/buyer/stream does.
func (w *world) answerHome(ctx *fasthttp.RequestCtx) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.speechless > 0 {
		if w.speechless--; w.speechless > 0 {
			ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		} else {
			ctx.SetBodyString(`{"local":false}`)
		}
		return
	}
	home := w.home
	if w.late != nil {
		home, w.late = domain.Owner{Node: w.late.addr, URL: w.late.URL}, nil
	}
	answer := map[string]any{"local": home.Node == ""}
	if home.URL != "" {
		answer["owner"], answer["url"] = home.Node, home.URL+"/api/buyer/events?ticket=t1"
	}
	body, err := json.Marshal(answer)
	if err != nil {
		ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
		return
	}
	ctx.SetBody(body)
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func (n *node) stop(t *testing.T) {
	require.NoError(t, n.Streams.Close())
	require.NoError(t, n.server.Shutdown())
	require.NoError(t, <-n.served)
}

// restart kills the node with everything on it and starts another where the network now leads.
func (w *world) restart(config sse.Config) {
	w.Net.Down()
	w.node.stop(w.t)
	w.node = w.start(config)
	w.Net.Retarget(w.node.addr)
	w.Net.Up()
}

func (w *world) SignOut(out bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.signedOut = out
}

func (w *world) refused() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.signedOut
}

// Pulls says how many pulls were answered with a page, and how many with "unchanged".
func (w *world) Pulls() (pages, unchanged int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pulls, w.unchanged
}

// Seen waits for n reports.
func (w *world) Seen(n int) map[domain.Seq]seen {
	w.t.Helper()
	var all map[domain.Seq]seen
	require.Eventually(w.t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		all = maps.Clone(w.seen)
		return len(all) >= n
	}, ssetest.Patience, 10*time.Millisecond, "%d reports", n)
	return all
}

const pageSize = 200

// pull answers as GET /api/buyer/leads does: newest assignment first, with the head as the ETag.
func (w *world) pull(ctx *fasthttp.RequestCtx) {
	events := w.Feeds.Events(ada)
	head := fmt.Sprintf("%s-%d", epoch, w.Feeds.Head(ada))
	tag := `"` + head + `"`
	ctx.Response.Header.Set("ETag", tag)
	ctx.Response.Header.Set("Leadwire-Now", time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00"))
	w.mu.Lock()
	defer w.mu.Unlock()
	if string(ctx.Request.Header.Peek("If-None-Match")) == tag {
		w.unchanged++
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	w.pulls++
	rows := rowsOf(events)
	answer := map[string]any{"head": head, "leads": rows[:min(len(rows), pageSize)]}
	if len(rows) > pageSize {
		answer["next_cursor"] = "more"
	}
	body, err := json.Marshal(answer)
	if err != nil {
		ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(body)
}

type row struct {
	ID       domain.LeadID     `json:"id"`
	Campaign domain.CampaignID `json:"campaign"`
	Source   domain.SourceID   `json:"source"`
	Contact  json.RawMessage   `json:"contact"`
	Received time.Time         `json:"received_at"`
	Assigned domain.Seq        `json:"assign_seq"`
	Last     domain.Seq        `json:"last_seq"`
}

func rowsOf(events []domain.FeedEvent) []row {
	rows := []row{}
	at := map[domain.LeadID]int{}
	for _, e := range events {
		i, known := at[e.Lead]
		if !known {
			i = len(rows)
			at[e.Lead] = i
			rows = append(rows, row{ID: e.Lead, Campaign: e.Campaign, Source: e.Source, Received: e.ReceivedAt, Assigned: e.Seq})
		}
		rows[i].Contact, rows[i].Last = e.Contact, e.Seq
	}
	for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
		rows[i], rows[j] = rows[j], rows[i]
	}
	return rows
}

func (w *world) report(ctx *fasthttp.RequestCtx) {
	var batch []seen
	if err := json.Unmarshal(ctx.PostBody(), &batch); err != nil {
		ctx.Error(err.Error(), fasthttp.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range batch {
		if _, again := w.seen[s.Seq]; again {
			w.repeats++
		}
		w.seen[s.Seq] = s
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
}

func lead(n int, contact domain.Contact) domain.FeedEvent {
	now := time.Now()
	return domain.FeedEvent{
		Type: domain.LeadAssigned, Lead: domain.LeadID(fmt.Sprintf("ghl-%d", n)), Campaign: "solar", Source: "ghl",
		Contact: contact.JSON(), ReceivedAt: now, DecidedAt: now, CommittedAt: now,
	}
}

func person(n int) domain.FeedEvent {
	return lead(n, domain.Contact{
		FirstName: "Person", LastName: fmt.Sprint(n), Email: fmt.Sprintf("person%d@example.com", n),
		Phone: fmt.Sprintf("+1202555%04d", n), City: "Austin", State: "TX", PostalCode: "73301", Channel: "facebook",
	})
}

func people(from, to int) (all []domain.FeedEvent) {
	for n := from; n <= to; n++ {
		all = append(all, person(n))
	}
	return all
}
