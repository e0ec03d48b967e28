package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/actors/vault"
)

// customer is an endpoint as its owner runs it: it verifies what comes, sometimes says that it is not well, and
// remembers what it took.
type customer struct {
	t      *testing.T
	server *httptest.Server
	key    signature.WebhookKey
	batch  string // what it asks for, in a catalog; "": each event alone

	mu      sync.Mutex
	moody   int                 // of so many requests one is answered 503; 0: none
	batches int                 // it took
	taken   map[string][]string // by lead, the ids of the events that were answered 204, as they came
}

func newCustomer(t *testing.T) *customer {
	c := &customer{t: t, moody: 5, taken: map[string][]string{}}
	c.server = httptest.NewServer(c)
	t.Cleanup(c.server.Close)
	return c
}

func (c *customer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the node was killed within it
	}
	id := r.Header.Get(signature.WebhookIDHeader)
	if err := signature.VerifyWebhook(signature.Webhook{
		ID: id, Timestamp: r.Header.Get(signature.WebhookTimestampHeader), Signature: r.Header.Get(signature.WebhookSignatureHeader), Body: body,
	}, time.Now(), c.key); err != nil {
		c.t.Errorf("what came is not signed: %v", err)
	}
	events, err := readEvents(id, body)
	if err != nil {
		c.t.Errorf("what came is no envelope: %v", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.moody > 0 && rand.IntN(c.moody) == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if r.Header.Get("leadwire-batch") != "" {
		c.batches++
	}
	for _, e := range events {
		c.taken[e.lead] = append(c.taken[e.lead], e.id)
	}
	w.WriteHeader(http.StatusNoContent)
}

type cameEvent struct{ id, lead string }

// readEvents are those of a request: of a batch each with its own id, else the one under the request's.
func readEvents(id string, body []byte) ([]cameEvent, error) {
	type envelope struct {
		Lead struct {
			ID string `json:"id"`
		} `json:"lead"`
	}
	var request struct {
		envelope

		Type  string `json:"type"`
		Items []struct {
			ID   string   `json:"id"`
			Data envelope `json:"data"`
		} `json:"items"`
	}
	if err := json.Unmarshal(body, &request); err != nil || request.Type != "batch" {
		return []cameEvent{{id, request.Lead.ID}}, err
	}
	var all []cameEvent
	for _, i := range request.Items {
		all = append(all, cameEvent{i.ID, i.Data.Lead.ID})
	}
	return all, nil
}

func (c *customer) well() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moody = 0
}

// endpointYAML is the endpoint in a catalog: it is tried again soon, and holds a person's events for as long as it takes.
func (c *customer) endpointYAML(id string) string {
	return fmt.Sprintf("      - {id: %s, url: %q, schedule: [1s, 1s, 2s, 2s, 5s, 5s, 10s, 10s], terminal: 1h, hold: 1h%s}\n", id, c.server.URL, c.batch)
}

// secret makes an endpoint of "acme" a secret, as an operator does.
func secret(t *testing.T, storage []string, id string) signature.WebhookKey {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"endpoint", "secret", id, "--account", "acme", "--json"}, storage...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var made struct {
		Secret string `json:"secret"`
	}
	require.NoError(t, json.Unmarshal(out, &made))
	key, err := signature.ParseWebhookKey(made.Secret)
	require.NoError(t, err)
	return key
}

// A process that delivers to two customers, both of whom fail now and then, is killed at random moments under a load of
// leads and changes. Afterwards every event has come to both, or come again under the same id, and those of one person in
// the order in which they were announced. One of the two asks for batches.
func TestDeliveries_Kill9(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	eachBackend(t, func(t *testing.T, b backend) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 0))
		storage := append([]string{"--master-key", vault.NewKey().Encode()}, b.storage...)
		crm := newCRM(t)
		customers := map[domain.EndpointID]*customer{"one": newCustomer(t), "two": newCustomer(t)}
		customers["two"].batch = ", batch: {count: 10, delay: 100ms}"
		catalog := crm.catalog(buyers, 0) + "    endpoints:\n"
		for id, c := range customers {
			catalog += c.endpointYAML(string(id))
		}
		apply(t, storage, catalog)
		for id, c := range customers {
			c.key = secret(t, storage, string(id))
		}
		l := newLoad(crm, "d")
		for range rounds {
			p := serve(t, storage, hasty, "--allow-private")
			stop := make(chan struct{})
			loading := l.run(p, stop)
			ackedMore(t, l, atLeast)
			<-time.After(time.Duration(rng.IntN(400)) * time.Millisecond) // the moment is what the round is about
			p.kill()
			close(stop)
			loading.Wait()
		}
		for _, c := range customers {
			c.well()
		}
		p := serve(t, storage, hasty, "--allow-private")
		for end := time.Now().Add(patience); l.unacked() > 0; l.send(p, l.draw()) {
			require.True(t, time.Now().Before(end), "%d events are not acked\n%s", l.unacked(), p.log)
		}
		announced := settleDeliveries(t, b, p, storage, customers)
		acked, _ := l.count()
		t.Logf("%d events acked over %d kills, %d announced", acked, rounds, len(announced))
		inspectDeliveries(t, customers, announced)
		require.Zero(t, customers["one"].batches)
		require.Positive(t, customers["two"].batches)
	})
}

// settleDeliveries waits until nothing is pending, and returns what was announced.
func settleDeliveries(t *testing.T, b backend, p *process, storage []string, customers map[domain.EndpointID]*customer) []domain.Announcement {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		p.stop()
		store := b.open(t)
		pending, undecided := 0, 0
		for id := range customers {
			queue, err := store.Queue(t.Context(), domain.EndpointKey{Account: "acme", Endpoint: id})
			require.NoError(t, err)
			pending += queue.Pending
		}
		backlog, err := store.Backlog(t.Context())
		require.NoError(t, err)
		undecided = backlog.Undecided
		if pending == 0 && undecided == 0 {
			all := announcements(t, store)
			require.NoError(t, store.Close())
			return all
		}
		require.NoError(t, store.Close())
		require.True(t, time.Now().Before(end), "%d deliveries are pending, %d events not decided\n%s", pending, undecided, p.log)
		p = serve(t, storage, hasty, "--allow-private")
		<-time.After(2 * time.Second) // there is no event for a queue of another process that runs empty
	}
}

// inspectDeliveries: what a customer took of a lead is what was announced of it, in that order; an event may have been
// taken again while it was the newest.
func inspectDeliveries(t *testing.T, customers map[domain.EndpointID]*customer, announced []domain.Announcement) {
	t.Helper()
	want := map[string][]string{}
	for _, a := range announced {
		want[string(a.Lead)] = append(want[string(a.Lead)], string(a.ID))
	}
	require.NotEmpty(t, want)
	for name, c := range customers {
		c.mu.Lock()
		defer c.mu.Unlock()
		require.Len(t, c.taken, len(want), "leads that %s has heard of", name)
		for lead, ids := range want {
			var got []string
			for _, id := range c.taken[lead] {
				if len(got) == 0 || got[len(got)-1] != id {
					got = append(got, id)
				}
			}
			require.Equal(t, ids, got, "what %s was told of %s", name, lead)
		}
	}
}
