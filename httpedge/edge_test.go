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
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// Its compressor's workers stay, one for each processor.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp/stackless.funcWorker"))
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
	seen   *visitors
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
		key: private, leads: &leads{}, seen: &visitors{}, store: newStore(), stream: &stream{}, clock: &clock{now: noon}, told: &told{},
		dir:  &directory{now: domain.NewDirectory(catalog(public))},
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	reg := prometheus.NewRegistry()
	cfg := httpedge.Config{DrainGrace: -1}
	deps := httpedge.Deps{
		Leads: e.leads, Visitors: e.seen, Reader: e.store, Directory: e.dir.get, Stream: e.stream, Telemetry: e.told,
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
			Pixels:    pixels(),
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
