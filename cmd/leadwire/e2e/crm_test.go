package e2e_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// crm is a Go High Level that signs with a key of its own.
type crm struct {
	key    ed25519.PrivateKey
	public string
	client *http.Client
}

func newCRM(t *testing.T) *crm {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	transport := &http.Transport{MaxIdleConnsPerHost: 128}
	t.Cleanup(transport.CloseIdleConnections)
	return &crm{private, base64.StdEncoding.EncodeToString(der), &http.Client{Transport: transport, Timeout: 10 * time.Second}}
}

// catalog is one account with buyers; cap is the first one's, 0 for none.
func (c *crm) catalog(buyers []string, firstCap int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "sources:\n  - {id: ghl, kind: ghl, public_keys: [%q]}\naccounts:\n  - id: acme\n    name: Acme\n", c.public)
	b.WriteString("    locations: [{id: loc-1, source: ghl, campaign: solar}]\n")
	fmt.Fprintf(&b, "    campaigns: [{id: solar, method: round_robin, buyers: [%s]}]\n    buyers:\n", strings.Join(buyers, ", "))
	for i, buyer := range buyers {
		limit := 0
		if i == 0 {
			limit = firstCap
		}
		fmt.Fprintf(&b, "      - {id: %s, daily_cap: %d, tokens: [{id: desk, expires_at: 2099-01-01T00:00:00Z}]}\n", buyer, limit)
	}
	return b.String()
}

func contact(event, lead, name string) string {
	return fmt.Sprintf(`{"type":"ContactCreate","locationId":"loc-1","webhookId":%q,"id":%q,"name":%q,"email":"%s@example.com","phone":"+15550100","timestamp":"2026-11-22T10:00:00.000Z"}`, event, lead, name, lead)
}

// post sends one signed webhook; 0 means that no answer came.
func (c *crm) post(p *process, body string) int {
	return c.send(p.url("/leads/webhook/ghl"), body, base64.StdEncoding.EncodeToString(ed25519.Sign(c.key, []byte(body))))
}

func (c *crm) send(url, body, signature string) int {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GHL-Signature", signature)
	res, err := c.client.Do(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}

// load posts contacts from several connections until stopped, each event again and again until it is
// acked. It remembers what was acked across processes.
type load struct {
	crm     *crm
	prefix  string
	mu      sync.Mutex
	acked   map[string]bool // by lead
	open    []int           // sent, not acked: sent again first, like a CRM that retries
	next    int
	refused int // 429s met
}

func newLoad(c *crm, prefix string) *load {
	return &load{crm: c, prefix: prefix, acked: map[string]bool{}}
}

func (l *load) run(p *process, stop <-chan struct{}) *sync.WaitGroup {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					l.one(p)
				}
			}
		})
	}
	return &wg
}

func (l *load) one(p *process) {
	l.mu.Lock()
	n := l.next
	if len(l.open) > 0 {
		n, l.open = l.open[0], l.open[1:]
	} else {
		l.next++
	}
	l.mu.Unlock()
	lead := fmt.Sprintf("%s%d", l.prefix, n)
	status := l.crm.post(p, contact("ev-"+lead, lead, "Lead "+lead))
	l.mu.Lock()
	defer l.mu.Unlock()
	switch status {
	case http.StatusOK:
		l.acked["ghl-"+lead] = true
	case http.StatusTooManyRequests:
		l.refused++
		l.open = append(l.open, n)
	default:
		l.open = append(l.open, n)
	}
}

// leads are the ids of everything that was acked.
func (l *load) leads() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]string, 0, len(l.acked))
	for lead := range l.acked {
		out = append(out, lead)
	}
	return out
}

func (l *load) count() (acked, refused int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked), l.refused
}
