package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/vault"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/httpedge/admin"
	"github.com/leadwire/leadwire/httpedge/apikey"
)

type resealAnswer struct {
	Key       string
	Kept      int
	Endpoints []struct {
		Account, Endpoint string
		Resealed, Failed  []struct{ ID, By, Error string }
	}
	NextCursor string `json:"next_cursor"`
}

func (a resealAnswer) words() (all []string) {
	for _, e := range a.Endpoints {
		all = append(all, fmt.Sprintf("%s/%s %d %d", e.Account, e.Endpoint, len(e.Resealed), len(e.Failed)))
	}
	return all
}

// With a new master key everything that the old one has sealed is sealed with it, once; what neither opens stays, and is told.
func TestReseal(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		crm, theirs := domain.EndpointKey{Account: "acme", Endpoint: "crm"}, domain.EndpointKey{Account: "rival", Endpoint: "crm"}
		w.call(w.acme, "POST", "/api/v1/endpoints/crm/secrets", `{"kind":"hmac"}`).into(new(struct{}))
		w.call(w.acme, "POST", "/api/v1/endpoints/crm/secrets", `{"kind":"bearer","value":"s3cr3t"}`).into(new(struct{}))
		w.call(w.all, "POST", "/api/v1/endpoints/crm/secrets?account=rival", `{"kind":"ed25519"}`).into(new(struct{}))
		stranger, err := vault.New(vault.NewKey())
		require.NoError(t, err)
		sealed, err := stranger.Seal([]byte("lost"), vault.AAD(theirs, domain.BasicSecret, "cr_lost"))
		require.NoError(t, err)
		own, err := w.store.Secrets(t.Context(), theirs)
		require.NoError(t, err)
		require.NoError(t, w.store.PutSecrets(t.Context(), theirs, []string{own[0].ID}, append(own, domain.Secret{
			ID: "cr_lost", Kind: domain.BasicSecret, Sealed: sealed, CreatedAt: noon, Endpoint: theirs,
		}), domain.AuditEntry{At: noon, Actor: "test", Action: "x"}))
		before := w.opened(crm)

		current := vault.NewKey()
		next, err := vault.New(current, w.master)
		require.NoError(t, err)
		ask := func(query string) (got resealAnswer) {
			t.Helper()
			a := w.local(w.resealing(w.store, next), "/api/v1/secrets/reseal"+query)
			require.NotContains(t, string(a.body), "s3cr3t")
			a.into(&got)
			require.Equal(t, current.ID(), got.Key)
			require.Empty(t, got.NextCursor)
			return got
		}
		written := len(w.audit())
		both := []string{"acme/crm 2 0", "rival/crm 1 1"}
		require.Equal(t, both, ask("?dry_run=true").words())
		require.Equal(t, both, ask("?dry_run=true").words(), "nothing has changed")
		require.Len(t, w.audit(), written)

		got := ask("")
		require.Equal(t, both, got.words())
		require.Equal(t, w.master.ID(), got.Endpoints[0].Resealed[0].By)
		require.Equal(t, stranger.Current(), got.Endpoints[1].Failed[0].By)
		require.Contains(t, got.Endpoints[1].Failed[0].Error, "not among those given")
		entries := w.audit()
		require.Len(t, entries, written+2)
		require.Equal(t, "endpoint.reseal endpoint crm 2 with key "+current.ID(), entries[1].Action+" "+entries[1].Subject+" "+entries[1].Detail)

		again := ask("")
		require.Equal(t, []string{"rival/crm 0 1"}, again.words())
		require.Equal(t, 3, again.Kept)
		w.vault, err = vault.New(current)
		require.NoError(t, err)
		require.Equal(t, before, w.opened(crm), "the old key is needed no more")
	})
}

// A call does a hundred endpoints, and says where the next one begins. A secret that is replaced meanwhile is not lost.
func TestReseal_GoesOn(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		const many = 130
		for n := range many {
			key := domain.EndpointKey{Account: "acme", Endpoint: domain.EndpointID(fmt.Sprintf("e-%03d", n))}
			w.put(key, "wk_1", "old")
		}
		next, err := vault.New(vault.NewKey(), w.master)
		require.NoError(t, err)
		raced := domain.EndpointKey{Account: "acme", Endpoint: "e-007"}
		store := &racing{Store: w.store, meanwhile: func() { w.put(raced, "wk_2", "new") }}
		api := w.resealing(store, next)
		var first, second resealAnswer
		w.local(api, "/api/v1/secrets/reseal").into(&first)
		require.Len(t, first.Endpoints, 100)
		require.Equal(t, "acme/e-099", first.NextCursor)
		w.local(api, "/api/v1/secrets/reseal?cursor=acme/e-099").into(&second)
		require.Len(t, second.Endpoints, 30)
		require.Empty(t, second.NextCursor)
		w.vault = next
		require.Equal(t, []string{"hmac new"}, w.opened(raced))

		store.fails = errors.New("no disk")
		require.Equal(t, 500, w.local(api, "/api/v1/secrets/reseal?dry_run=true").status)
		w.local(api, "/api/v1/secrets/reseal?dry_run=perhaps").refused(400, "dry_run", "true or false")
		w.local(api, "/api/v1/secrets/reseal?cursor=acme").refused(400, "cursor", "next_cursor")
		w.offline("POST", "/api/v1/secrets/reseal", "").refused(503, "", "needs a master key")
	})
}

// Only the platform's keys may ask, with a scope of its own.
func TestReseal_IsThePlatforms(t *testing.T) {
	t.Parallel()
	require.Error(t, apikey.Check("acme", []string{string(apikey.SecretsReseal)}))
	require.NoError(t, apikey.Check("", []string{string(apikey.SecretsReseal)}))
	w := newWorld(t, onEmbedded(t))
	w.call(w.acme, "POST", "/api/v1/secrets/reseal", nil).refused(403, "", "secrets:reseal")
	require.Equal(t, http.StatusOK, w.call(w.all, "POST", "/api/v1/secrets/reseal", nil).status)
}

func (s sealer) Key() string { return s.vault.Current() }

func (s sealer) Reseal(one domain.Secret) (by string, sealed []byte, err error) {
	sealed, err = s.vault.Reseal(one.Sealed, vault.AAD(one.Endpoint, one.Kind, one.ID))
	return vault.SealedBy(one.Sealed), sealed, err
}

// resealing is the API with another master key.
func (w *world) resealing(store admin.Store, v *vault.Vault) *admin.API {
	w.t.Helper()
	api, err := admin.New(admin.Deps{
		Store: store, Directory: w.book.directory, Catalog: w.book, People: actors.Archive{Store: w.store, Clock: w.clock}, Resealer: sealer{v}, Clock: w.clock,
	})
	require.NoError(w.t, err)
	return api
}

// local posts to it as a command does.
func (w *world) local(api *admin.API, path string) answer {
	w.t.Helper()
	recorder := httptest.NewRecorder()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, path, http.NoBody)
	require.NoError(w.t, err)
	control.API(api).ServeHTTP(recorder, request)
	return answer{w.t, recorder.Code, recorder.Header(), recorder.Body.Bytes()}
}

// put gives an endpoint one secret to sign with, in the place of those it has.
func (w *world) put(key domain.EndpointKey, id, plain string) {
	w.t.Helper()
	sealed, err := w.vault.Seal([]byte(plain), vault.AAD(key, domain.HMACSecret, id))
	require.NoError(w.t, err)
	old, err := w.store.Secrets(w.t.Context(), key)
	require.NoError(w.t, err)
	var expect []string
	for _, s := range old {
		expect = append(expect, s.ID)
	}
	require.NoError(w.t, w.store.PutSecrets(w.t.Context(), key, expect, []domain.Secret{{ID: id, Kind: domain.HMACSecret, Sealed: sealed, CreatedAt: noon, Endpoint: key}},
		domain.AuditEntry{At: noon, Actor: "test", Action: "x"}))
}

// racing changes secrets between their being read and written, once.
type racing struct {
	domain.Store

	meanwhile func()
	fails     error
}

func (r *racing) AllSecrets(ctx context.Context) ([]domain.Secret, error) {
	if r.fails != nil {
		return nil, r.fails
	}
	all, err := r.Store.AllSecrets(ctx)
	if r.meanwhile != nil {
		r.meanwhile()
		r.meanwhile = nil
	}
	return all, err
}
