package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors"
	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/vault"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/httpedge/admin"
)

// outgoing is what the actors do with deliveries, as far as the API can tell: the store's part, and that endpoints are
// told.
type outgoing struct {
	domain.Store
	clock *clock
	mu    sync.Mutex
	told  []domain.EndpointKey
	sent  domain.Sent // what comes of a test,
	lost  error       // and why its receipt is not kept
}

func (o *outgoing) Replay(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Delivery, error) {
	return o.Store.Replay(ctx, account, n, o.clock.Now(), audit)
}

func (o *outgoing) Hasten(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Delivery, error) {
	return o.Store.Hasten(ctx, account, n, o.clock.Now(), audit)
}

func (o *outgoing) Cancel(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Delivery, error) {
	return o.Store.Cancel(ctx, account, n, o.clock.Now(), audit)
}

func (o *outgoing) StartReplay(ctx context.Context, key domain.EndpointKey, f domain.ReplayFilter, audit domain.AuditEntry) (domain.Replay, error) {
	return o.Store.StartReplay(ctx, domain.Replay{Account: key.Account, Endpoint: key.Endpoint, Filter: f, MadeAt: o.clock.Now(), By: audit.Actor}, audit)
}

func (o *outgoing) CancelReplay(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Replay, error) {
	return o.Store.CancelReplay(ctx, account, n, o.clock.Now(), audit)
}

func (o *outgoing) EndpointChanged(key domain.EndpointKey) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = append(o.told, key)
}

func (o *outgoing) TestEndpoint(ctx context.Context, key domain.EndpointKey, audit domain.AuditEntry) (domain.Tested, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lost != nil {
		return domain.Tested{Sent: o.sent, Unkept: o.lost}, nil
	}
	said, err := delivery.TestEnvelope(key.Account, "ev-test", o.sent.At, domain.Owed{Endpoint: key.Endpoint, Partition: 7})
	if err != nil {
		return domain.Tested{}, err
	}
	r := o.sent.Receipt()
	r.Number, r.Trigger, r.ScheduledAt, r.SecretID, r.Revision = 1, domain.TriggerTest, said.At, "wk_1", 1
	d, err := o.Store.KeepTest(ctx, said, r, audit)
	return domain.Tested{Sent: o.sent, Delivery: d.N}, err
}

type sealer struct{ vault *vault.Vault }

func (s sealer) Seal(endpoint domain.EndpointKey, kind domain.SecretKind, id string, plain []byte) ([]byte, error) {
	return s.vault.Seal(plain, vault.AAD(endpoint, kind, id))
}

// worn is a master key that seals nothing.
type worn struct{}

func (worn) Seal(domain.EndpointKey, domain.SecretKind, string, []byte) ([]byte, error) {
	return nil, errors.New("no randomness")
}

// opened are an endpoint's secrets as the actors read them, newest first.
func (w *world) opened(key domain.EndpointKey) (all []string) {
	w.t.Helper()
	secrets, err := w.store.Secrets(w.t.Context(), key)
	require.NoError(w.t, err)
	for _, s := range secrets {
		plain, err := w.vault.Open(s.Sealed, vault.AAD(key, s.Kind, s.ID))
		require.NoError(w.t, err)
		all = append(all, string(s.Kind)+" "+string(plain))
	}
	return all
}

// after moves the clock.
func (w *world) after(d time.Duration) {
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	w.clock.now = w.clock.now.Add(d)
}

// owe announces something of a lead to endpoints of acme.
func (w *world) owe(fence domain.Fence, event, lead string, to ...domain.EndpointID) []domain.Delivery {
	w.t.Helper()
	a := domain.Announcement{
		ID: domain.EventID(event), Account: "acme", Type: domain.LeadReceivedEvent, Lead: domain.LeadID(lead), At: noon,
		Payload: json.RawMessage(fmt.Sprintf(`{"id":%q}`, event)),
	}
	for _, id := range to {
		a.Owed = append(a.Owed, domain.Owed{Endpoint: id, Partition: fence.Partition, Class: domain.ClassFirst})
	}
	w.lead(fence, lead, "", "", a)
	list, err := w.store.Deliveries(w.t.Context(), "acme", domain.DeliveryFilter{Event: a.ID}, 0, 10)
	require.NoError(w.t, err)
	require.Len(w.t, list, len(to))
	return list
}

// attempt records one that began a second after noon and took 40 ms: 200, or 503 when it is to be tried again.
func (w *world) attempt(fence domain.Fence, d domain.Delivery, next time.Time, disable string) {
	w.t.Helper()
	a := domain.Attempted{
		Fence: fence, Key: d.Key(), Delivery: d.N, Lead: d.Lead, Expect: d.Revision, State: domain.DeliveryDelivered, Disable: disable,
		Receipt: domain.Receipt{
			Delivery: d.N, Number: d.Attempts + 1, Trigger: domain.TriggerFirst, ScheduledAt: noon, At: noon.Add(time.Second), Status: 200, Reason: "200 OK",
			Phases: domain.Phases{Queue: time.Second, First: 30 * time.Millisecond, Total: 40 * time.Millisecond},
			Header: domain.Header{"Content-Type": {"text/plain"}}, Body: []byte("thanks\xff"), Address: "192.0.2.1:443", SecretID: "wk_1", Revision: 1,
		},
	}
	if !next.IsZero() {
		a.State, a.NextAt, a.Class, a.ReleaseAt = domain.DeliveryPending, next, domain.ClassRetry, noon.Add(15*time.Minute)
		a.Receipt.Status, a.Receipt.Error, a.Receipt.Reason, a.Receipt.NextAt = 503, domain.ErrorStatus, "503 Service Unavailable", next
	}
	got, err := w.store.RecordAttempt(w.t.Context(), a)
	require.NoError(w.t, err)
	require.Equal(w.t, domain.Done, got.Outcome)
}

// offline asks the API over the same store, where no node runs and no master key is.
func (w *world) offline(method, path, body string) answer {
	w.t.Helper()
	return w.withoutNode(nil, method, path, body)
}

func (w *world) withoutNode(s admin.Sealer, method, path, body string) answer {
	w.t.Helper()
	api, err := admin.New(admin.Deps{
		Store: w.store, Directory: w.book.directory, Catalog: w.book, Sealer: s, Clock: w.clock, People: actors.Archive{Store: w.store, Clock: w.clock},
	})
	require.NoError(w.t, err)
	recorder := httptest.NewRecorder()
	request, err := http.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body))
	require.NoError(w.t, err)
	control.API(api).ServeHTTP(recorder, request)
	return answer{w.t, recorder.Code, recorder.Header(), recorder.Body.Bytes()}
}

// secretID is the id of an endpoint's only secret.
func (w *world) secretID(key domain.EndpointKey) string {
	w.t.Helper()
	secrets, err := w.store.Secrets(w.t.Context(), key)
	require.NoError(w.t, err)
	require.Len(w.t, secrets, 1)
	return secrets[0].ID
}
