package actortest

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/actors/vault"
)

// WithEndpoint adds an endpoint to the account "acme"; it has no secret until Node.Secret makes one.
func WithEndpoint(c domain.Catalog, id domain.EndpointID, change ...func(*domain.Endpoint)) domain.Catalog {
	e := domain.Endpoint{ID: id, URL: "https://" + string(id) + ".example/hook"}
	for _, f := range change {
		f(&e)
	}
	c.Accounts[0].Endpoints = append(c.Accounts[0].Endpoints, e)
	return c
}

// Receivers are the endpoints of "acme" as their owners run them.
type Receivers struct {
	clock *Clock
	mu    sync.Mutex
	got   map[domain.EndpointID][]Arrival
	plans map[domain.EndpointID][]domain.Sent
	while map[domain.EndpointID]func(context.Context)
}

// Arrival is one attempt as it arrived.
type Arrival struct {
	At      time.Time
	Event   string // webhook-id
	Headers domain.Header
	Body    string
}

// Receivers are the endpoints' other side. What they have received outlives a restart of the node.
func (n *Node) Receivers() *Receivers { return n.receivers }

// Answer plans the answers to the next attempts at an endpoint; after them every one is answered 200. A status of 0 is
// a connection that is refused.
func (r *Receivers) Answer(id domain.EndpointID, statuses ...int) {
	for _, status := range statuses {
		sent := domain.Sent{Status: status}
		switch {
		case status == 0:
			sent.Error, sent.Reason = domain.ErrorConnect, "connection refused"
		case status/100 != 2:
			sent.Error, sent.Reason = domain.ErrorStatus, http.StatusText(status)
		}
		r.Plan(id, sent)
	}
}

// Plan adds one answer to the plan.
func (r *Receivers) Plan(id domain.EndpointID, sent domain.Sent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plans[id] = append(r.plans[id], sent)
}

// While has something happen within the next attempt at an endpoint: it has arrived, and is not answered yet. It is not
// answered at all if the request's context has ended by then.
func (r *Receivers) While(id domain.EndpointID, do func(context.Context)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.while[id] = do
}

// Mend forgets what is still planned for an endpoint: every attempt is answered 200 from now on.
func (r *Receivers) Mend(id domain.EndpointID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.plans, id)
}

// Got lists what has arrived at an endpoint, failed attempts included.
func (r *Receivers) Got(id domain.EndpointID) []Arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got[id])
}

// Send makes it a domain.Sender. An attempt takes no time.
func (r *Receivers) Send(ctx context.Context, d domain.Dispatch) domain.Sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, now := d.Endpoint.Endpoint, r.clock.Now()
	r.got[id] = append(r.got[id], Arrival{At: now, Event: d.Header[signature.WebhookIDHeader][0], Headers: d.Header, Body: string(d.Body)})
	sent := domain.Sent{Status: http.StatusOK}
	if plan := r.plans[id]; len(plan) > 0 {
		sent, r.plans[id] = plan[0], plan[1:]
	}
	sent.At = now.UTC()
	if do := r.while[id]; do != nil {
		delete(r.while, id)
		r.mu.Unlock() // whatever it is may take more attempts
		defer r.mu.Lock()
		do(ctx)
		if ctx.Err() != nil {
			return domain.Sent{At: now.UTC(), Error: domain.ErrorStopped, Reason: "the event may have arrived"}
		}
	}
	return sent
}

// Secret makes an endpoint of "acme" a secret to sign with, in the place of those it has, and tells it.
func (n *Node) Secret(id domain.EndpointID) signature.WebhookKey {
	n.t.Helper()
	key := n.SecretUntold(id)
	n.Runtime.EndpointChanged(domain.EndpointKey{Account: "acme", Endpoint: id})
	n.Settle()
	return key
}

// SecretUntold is Secret by somebody who does not tell the endpoint: a command that changes the store.
func (n *Node) SecretUntold(id domain.EndpointID) signature.WebhookKey {
	n.t.Helper()
	key, err := signature.NewWebhookKey(domain.HMACSecret)
	require.NoError(n.t, err)
	endpoint := domain.EndpointKey{Account: "acme", Endpoint: id}
	sealed, err := n.vault.Seal([]byte(key.Reveal()), vault.AAD(endpoint, domain.HMACSecret, key.ID()))
	require.NoError(n.t, err)
	var before []string
	old, err := n.Store.Secrets(n.t.Context(), endpoint)
	require.NoError(n.t, err)
	for _, s := range old {
		before = append(before, s.ID)
	}
	require.NoError(n.t, n.Store.PutSecrets(n.t.Context(), endpoint, before, []domain.Secret{{
		ID: key.ID(), Kind: domain.HMACSecret, Sealed: sealed, CreatedAt: n.Clock.Now(), Endpoint: endpoint,
	}}, domain.AuditEntry{Account: "acme", At: n.Clock.Now(), Actor: "test", Action: "secret"}))
	return key
}

// Deliveries lists what was ever owed to an endpoint of "acme", oldest first.
func (n *Node) Deliveries(id domain.EndpointID) []domain.Delivery {
	n.t.Helper()
	list, err := n.Store.Deliveries(n.t.Context(), "acme", domain.DeliveryFilter{Endpoint: id}, 0, 1000)
	require.NoError(n.t, err)
	slices.Reverse(list)
	return list
}

// Receipts lists those of a delivery.
func (n *Node) Receipts(d domain.Delivery) []domain.Receipt {
	n.t.Helper()
	list, err := n.Store.Receipts(n.t.Context(), d.Account, d.N, 1000)
	require.NoError(n.t, err)
	return list
}
