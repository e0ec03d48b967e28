package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/actors/vault"
)

// endpoints are so many that each of three nodes has some, whatever their addresses.
const endpoints = 16

// party is the customers of "acme": endpoints that answer when the test says so.
type party struct {
	server *httptest.Server

	mu      sync.Mutex
	gate    *gate
	came    map[string]map[string]int      // by endpoint and event, requests
	order   map[string]map[string][]string // by endpoint and lead, events as they came first
	cut     map[string]int                 // by endpoint, requests that their node gave up
	changed chan struct{}
}

// gate is where requests wait that came while it was the party's.
type gate struct {
	opened chan struct{}
	waits  map[string]int // by endpoint
}

func newGate() *gate { return &gate{opened: make(chan struct{}), waits: map[string]int{}} }

func (g *gate) open() { close(g.opened) }

func newParty(t *testing.T) *party {
	p := &party{
		gate: newGate(), came: map[string]map[string]int{}, order: map[string]map[string][]string{},
		cut: map[string]int{}, changed: make(chan struct{}, 1),
	}
	p.gate.open()
	p.server = httptest.NewServer(p)
	t.Cleanup(func() {
		p.server.CloseClientConnections() // of a test that failed
		p.server.Close()
	})
	for i := range endpoints {
		p.came[nameOf(i)], p.order[nameOf(i)] = map[string]int{}, map[string][]string{}
	}
	return p
}

func nameOf(i int) string { return fmt.Sprint("e", i) }

func keyOf(name string) domain.EndpointKey {
	return domain.EndpointKey{Account: "acme", Endpoint: domain.EndpointID(name)}
}

func everyone() (all []string) {
	for i := range endpoints {
		all = append(all, nameOf(i))
	}
	return all
}

// yaml is the endpoints in a catalog.
func (p *party) yaml() string {
	var b strings.Builder
	b.WriteString("    endpoints:\n")
	for i := range endpoints {
		fmt.Fprintf(&b, "      - {id: %s, url: %q, timeout: 1m}\n", nameOf(i), p.server.URL+"/"+nameOf(i))
	}
	return b.String()
}

// secrets gives each endpoint one, as an operator's command does.
func (p *party) secrets(t *testing.T, store domain.Store, key vault.Key) {
	t.Helper()
	v, err := vault.New(key)
	require.NoError(t, err)
	for _, name := range everyone() {
		endpoint := keyOf(name)
		signs, err := signature.NewWebhookKey(domain.HMACSecret)
		require.NoError(t, err)
		sealed, err := v.Seal([]byte(signs.Reveal()), vault.AAD(endpoint, domain.HMACSecret, signs.ID()))
		require.NoError(t, err)
		require.NoError(t, store.PutSecrets(t.Context(), endpoint, nil, []domain.Secret{{
			ID: signs.ID(), Kind: domain.HMACSecret, Sealed: sealed, CreatedAt: time.Now(), Endpoint: endpoint,
		}}, domain.AuditEntry{Account: "acme", At: time.Now(), Actor: "test", Action: "secret"}))
	}
}

// shut lets whoever comes from now on wait until the gate is opened.
func (p *party) shut() *gate {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gate = newGate()
	return p.gate
}

func (p *party) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	events, unread := readEvents(r.Header.Get(signature.WebhookIDHeader), body)
	if err != nil || unread != nil {
		return // it is counted as missing
	}
	at := strings.TrimPrefix(r.URL.Path, "/")
	var g *gate
	p.note(func() {
		g = p.gate
		g.waits[at]++
		for _, e := range events {
			if p.came[at][e.id]++; p.came[at][e.id] == 1 {
				p.order[at][e.lead] = append(p.order[at][e.lead], e.id)
			}
		}
	})
	select {
	case <-g.opened:
		p.note(func() { g.waits[at]-- })
		w.WriteHeader(http.StatusNoContent)
	case <-r.Context().Done():
		p.note(func() {
			g.waits[at]--
			p.cut[at]++
		})
	}
}

func (p *party) note(f func()) {
	p.mu.Lock()
	f()
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// until waits for something to become true of what has come.
func (p *party) until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.After(patience); ; {
		p.mu.Lock()
		is := f()
		p.mu.Unlock()
		if is {
			return
		}
		select {
		case <-p.changed:
		case <-end:
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// wait waits until each of some endpoints has at least so many requests at the gate.
func (p *party) wait(t *testing.T, n int, at ...string) {
	t.Helper()
	p.until(t, fmt.Sprintf("each of %v has %d requests under way", at, n), func() bool {
		return !slices.ContainsFunc(at, func(e string) bool { return p.gate.waits[e] < n })
	})
}

// cameTimes is how often each event has come, by endpoint.
func (p *party) cameTimes() map[string]map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]map[string]int{}
	for at, events := range p.came {
		out[at] = map[string]int{}
		for id, n := range events {
			out[at][id] = n
		}
	}
	return out
}

// drained waits until nothing is owed to some endpoints any more.
func (p *party) drained(t *testing.T, store domain.Store, at ...string) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		backlog, err := store.Backlog(t.Context())
		require.NoError(t, err)
		pending := backlog.Undecided
		for _, name := range at {
			queue, err := store.Queue(t.Context(), keyOf(name))
			require.NoError(t, err)
			pending += queue.Pending
		}
		if pending == 0 {
			return
		}
		require.True(t, time.Now().Before(end), "%d are pending", pending)
		<-time.After(patienceStep) // nobody tells of it
	}
}

// inspect holds what has come to what was announced: all of it to each endpoint, a person's in its order.
func (p *party) inspect(t *testing.T, store domain.Store) {
	t.Helper()
	want := map[string][]string{}
	for _, a := range announcements(t, store) {
		want[string(a.Lead)] = append(want[string(a.Lead)], string(a.ID))
	}
	require.NotEmpty(t, want)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range everyone() {
		require.Equal(t, want, p.order[name], name)
	}
}
