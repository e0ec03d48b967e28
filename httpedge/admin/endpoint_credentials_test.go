package admin_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// clientPEM is a client certificate with its key, good from an hour before noon.
func clientPEM(t *testing.T, until time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "leadwire"}, NotBefore: noon.Add(-time.Hour), NotAfter: until}
	leaf, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: leaf}))
	require.NoError(t, pem.Encode(&text, &pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	return text.String()
}

// A token client takes the place of a token, and a certificate stands beside it. Neither is told by anything that can be asked.
func TestEndpoints_TokenClientAndCertificate(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		key := domain.EndpointKey{Account: "acme", Endpoint: "crm"}
		const path = "/api/v1/endpoints/crm/secrets"
		w.call(w.acme, "POST", path, `{"kind":"hmac"}`).into(new(struct{}))
		signs := w.opened(key)[0]
		var told strings.Builder
		put := func(body any) (row struct {
			ID, Kind  string
			ExpiresAt string `json:"expires_at"`
		}) {
			t.Helper()
			w.after(time.Second)
			a := w.call(w.acme, "POST", path, body)
			require.Equal(t, 201, a.status, string(a.body))
			told.Write(a.body)
			a.into(&row)
			return row
		}
		put(`{"kind":"bearer","value":"s3cr3t"}`)
		client := put(`{"kind":"oauth2","token_url":"https://auth.example/token","client_id":"lw","client_secret":"s3cr3t","scope":"leads"}`)
		require.Equal(t, "oauth2", client.Kind)
		require.ElementsMatch(t, []string{
			signs, `oauth2 {"token_url":"https://auth.example/token","client_id":"lw","client_secret":"s3cr3t","scope":"leads","auth":"basic"}`,
		}, w.opened(key))

		text := clientPEM(t, noon.Add(24*time.Hour))
		shown := put(map[string]string{"kind": "mtls", "pem": text})
		require.Equal(t, "2026-11-26T12:00:00.000Z", shown.ExpiresAt)
		require.Len(t, w.opened(key), 3)
		require.Contains(t, w.opened(key), "mtls "+text)
		other := put(map[string]string{"kind": "mtls", "pem": clientPEM(t, noon.Add(48*time.Hour))})
		require.Len(t, w.opened(key), 3, "one takes the other's place")
		w.call(w.acme, "POST", path, `{"kind":"hmac"}`).into(new(struct{}))
		require.Len(t, w.opened(key), 4, "and stays when secrets to sign with are replaced")

		read := w.call(w.acme, "GET", "/api/v1/endpoints/crm", nil)
		require.Contains(t, string(read.body), `"expires_at":"2026-11-27T12:00:00.000Z"`)
		w.after(72 * time.Hour)
		require.Contains(t, string(w.call(w.acme, "GET", "/api/v1/endpoints/crm", nil).body), other.ID, "one that is over is still told")
		told.Write(read.body)
		told.Write(w.call(w.acme, "GET", "/api/v1/endpoints", nil).body)
		told.Write(w.call(w.acme, "GET", "/api/v1/audit", nil).body)
		require.NotContains(t, told.String(), "s3cr3t")
		require.NotContains(t, told.String(), "BEGIN")
		require.NotContains(t, told.String(), strings.Split(text, "\n")[1])

		require.Equal(t, 204, w.call(w.acme, "POST", path, `{"kind":"mtls","pem":""}`).status)
		require.Equal(t, "endpoint.certificate none", w.audit()[0].Action+" "+w.audit()[0].Detail)
		require.Equal(t, 204, w.call(w.acme, "POST", path, `{"kind":"oauth2","token_url":""}`).status)
		for _, one := range w.opened(key) {
			require.Contains(t, one, "hmac ")
		}
	})
}

// What could not work is refused, without repeating it.
func TestEndpoints_RefusesCredentials(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		client := func(change map[string]any) string {
			body := map[string]any{"kind": "oauth2", "token_url": "https://auth.example/token", "client_id": "lw", "client_secret": "s3cr3t"}
			maps.Copy(body, change)
			text, err := json.Marshal(body)
			require.NoError(t, err)
			return string(text)
		}
		certificate := func(text string) string {
			body, err := json.Marshal(map[string]string{"kind": "mtls", "pem": text})
			require.NoError(t, err)
			return string(body)
		}
		for name, row := range map[string]struct{ body, field, detail string }{
			"a client without a URL":        {`{"kind":"oauth2","client_id":"lw","client_secret":"s3cr3t"}`, "token_url", "must be given"},
			"a metadata service":            {client(map[string]any{"token_url": "http://169.254.169.254/token"}), "token_url", "metadata"},
			"a URL with a password":         {client(map[string]any{"token_url": "https://a:s3cr3t@auth.example/"}), "token_url", "user or password"},
			"a URL of another protocol":     {client(map[string]any{"token_url": "ftp://auth.example/"}), "token_url", "https"},
			"a client without an id":        {client(map[string]any{"client_id": ""}), "client_id", "must be given"},
			"a client without a secret":     {client(map[string]any{"client_secret": ""}), "client_secret", "must be given"},
			"a secret of two lines":         {client(map[string]any{"client_secret": "s3cr3t\nx"}), "client_secret", "control characters"},
			"a very long scope":             {client(map[string]any{"scope": strings.Repeat("x", 1025)}), "scope", "1024"},
			"an audience with a zero":       {client(map[string]any{"audience": "a\x00"}), "audience", "control characters"},
			"an authentication of no name":  {client(map[string]any{"auth": "jwt"}), "auth", "basic or body"},
			"another kind's member":         {client(map[string]any{"pem": "x"}), "pem", "does not belong"},
			"a certificate that is none":    {certificate("s3cr3t"), "pem", "0 certificates"},
			"no certificate":                {`{"kind":"mtls"}`, "pem", "must be given"},
			"a very long certificate":       {certificate(strings.Repeat("s3cr3t", 6000)), "pem", "at most 32768 bytes"},
			"one that is over":              {certificate(clientPEM(t, noon.Add(-time.Minute))), "pem", "expired on 25 November 2026 11:59 UTC"},
			"a token client's member alone": {`{"kind":"bearer","value":"x","scope":"s3cr3t"}`, "scope", "does not belong"},
		} {
			t.Log(name)
			a := w.call(w.acme, "POST", "/api/v1/endpoints/crm/secrets", row.body)
			require.NotContains(t, string(a.body), "s3cr3t")
			a.refused(400, row.field, row.detail)
		}
		require.Empty(t, w.opened(domain.EndpointKey{Account: "acme", Endpoint: "crm"}))
	})
}
