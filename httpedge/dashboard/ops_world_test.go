package dashboard_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/leadwire/leadwire/actors"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/leadwire/leadwire/httpedge/admin"
	"github.com/leadwire/leadwire/httpedge/apikey"
	"github.com/leadwire/leadwire/httpedge/dashboard"
	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
	"github.com/leadwire/leadwire/httpedge/sse/ssetest"
	"github.com/leadwire/leadwire/persistence/embedded"
)

// station is what an operator looks at: the real edge with the real API and keys, on a store that may go away, of a node
// whose cluster stands as the test says, behind a network that a test can break.
type station struct {
	t       *testing.T
	Net     *ssetest.Proxy
	URL     string // of the page, through Net
	store   *fragile
	cluster *shown
}

func newStation(t *testing.T, standing cluster.Standing) *station {
	t.Helper()
	s := &station{t: t, cluster: &shown{as: standing}}
	store, err := embedded.Open(t.Context(), t.TempDir(), embedded.Options{})
	require.NoError(t, err)
	s.store = &fragile{Store: store}
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	directory := domain.NewDirectory(domain.Catalog{})
	api, err := admin.New(admin.Deps{
		Store: s.store, Directory: func() *domain.Directory { return directory }, Catalog: unused{s.store},
		People: actors.Archive{Store: store, Clock: domain.SystemClock{}}, Cluster: s.cluster,
	})
	require.NoError(t, err)
	edge, err := httpedge.New(httpedge.Config{DrainGrace: -1}, httpedge.Deps{
		Leads: unused{}, Reader: s.store, Admin: api, Directory: func() *domain.Directory { return directory }, Stream: unused{},
		Page: dashboard.Handler(nil),
	})
	require.NoError(t, err)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- edge.Serve(listener) }()
	s.Net, err = ssetest.NewProxy(listener.Addr().String())
	require.NoError(t, err)
	s.URL = "http://" + s.Net.Addr() + "/ops"
	t.Cleanup(func() {
		s.Net.Close()
		ctx, cancel := context.WithTimeout(context.Background(), ssetest.Patience)
		defer cancel()
		require.NoError(t, edge.Close(ctx))
		require.NoError(t, <-served)
	})
	return s
}

// key makes one in the store. Nobody may have asked yet: the list is read once a second.
func (s *station) key(valid time.Duration, scopes ...apikey.Scope) (text, id string) {
	s.t.Helper()
	text, id, hash := apikey.New()
	k := domain.APIKey{ID: id, Hash: hash, CreatedAt: time.Now()}
	if valid != 0 {
		k.ExpiresAt = time.Now().Add(valid)
	}
	for _, scope := range scopes {
		k.Scopes = append(k.Scopes, string(scope))
	}
	require.NoError(s.t, s.store.CreateAPIKey(s.t.Context(), k, domain.AuditEntry{At: time.Now(), Actor: "test", Action: "key.create"}))
	return text, id
}

// enter opens the page and types a key.
func (s *station) enter(p *browser.Page, key string) {
	s.t.Helper()
	require.Equal(s.t, 200, p.Goto(s.URL))
	p.WaitState("no-key")
	typeKey(p, key)
}

func typeKey(p *browser.Page, key string) {
	p.Wait(`document.activeElement?.id === 'key'`)
	p.Type(key)
	p.Press("Enter")
}

// shown is a cluster as the test says that it stands.
type shown struct {
	mu sync.Mutex
	as cluster.Standing
}

func (c *shown) Standing() any { return c.now() }

func (c *shown) now() cluster.Standing {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.as
}

// Show makes it stand otherwise from now on.
func (c *shown) Show(s cluster.Standing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.as = s
}

func (*shown) Withdraw(context.Context) error { return nil }
func (*shown) Return(context.Context) error   { return nil }
func (*shown) Leave()                         {}

// fragile is a store that does not answer while it is away.
type fragile struct {
	domain.Store

	away atomic.Bool
}

var errAway = errors.New("the store is away")

func (f *fragile) Ping(ctx context.Context) error {
	if f.away.Load() {
		return errAway
	}
	return f.Store.Ping(ctx)
}

func (f *fragile) APIKeys(ctx context.Context) ([]domain.APIKey, error) {
	if f.away.Load() {
		return nil, errAway
	}
	return f.Store.APIKeys(ctx)
}

// unused is collaborators that the page has no part in.
type unused struct{ store domain.Store }

func (unused) Ingest(context.Context, domain.Event) (domain.Received, error) {
	return domain.Received{}, nil
}
func (unused) Serve(*fasthttp.RequestCtx, domain.BuyerKey) {}

func (u unused) Edit(ctx context.Context, expect int64, audit domain.AuditEntry, change func(*domain.Catalog) error) (int64, error) {
	return provision.Edit(ctx, u.store, expect, audit, change)
}
