package node

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
)

const clientSecret = "s3cr3t-of-a-client"

// door is an endpoint that knows its clients by certificate and token, and the server that gives the tokens out.
type door struct {
	endpoint, issuer *httptest.Server

	mu      sync.Mutex
	fetched int
	came    []string
}

func newDoor(t *testing.T) *door {
	t.Helper()
	d := &door{}
	d.issuer = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if id, secret, _ := r.BasicAuth(); id != "leadwire" || secret != clientSecret {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprint(w, `{"error":"invalid_client","error_description":"`+secret+` is wrong"}`)
			return
		}
		d.fetched++
		_, _ = fmt.Fprintf(w, `{"access_token":"t0k3n-%d","token_type":"Bearer","expires_in":600}`, d.fetched)
	}))
	t.Cleanup(d.issuer.Close)
	d.endpoint = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.came = append(d.came, r.TLS.PeerCertificates[0].Subject.CommonName+" "+r.Header.Get("Authorization"))
		_, _ = fmt.Fprint(w, "you sent ", r.Header.Get("Authorization"))
	}))
	d.endpoint.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	d.endpoint.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	d.endpoint.StartTLS()
	t.Cleanup(d.endpoint.Close)
	return d
}

// A node sends an endpoint a token that it fetches once, and shows it its certificate; nothing secret is in its log, in what it
// answers, or in its store.
func TestNode_SendsATokenAndShowsACertificate(t *testing.T) {
	d := newDoor(t)
	c := config(t)
	c.Outbound.AllowPrivate = true
	c.Outbound.RootCAs = x509.NewCertPool()
	c.Outbound.RootCAs.AddCert(d.endpoint.Certificate())
	var said lockedText
	n, err := Start(t.Context(), c, Deps{Log: slog.New(slog.NewJSONHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, n) })
	_, err = control.NewClient(c.Data).Apply(t.Context(), provision.Request{Catalog: domain.Catalog{Accounts: []domain.Account{{
		ID: "acme", Endpoints: []domain.Endpoint{{ID: "crm", URL: d.endpoint.URL}},
	}}}})
	require.NoError(t, err)
	post := func(path string, body any) (answer string) {
		t.Helper()
		text, err := json.Marshal(body)
		require.NoError(t, err)
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/endpoints/crm/"+path+"?account=acme", bytes.NewReader(text))
		recorder := httptest.NewRecorder()
		control.API(n.API()).ServeHTTP(recorder, request)
		require.Less(t, recorder.Code, 300, recorder.Body.String())
		_, _ = said.Write(recorder.Body.Bytes())
		return recorder.Body.String()
	}
	_ = post("secrets", map[string]string{"kind": "ed25519"})
	client := map[string]string{"kind": "oauth2", "token_url": d.issuer.URL, "client_id": "leadwire", "client_secret": clientSecret + "-of-yesterday"}
	_ = post("secrets", client)
	require.Contains(t, post("test", nil), `"error":"secret","reason":"no token from 127.0.0.1: it answered 401 Unauthorized (invalid_client)"`)

	client["client_secret"] = clientSecret
	_ = post("secrets", client)
	require.Regexp(t, `(asks|asked) for a client certificate, and the endpoint has none`, post("test", nil))
	certificate, key := clientCertificate(t)
	_ = post("secrets", map[string]string{"kind": "mtls", "pem": certificate + key})
	for range 2 {
		require.Contains(t, post("test", nil), `"body":"you sent Bearer ***"`)
	}
	require.Equal(t, []string{"leadwire Bearer t0k3n-1", "leadwire Bearer t0k3n-1"}, d.came)
	require.Equal(t, 1, d.fetched)

	kept, err := n.store.Secrets(t.Context(), domain.EndpointKey{Account: "acme", Endpoint: "crm"})
	require.NoError(t, err)
	require.Len(t, kept, 3)
	for _, s := range kept {
		_, _ = said.Write(s.Sealed)
	}
	for _, secret := range []string{clientSecret, "t0k3n", strings.Split(key, "\n")[1]} {
		require.NotContains(t, said.String(), secret)
	}
}

func clientCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "leadwire"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// lockedText is a log of several goroutines.
type lockedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
