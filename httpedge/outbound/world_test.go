package outbound

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	prom "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// public is an address that may be sent to. The tests' Dial takes it to a receiver of their own.
var public = netip.MustParseAddr("93.184.216.34")

// names is a resolver that answers each question for a name with the next of its answers, and the last one for ever.
type names struct {
	mu      sync.Mutex
	answers map[string][][]netip.Addr
	fails   map[string]error
	asked   []string
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, host)
	host = strings.TrimSuffix(host, ".")
	if err := n.fails[host]; err != nil {
		return nil, err
	}
	answers := n.answers[host]
	if len(answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, Server: "10.0.0.53:53", IsNotFound: true}
	}
	if len(answers) > 1 {
		n.answers[host] = answers[1:]
	}
	return append([]netip.Addr{}, answers[0]...), nil
}

// is gives a name the addresses of its successive answers, each of them a list separated by commas.
func (n *names) is(host string, answers ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.answers == nil {
		n.answers = map[string][][]netip.Addr{}
	}
	for _, answer := range answers {
		var addrs []netip.Addr
		for one := range strings.SplitSeq(answer, ",") {
			addrs = append(addrs, netip.MustParseAddr(one))
		}
		n.answers[host] = append(n.answers[host], addrs)
	}
}

// world is a Sender whose names and connections are the test's.
type world struct {
	*Sender

	t     testing.TB
	names *names
	log   *strings.Builder

	mu      sync.Mutex
	dialled []string
	// dial gets what was vetted; nil: nothing may be dialled.
	dial func(ctx context.Context, address string) (net.Conn, error)
	mine []netip.Addr // this node's addresses
}

func newWorld(t testing.TB, config Config, dial func(ctx context.Context, address string) (net.Conn, error)) *world {
	t.Helper()
	w := &world{t: t, names: &names{}, log: &strings.Builder{}, dial: dial}
	s, err := New(config, Deps{
		Log: slog.New(slog.NewTextHandler(w.log, nil)), Registerer: prometheus.NewPedanticRegistry(), Clock: domain.SystemClock{},
		Resolver: w.names, Own: func() ([]netip.Addr, error) { return w.mine, nil },
		Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
			w.mu.Lock()
			w.dialled = append(w.dialled, address)
			w.mu.Unlock()
			if w.dial == nil {
				return nil, errors.New("this test lets nothing be dialled: " + address)
			}
			return w.dial(ctx, address)
		},
	})
	require.NoError(t, err)
	w.Sender = s
	return w
}

func (w *world) post(url string) domain.Sent { return w.Send(w.t.Context(), dispatch(url)) }

func dispatch(url string) domain.Dispatch {
	return domain.Dispatch{
		URL: url, Timeout: 10 * time.Second, Body: []byte(`{"type":"lead.received"}`),
		Header: domain.Header{"Content-Type": {"application/json"}, "Webhook-Id": {"evt-1"}},
	}
}

func (w *world) refused(rule Rule) int {
	return w.value(w.metrics.refused.WithLabelValues(string(rule)))
}

// value of a counter or gauge.
func (w *world) value(m prometheus.Metric) int {
	var out prom.Metric
	require.NoError(w.t, m.Write(&out))
	return int(out.GetCounter().GetValue() + out.GetGauge().GetValue())
}

// receiver is a real server behind a public name, with TLS, and HTTP/2 when that is asked for.
func receiver(t testing.TB, http2 bool, config Config, handle http.HandlerFunc) (*world, *httptest.Server) {
	t.Helper()
	server := httptest.NewUnstartedServer(handle)
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = silence()
	server.StartTLS()
	t.Cleanup(server.Close)
	config.RootCAs = x509.NewCertPool()
	config.RootCAs.AddCert(server.Certificate())
	w := newWorld(t, config, func(ctx context.Context, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
	})
	t.Cleanup(w.Close)
	w.names.is("example.com", public.String())
	return w, server
}

// silence is a server's log that nobody reads.
func silence() *log.Logger { return slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) }

// piped is a Sender whose every connection is a pipe to what the test plays, by http. It works under a fake clock.
func piped(t testing.TB, config Config, play func(conn net.Conn)) *world {
	t.Helper()
	config.AllowPrivate = true
	w := newWorld(t, config, func(context.Context, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			play(theirs)
		}()
		return ours, nil
	})
	w.names.is("hooks.example", public.String())
	return w
}

// certificate makes one for a server of a name, signed by itself or by another.
func certificate(t testing.TB, name string, from, until time.Time, signer *tls.Certificate) tls.Certificate {
	t.Helper()
	return certificateFor(t, name, from, until, signer, x509.ExtKeyUsageServerAuth)
}

// certificateFor makes one for a use. An authority is for any.
func certificateFor(t testing.TB, name string, from, until time.Time, signer *tls.Certificate, use x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	uses := []x509.ExtKeyUsage{use}
	if signer == nil {
		uses = nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: signer == nil,
		ExtKeyUsage: uses,
	}
	parent, by := template, any(key)
	if signer != nil {
		parent, by = signer.Leaf, signer.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
