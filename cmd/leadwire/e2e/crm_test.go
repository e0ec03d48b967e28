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
	"testing"

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
	return &crm{private, base64.StdEncoding.EncodeToString(der), &http.Client{Transport: transport, Timeout: patience}}
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

// post sends one signed webhook and returns the status; an error means that no whole answer came.
func (c *crm) post(p *process, body string) (status int, err error) {
	return c.send(p.url("/leads/webhook/ghl"), body, c.sign(body))
}

// sign is what the CRM puts into its header.
func (c *crm) sign(body string) string {
	return base64.StdEncoding.EncodeToString(ed25519.Sign(c.key, []byte(body)))
}

func (c *crm) send(url, body, signature string) (status int, err error) {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GHL-Signature", signature)
	res, err := c.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0, err
	}
	return res.StatusCode, nil
}
