package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// inPEM is a certificate with its key, as a secret of kind mtls has it.
func inPEM(t testing.TB, one tls.Certificate) []byte {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(one.PrivateKey)
	require.NoError(t, err)
	var text bytes.Buffer
	for _, der := range one.Certificate {
		require.NoError(t, pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	require.NoError(t, pem.Encode(&text, &pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	return text.Bytes()
}

// picky is a receiver that takes only clients of an authority, and writes down who came.
type picky struct {
	*world

	authority tls.Certificate
	mu        sync.Mutex
	came      []string
}

func newPicky(t *testing.T, config Config, version uint16, http2 bool) *picky {
	t.Helper()
	now := time.Now()
	s := &picky{authority: certificate(t, "Clients CA", now.Add(-time.Hour), now.Add(time.Hour), nil)}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.came = append(s.came, fmt.Sprintf("%s from %s", r.TLS.PeerCertificates[0].Subject.CommonName, r.RemoteAddr))
	}))
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = silence()
	clients := x509.NewCertPool()
	clients.AddCert(s.authority.Leaf)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients, MaxVersion: version, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	config.RootCAs = x509.NewCertPool()
	config.RootCAs.AddCert(server.Certificate())
	s.world = newWorld(t, config, func(ctx context.Context, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
	})
	t.Cleanup(s.Close)
	s.names.is("example.com", public.String())
	return s
}

// client is a certificate that the receiver takes.
func (s *picky) client(t *testing.T, name string) *domain.ClientCertificate {
	t.Helper()
	return &domain.ClientCertificate{ID: "cr_" + name, PEM: inPEM(t, s.certificateOf(t, name, x509.ExtKeyUsageClientAuth, time.Now().Add(time.Hour)))}
}

func (s *picky) certificateOf(t *testing.T, name string, use x509.ExtKeyUsage, until time.Time) tls.Certificate {
	t.Helper()
	return certificateFor(t, name, until.Add(-2*time.Hour), until, &s.authority, use)
}

func (s *picky) send(endpoint string, shown *domain.ClientCertificate) domain.Sent {
	d := dispatch("https://example.com/")
	d.Endpoint, d.Certificate = domain.EndpointKey{Account: "acme", Endpoint: domain.EndpointID(endpoint)}, shown
	return s.Send(s.t.Context(), d)
}

// A receiver that asks for a certificate is shown the endpoint's own, and an endpoint without one is told so.
func TestSend_ShowsItsCertificate(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, http2 := range []bool{false, true} {
			s := newPicky(t, Config{}, version, http2)
			crm, erp := s.client(t, "crm"), s.client(t, "erp")
			for range 2 {
				require.Empty(t, s.send("crm", crm).Reason)
				require.Empty(t, s.send("erp", erp).Reason)
			}
			require.Len(t, s.came, 4)
			require.Contains(t, s.came[0], "crm from ")
			require.Contains(t, s.came[1], "erp from ")
			require.Equal(t, s.came[:2], s.came[2:], "each on a connection of its own, which is used again")
			require.Len(t, s.dialled, 2)

			sent := s.send("bare", nil)
			require.Contains(t, []domain.ErrorClass{domain.ErrorTLS, domain.ErrorCut}, sent.Error, "the alert may get lost behind the connection's end")
			require.Regexp(t, "(asks|asked) for a client certificate, and the endpoint has none", sent.Reason)

			now := time.Now()
			other := certificate(t, "Other CA", now.Add(-time.Hour), now.Add(time.Hour), nil)
			stranger := certificateFor(t, "crm", now.Add(-time.Hour), now.Add(time.Hour), &other, x509.ExtKeyUsageClientAuth)
			sent = s.send("stranger", &domain.ClientCertificate{ID: "x", PEM: inPEM(t, stranger)})
			require.Contains(t, []domain.ErrorClass{domain.ErrorTLS, domain.ErrorCut}, sent.Error)
			require.Regexp(t, "refused the client certificate: tls: |had asked for the client certificate", sent.Reason)
			require.Len(t, s.came, 4)
		}
	}
}

// exported are the endpoints whose certificates' ends are in the metrics.
func (s *picky) exported() (all []string) {
	s.t.Helper()
	registry, is := s.deps.Registerer.(*prometheus.Registry)
	require.True(s.t, is)
	families, err := registry.Gather()
	require.NoError(s.t, err)
	for _, f := range families {
		if f.GetName() == "leadwire_outbound_client_certificate_left_seconds_min" {
			require.InDelta(s.t, time.Hour.Seconds(), f.GetMetric()[0].GetGauge().GetValue(), 60)
		}
		if f.GetName() != "leadwire_outbound_client_certificate_expires_timestamp_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			require.InDelta(s.t, time.Now().Add(time.Hour).Unix(), m.GetGauge().GetValue(), 60)
			all = append(all, m.GetLabel()[1].GetValue())
		}
	}
	return all
}

// An endpoint's new certificate takes the place of the old one, and of more than are held that goes which was used longest
// ago; what goes closes its idle connections. The end of each is exported.
func TestCertificates_AreBounded(t *testing.T) {
	t.Parallel()
	s := newPicky(t, Config{Certificates: 2}, tls.VersionTLS13, false)
	one := s.client(t, "one")
	require.Empty(t, s.send("a", one).Reason)
	require.Empty(t, s.send("a", s.client(t, "two")).Reason)
	require.Contains(t, s.came[1], "two from ")
	require.Eventually(t, func() bool { return s.value(s.metrics.open) == 1 }, 5*time.Second, time.Millisecond, "the old one's connection is closed")
	require.Empty(t, s.send("b", one).Reason)
	require.Empty(t, s.send("a", s.client(t, "two")).Reason)
	require.Empty(t, s.send("c", one).Reason)
	require.Equal(t, []string{"a", "c"}, s.exported())
	require.Contains(t, s.certificates.held, domain.EndpointKey{Account: "acme", Endpoint: "a"})
	require.NotContains(t, s.certificates.held, domain.EndpointKey{Account: "acme", Endpoint: "b"})
	require.Eventually(t, func() bool { return s.value(s.metrics.open) == 2 }, 5*time.Second, time.Millisecond)

	// An attempt that begins is no later than the certificate's end: what cannot succeed is not tried.
	gone := s.certificateOf(t, "gone", x509.ExtKeyUsageClientAuth, time.Now().Add(-time.Minute))
	sent := s.send("d", &domain.ClientCertificate{ID: "x", PEM: inPEM(t, gone)})
	require.Equal(t, domain.ErrorSecret, sent.Error)
	require.Contains(t, sent.Reason, "the client certificate expired on ")
	sent = s.send("d", &domain.ClientCertificate{ID: "y", PEM: []byte("nothing")})
	require.Equal(t, domain.ErrorSecret, sent.Error)
	require.Contains(t, sent.Reason, "cannot be used")
}

// Where an endpoint may not lead, its certificate does not open a way.
func TestCertificates_AreVetted(t *testing.T) {
	t.Parallel()
	s := newPicky(t, Config{}, tls.VersionTLS13, false)
	s.names.is("inside.example", "10.0.0.8")
	d := dispatch("https://inside.example/")
	d.Certificate = s.client(t, "crm")
	require.Equal(t, domain.ErrorAddress, s.Send(t.Context(), d).Error)
	require.Empty(t, s.dialled)
}

// A certificate is checked when it is set: the error says what is wrong, and shows nothing of it.
func TestCheckCertificate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	authority := certificate(t, "CA", now.Add(-time.Hour), now.Add(time.Hour), nil)
	until := now.Add(30 * time.Minute)
	good := certificateFor(t, "crm", now.Add(-time.Hour), until, &authority, x509.ExtKeyUsageClientAuth)
	got, err := CheckCertificate(inPEM(t, good), now)
	require.NoError(t, err)
	require.WithinDuration(t, until, got, time.Second)
	chain := good
	chain.Certificate = append(chain.Certificate[:1:1], authority.Certificate...)
	_, err = CheckCertificate(append([]byte("Bag Attributes\n"), inPEM(t, chain)...), now)
	require.NoError(t, err, "tools write a few words before")

	const begin = "-----BEGIN PRIVATE KEY"
	text := string(inPEM(t, good))
	leaf, key, _ := strings.Cut(text, begin)
	_, other, _ := strings.Cut(string(inPEM(t, certificateFor(t, "erp", now.Add(-time.Hour), until, &authority, x509.ExtKeyUsageClientAuth))), begin)
	key, other = begin+key, begin+other
	for name, row := range map[string]struct{ text, says string }{
		"nothing":                       {"", "0 certificates and 0 keys"},
		"something else":                {"s3cr3t", "0 certificates and 0 keys"},
		"no key":                        {leaf, "1 certificates and 0 keys"},
		"no certificate":                {key, "0 certificates and 1 keys"},
		"two keys":                      {text + key, "1 certificates and 2 keys"},
		"another's key":                 {leaf + other, "not its first certificate's"},
		"a key with a passphrase":       {leaf + strings.ReplaceAll(key, "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), "passphrase"},
		"a key with an old passphrase":  {leaf + "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", "passphrase"},
		"a certificate that is cut":     {leaf[:len(leaf)/2] + "\n" + key, "certificates and"},
		"a certificate of other bytes":  {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + key, "cannot be read"},
		"one that was":                  {string(inPEM(t, certificateFor(t, "crm", now.Add(-2*time.Hour), now.Add(-time.Hour), &authority, x509.ExtKeyUsageClientAuth))), "expired on "},
		"one that is not yet":           {string(inPEM(t, certificateFor(t, "crm", now.Add(time.Hour), now.Add(2*time.Hour), &authority, x509.ExtKeyUsageClientAuth))), "not valid before "},
		"a server's":                    {string(inPEM(t, certificateFor(t, "crm", now.Add(-time.Hour), until, &authority, x509.ExtKeyUsageServerAuth))), "not for clients"},
		"a key whose bytes are no key":  {leaf + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be read"},
		"something behind that is none": {text + "-----BEGIN SOMETHING-----\n!!\n", "no PEM"},
	} {
		_, err := CheckCertificate([]byte(row.text), now)
		require.ErrorContains(t, err, row.says, name)
		require.Equal(t, domain.Invalid, domain.CodeOf(err), name)
		for line := range strings.SplitSeq(key, "\n") {
			require.False(t, len(line) > 8 && strings.Contains(err.Error(), line), name)
		}
	}
}

func FuzzCheckCertificate(f *testing.F) {
	now := time.Now()
	f.Add(inPEM(f, certificate(f, "crm", now.Add(-time.Hour), now.Add(time.Hour), nil)))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		until, err := CheckCertificate(text, now)
		require.Equal(t, err != nil, until.IsZero())
		if err != nil {
			require.Equal(t, domain.Invalid, domain.CodeOf(err))
		}
	})
}
