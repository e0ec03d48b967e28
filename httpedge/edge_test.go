package httpedge_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/leadwire/leadwire/httpedge/token"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The server's pool of workers and its clock for Date headers end by themselves, seconds later.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

var (
	noon     = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tokenKey = bytes.Repeat([]byte{7}, token.KeySize)
	anna     = domain.BuyerKey{Account: "acme", Buyer: "anna"}
	bert     = domain.BuyerKey{Account: "acme", Buyer: "bert"}
)

// edge is a running server with everything around it that a test can see.
type edge struct {
	*httpedge.Server
	addr   string
	url    string
	key    ed25519.PrivateKey
	leads  *leads
	store  *store
	stream *stream
	clock  *clock
	dir    *directory
	told   *told
	http   *http.Client
}

// start runs an edge on a port of its own until the test ends.
func start(t testing.TB, change ...func(*httpedge.Config, *httpedge.Deps)) *edge {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	e := &edge{
		key: private, leads: &leads{}, store: newStore(), stream: &stream{}, clock: &clock{now: noon}, told: &told{},
		dir:  &directory{now: domain.NewDirectory(catalog(public))},
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	reg := prometheus.NewRegistry()
	cfg := httpedge.Config{DrainGrace: -1}
	deps := httpedge.Deps{
		Leads: e.leads, Reader: e.store, Directory: e.dir.get, Stream: e.stream, Telemetry: e.told,
		Page:     func(ctx *fasthttp.RequestCtx) { ctx.SetBodyString("page of " + string(ctx.Path())) },
		Gatherer: reg, Registerer: reg, Clock: e.clock,
	}
	for _, f := range change {
		f(&cfg, &deps)
	}
	e.Server, err = httpedge.New(cfg, deps)
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	e.addr, e.url = ln.Addr().String(), "http://"+ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- e.Serve(ln) }()
	t.Cleanup(func() {
		e.http.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, e.Close(ctx)) // again, where the test did
		require.NoError(t, <-served)
	})
	return e
}

func catalog(public ed25519.PublicKey) domain.Catalog {
	listed := func(id string) []domain.Token { return []domain.Token{{ID: id, ExpiresAt: noon.Add(time.Hour)}} }
	return domain.Catalog{
		Sources: []domain.Source{{ID: "ghl", Kind: "ghl", PublicKeys: []string{signature.FormatEd25519(public)}, MaxBody: 64 << 10}},
		Accounts: []domain.Account{{
			ID: "acme", Locations: []domain.Location{{ID: "L", Source: "ghl", Campaign: "solar"}},
			Campaigns: []domain.Campaign{{ID: "solar", Method: "round_robin", Buyers: []domain.BuyerID{"anna", "bert"}}},
			Buyers:    []domain.Buyer{{ID: "anna", Tokens: listed("t1")}, {ID: "bert", Tokens: listed("t1")}},
		}},
	}
}

// contact is a good webhook.
func contact(id string) string {
	return fmt.Sprintf(`{"type":"ContactCreate","locationId":"L","id":%q,"webhookId":"w-%s","firstName":"Zoë"}`, id, id)
}

// post sends a webhook with a good signature.
func (e *edge) post(t testing.TB, body string) answer {
	t.Helper()
	return e.send(t, "POST", "/leads/webhook/ghl", body, signature.GHLHeader, signature.SignGHL(e.key, []byte(body)))
}

// request is a webhook with a good signature as bytes for a socket.
func (e *edge) request(body string) string {
	return fmt.Sprintf("POST /leads/webhook/ghl HTTP/1.1\r\nHost: x\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
		signature.GHLHeader, signature.SignGHL(e.key, []byte(body)), len(body), body)
}

// get reads as a buyer; a zero buyer sends no token.
func (e *edge) get(t testing.TB, path string, as domain.BuyerKey, headers ...string) answer {
	t.Helper()
	if as != (domain.BuyerKey{}) {
		headers = append(headers, "Authorization", "Bearer "+mint(as))
	}
	return e.send(t, "GET", path, "", headers...)
}

func mint(as domain.BuyerKey) string {
	return token.Mint(tokenKey, as, domain.Token{ID: "t1", ExpiresAt: noon.Add(time.Hour)})
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
	close  bool
}

// problem is the answer's body, which must be problem details.
func (a answer) problem(t testing.TB) (p struct {
	Type, Title, Detail, Code, Field, Rule string
	Status                                 int
}) {
	t.Helper()
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	require.NoError(t, json.Unmarshal([]byte(a.body), &p))
	require.Equal(t, a.status, p.Status)
	return p
}

func (e *edge) send(t testing.TB, method, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, e.url+path, strings.NewReader(body))
	require.NoError(t, err)
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	return e.do(t, r)
}

func (e *edge) do(t testing.TB, r *http.Request) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute) // a test that hangs says where
	defer cancel()
	resp, err := e.http.Do(r.WithContext(ctx))
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, string(text), resp.Close}
}

// metric reads a series from /metrics; the whole line but its value names it.
func (e *edge) metric(t testing.TB, series string) string {
	t.Helper()
	for line := range strings.Lines(e.get(t, "/metrics", domain.BuyerKey{}).body) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), series+" "); ok {
			return value
		}
	}
	return "absent"
}

// counted reads leadwire_ingest_requests_total of source ghl.
func (e *edge) counted(t testing.TB, scheme, outcome, reason string) string {
	t.Helper()
	return e.metric(t, fmt.Sprintf(`leadwire_ingest_requests_total{outcome=%q,reason=%q,scheme=%q,source="ghl"}`, outcome, reason, scheme))
}

// leads keeps events by their key, as the actors and the store behind them do.
type leads struct {
	mu     sync.Mutex
	events map[domain.EventID]domain.Event
	err    error                           // answered instead of keeping
	enter  func(ctx context.Context) error // called first; for tests that hold a webhook in flight
}

func (l *leads) Ingest(ctx context.Context, e domain.Event) (domain.Received, error) {
	l.mu.Lock()
	enter, err := l.enter, l.err
	l.mu.Unlock()
	if enter != nil {
		if err := enter(ctx); err != nil {
			return domain.Received{}, err
		}
	}
	if err != nil {
		return domain.Received{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.events[e.ID]; known {
		return domain.Received{Duplicate: true}, nil
	}
	if l.events == nil {
		l.events = map[domain.EventID]domain.Event{}
	}
	l.events[e.ID] = e
	return domain.Received{Seq: int64(len(l.events))}, nil
}

// hold has every later Ingest call enter first.
func (l *leads) hold(enter func(context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.enter = enter
}

func (l *leads) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *leads) kept() map[domain.EventID]domain.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[domain.EventID]domain.Event{}
	for id, e := range l.events {
		out[id] = e
	}
	return out
}

// store is a Reader over a few rows.
type store struct {
	mu    sync.Mutex
	rows  map[domain.BuyerKey][]domain.Lead // newest first
	heads map[domain.BuyerKey]domain.Head
	seen  map[string]domain.Seen
	back  domain.Backlog
	err   error
	reads int // of rows
	pings int
}

func newStore() *store {
	return &store{rows: map[domain.BuyerKey][]domain.Lead{}, heads: map[domain.BuyerKey]domain.Head{}, seen: map[string]domain.Seen{}}
}

func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// assign gives a buyer one more lead.
func (s *store) assign(to domain.BuyerKey, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seq := s.heads[to].Seq + 1
	s.heads[to] = domain.Head{Seq: seq}
	s.rows[to] = slices.Insert(s.rows[to], 0, domain.Lead{
		Account: to.Account, ID: domain.LeadID(id), State: domain.Assigned, Revision: 1, Campaign: "solar", Buyer: to.Buyer,
		Contact: json.RawMessage(`{"first_name":"Zoë"}`), Source: "ghl", AssignSeq: seq, LastSeq: seq,
		ReceivedAt: noon, AssignedAt: noon.Add(12345 * time.Microsecond), UpdatedAt: noon.Add(time.Second),
	})
}

func (s *store) BuyerLeads(_ context.Context, key domain.BuyerKey, before domain.Seq, limit int) ([]domain.Lead, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	var out []domain.Lead
	for _, l := range s.rows[key] {
		if (before == 0 || l.AssignSeq < before) && len(out) < limit {
			out = append(out, l)
		}
	}
	return out, s.err
}

func (s *store) Lead(_ context.Context, key domain.LeadKey) (domain.Lead, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return domain.Lead{}, s.err
	}
	for _, rows := range s.rows {
		for _, l := range rows {
			if l.Key() == key {
				return l, nil
			}
		}
	}
	return domain.Lead{}, domain.Fail("read lead", domain.NotFound, nil)
}

func (s *store) Heads(_ context.Context, keys []domain.BuyerKey) ([]domain.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []domain.Head
	for _, k := range keys {
		out = append(out, s.heads[k])
	}
	return out, s.err
}

func (s *store) RecordSeen(_ context.Context, seen []domain.Seen) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := 0
	for _, one := range seen {
		key := fmt.Sprintf("%s/%s/%d", one.Account, one.Buyer, one.Seq)
		if _, known := s.seen[key]; !known {
			s.seen[key] = one
			fresh++
		}
	}
	return fresh, s.err
}

func (s *store) Backlog(context.Context) (domain.Backlog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.back, s.err
}

func (s *store) Ping(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pings++
	return s.err
}

func (s *store) TokenKey(context.Context) ([]byte, error) { return tokenKey, nil }
func (s *store) Epoch() string                            { return "5f3a01cc" }

// stream says whom it was asked to serve.
type stream struct{}

func (*stream) Serve(ctx *fasthttp.RequestCtx, buyer domain.BuyerKey) {
	ctx.SetBodyString("stream of " + buyer.String())
}

// told remembers what telemetry learned.
type told struct {
	mu   sync.Mutex
	seen []domain.Seen
}

func (t *told) Seen(seen []domain.Seen) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = append(t.seen, seen...)
}

// clock moves only when a test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (*clock) AfterFunc(d time.Duration, f func()) domain.Timer { return time.AfterFunc(d, f) }

// directory is the catalog a test can replace.
type directory struct {
	mu  sync.Mutex
	now *domain.Directory
}

func (d *directory) get() *domain.Directory {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *directory) set(c domain.Catalog) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = domain.NewDirectory(c)
}
