package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"

	"github.com/leadwire/leadwire/actors"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/vault"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/leadwire/leadwire/httpedge/admin"
	"github.com/leadwire/leadwire/httpedge/apikey"
	"github.com/leadwire/leadwire/persistence/embedded"
	"github.com/leadwire/leadwire/persistence/postgres"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(besidePostgres{m},
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp/stackless.funcWorker"))
}

// besidePostgres stops the server that the tests started, if they did.
type besidePostgres struct{ m *testing.M }

func (b besidePostgres) Run() int { return pgtest.Main(b.m) }

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// world is the API on a real edge and a real store, with visitors who only keep what they are told.
type world struct {
	t        *testing.T
	url      string
	store    domain.Store
	book     *book
	visitors *visitors
	outgoing *outgoing
	cluster  *crew
	vault    *vault.Vault
	master   vault.Key
	clock    *clock
	registry *prometheus.Registry
	all      string // a key of the platform that may do everything
	acme     string // the same for one account, as far as an account can
}

// clock is where the test says that time is.
type clock struct {
	domain.SystemClock
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// book is the catalog as a node has it.
type book struct {
	store domain.Store
	mu    sync.Mutex
	dir   *domain.Directory
}

func (b *book) directory() *domain.Directory {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dir
}

func (b *book) Edit(ctx context.Context, expect int64, audit domain.AuditEntry, change func(*domain.Catalog) error) (int64, error) {
	revision, err := provision.Edit(ctx, b.store, expect, audit, change)
	if err != nil {
		return revision, err
	}
	c, err := b.store.Catalog(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dir = domain.NewDirectory(c)
	return revision, err
}

// visitors keeps hits by their key, as the actors and the store behind them do.
type visitors struct {
	mu    sync.Mutex
	hits  map[domain.EventID]domain.Hit
	calls int
	fails map[domain.VisitorID]error // answered instead of keeping its hits
}

func (v *visitors) Hits(_ context.Context, hits []domain.Hit) ([]domain.Received, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.fails[hits[0].Visitor]; err != nil {
		return nil, err
	}
	v.calls++
	out := make([]domain.Received, 0, len(hits))
	for _, h := range hits {
		if h.Visitor != hits[0].Visitor || h.Account != hits[0].Account {
			return nil, domain.Fail("keep hits", domain.Internal, nil)
		}
		if _, known := v.hits[h.ID]; known {
			out = append(out, domain.Received{Duplicate: true})
			continue
		}
		v.hits[h.ID] = h
		out = append(out, domain.Received{Seq: int64(len(v.hits))})
	}
	return out, nil
}

// graph says of every file but one that it is good.
type graph struct{}

func (graph) Check(_ context.Context, path string) (any, error) {
	if path == "/broken.lwg" {
		return nil, domain.Fail("open graph", domain.Invalid, io.ErrUnexpectedEOF)
	}
	return map[string]any{"path": path, "keys": 3}, nil
}

func (graph) Info() any { return nil }

// Collaborators that no route of the API uses.
type nobody struct{}

func (nobody) Ingest(context.Context, domain.Event) (domain.Received, error) {
	return domain.Received{}, nil
}
func (nobody) Serve(*fasthttp.RequestCtx, domain.BuyerKey) {}

func catalog() domain.Catalog {
	return domain.Catalog{Accounts: []domain.Account{
		{
			ID: "acme", Campaigns: []domain.Campaign{{ID: "solar", Method: domain.RoundRobin}},
			Pixels: []domain.Pixel{
				{ID: "shop", Origins: []string{"https://shop.example"}, Deny: []string{"/account/**"}},
				{ID: "rest", Origins: []string{"https://rest.example"}, Paused: true},
			},
			Shapes:    []domain.Shape{{ID: "own", Fields: map[string]string{"Who": "event.id"}}},
			Endpoints: []domain.Endpoint{{ID: "crm", URL: "https://crm.example/hook"}},
		},
		{
			ID: "rival", Pixels: []domain.Pixel{{ID: "theirs", Origins: []string{"https://rival.example"}}},
			Endpoints: []domain.Endpoint{{ID: "crm", URL: "https://crm.rival.example/hook"}},
		},
	}}
}

// onEachStore runs a story on both stores, each with a world of its own. Where there is no PostgreSQL that half is
// skipped, and says how to get it.
func onEachStore(t *testing.T, story func(t *testing.T, w *world)) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		story(t, newWorld(t, onEmbedded(t)))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		story(t, newWorld(t, onPostgres(t)))
	})
}

func onEmbedded(t *testing.T) domain.Store {
	t.Helper()
	store, err := embedded.Open(t.Context(), t.TempDir(), embedded.Options{})
	require.NoError(t, err)
	return store
}

func onPostgres(t *testing.T) domain.Store {
	t.Helper()
	url := pgtest.Copied(t, func(ctx context.Context, url string) error { return postgres.Migrate(ctx, url, postgres.Options{}) })
	store, err := postgres.Open(t.Context(), url, postgres.Options{})
	require.NoError(t, err)
	return store
}

func newWorld(t *testing.T, store domain.Store) *world {
	t.Helper()
	w := &world{t: t, store: store, visitors: &visitors{hits: map[domain.EventID]domain.Hit{}}, cluster: &crew{}, registry: prometheus.NewRegistry()}
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })
	_, err := w.store.ApplyCatalog(t.Context(), catalog())
	require.NoError(t, err)
	w.book = &book{store: w.store}
	_, err = w.book.Edit(t.Context(), -1, domain.AuditEntry{}, func(*domain.Catalog) error { return nil })
	require.NoError(t, err)
	now := &clock{now: noon}
	w.clock = now
	w.outgoing = &outgoing{Store: w.store, clock: now}
	w.master = vault.NewKey()
	w.vault, err = vault.New(w.master)
	require.NoError(t, err)
	api, err := admin.New(admin.Deps{
		Store: w.store, Directory: w.book.directory, Catalog: w.book, Visitors: w.visitors, Graph: graph{}, Cluster: w.cluster, Clock: now, Metrics: w.registry,
		Deliveries: w.outgoing, Sealer: sealer{w.vault}, Resealer: sealer{w.vault}, People: actors.Archive{Store: w.store, Clock: now},
	})
	require.NoError(t, err)
	server, err := httpedge.New(httpedge.Config{DrainGrace: -1}, httpedge.Deps{
		Leads: nobody{}, Reader: w.store, Admin: api, Directory: w.book.directory, Stream: nobody{}, Clock: now,
	})
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w.url = "http://" + ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, server.Close(ctx))
		require.NoError(t, <-served)
	})
	w.all = w.key("", apikey.Scopes()...)
	w.acme = w.key("acme", accountScopes()...)
	return w
}

// accountScopes are those that a key of one account can have.
func accountScopes() []apikey.Scope {
	var all []apikey.Scope
	for _, s := range apikey.Scopes() {
		if apikey.Check("acme", []string{string(s)}) == nil {
			all = append(all, s)
		}
	}
	return all
}

// key makes one in the store, a second before whoever asks next.
func (w *world) key(account domain.AccountID, scopes ...apikey.Scope) string {
	w.t.Helper()
	text, id, hash := apikey.New()
	k := domain.APIKey{ID: id, Account: account, Hash: hash, CreatedAt: noon}
	for _, s := range scopes {
		k.Scopes = append(k.Scopes, string(s))
	}
	require.NoError(w.t, w.store.CreateAPIKey(w.t.Context(), k, domain.AuditEntry{At: noon, Actor: "test", Action: "key.create"}))
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	w.clock.now = w.clock.now.Add(time.Second)
	return text
}

// counted reads counters of the API by one label, those at zero left out.
func (w *world) counted(metric, label string) map[string]float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	require.NoError(w.t, err)
	got, found := map[string]float64{}, false
	for _, f := range families {
		if f.GetName() != metric {
			continue
		}
		found = true
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if v := m.GetCounter().GetValue(); l.GetName() == label && v > 0 {
					got[l.GetValue()] += v
				}
			}
		}
	}
	require.True(w.t, found, metric)
	return got
}

// answer is what came back.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// into reads the body.
func (a answer) into(v any) answer {
	a.t.Helper()
	require.Less(a.t, a.status, 300, string(a.body))
	require.NoError(a.t, json.Unmarshal(a.body, v), string(a.body))
	return a
}

// refused checks a problem.
func (a answer) refused(status int, field, detail string) {
	a.t.Helper()
	require.Equal(a.t, status, a.status, string(a.body))
	require.Equal(a.t, "application/problem+json", a.header.Get("Content-Type"))
	var p struct{ Field, Detail string }
	require.NoError(a.t, json.Unmarshal(a.body, &p))
	require.Equal(a.t, field, p.Field, string(a.body))
	require.Contains(a.t, p.Detail, detail)
}

// call asks; header is pairs of name and value.
func (w *world) call(key, method, path string, body any, header ...string) answer {
	w.t.Helper()
	var from io.Reader = http.NoBody
	switch b := body.(type) {
	case nil:
	case string:
		from = bytes.NewReader([]byte(b))
	case io.Reader:
		from = b
	default:
		text, err := json.Marshal(b)
		require.NoError(w.t, err)
		from = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, from)
	require.NoError(w.t, err)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	require.NoError(w.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	return answer{w.t, response.StatusCode, response.Header, text}
}

// audit lists what was written down, newest first, as "actor action subject".
func (w *world) audit() []domain.AuditEntry {
	w.t.Helper()
	entries, err := w.store.Audit(w.t.Context(), "", 0, 1000)
	require.NoError(w.t, err)
	return entries
}
