package sse_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/sse"
	"github.com/leadwire/leadwire/httpedge/sse/ssetest"
)

// fasthttp leaves two housekeepers asleep after Shutdown: they end by themselves, seconds later.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

const epoch = "5f3a01cc"

// edge is a server with streams, and the feeds behind it. The path names the buyer: /acme/ada.
type edge struct {
	Addr    string
	Feeds   *ssetest.Feeds
	Streams *sse.Server
	TLS     *tls.Config // for clients; nil: plain
	metrics *prometheus.Registry
}

func start(t testing.TB, config sse.Config, secure bool) *edge {
	t.Helper()
	e := &edge{Feeds: ssetest.NewFeeds(), metrics: prometheus.NewRegistry()}
	var certificate *tls.Config
	if secure {
		certificate = &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
		e.TLS = &tls.Config{InsecureSkipVerify: true} // a certificate made for this test
	}
	streams, addr := serve(t, config, e.Feeds, certificate, e.metrics)
	e.Streams, e.Addr = streams, addr.String()
	return e
}

// serve runs streams behind an HTTP server until the test ends.
func serve(t testing.TB, config sse.Config, feeds sse.Feeds, secure *tls.Config, metrics ...prometheus.Registerer) (*sse.Server, net.Addr) {
	t.Helper()
	return serveBy(t, &fasthttp.Server{}, config, feeds, secure, metrics...)
}

// serveBy is serve with a server that the test has set up.
func serveBy(t testing.TB, server *fasthttp.Server, config sse.Config, feeds sse.Feeds, secure *tls.Config, metrics ...prometheus.Registerer) (*sse.Server, net.Addr) {
	t.Helper()
	if config.Heartbeat == 0 {
		config.Heartbeat = time.Hour // tests count events
	}
	deps := sse.Deps{Feeds: feeds, Epoch: epoch}
	for _, m := range metrics {
		deps.Metrics = m
	}
	streams, err := sse.New(config, deps)
	require.NoError(t, err)
	server.Handler = func(ctx *fasthttp.RequestCtx) { streams.Serve(ctx, buyerOf(string(ctx.Path()))) }
	server.Logger = quiet{}
	sse.Prepare(server)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	addr := listener.Addr()
	if secure != nil {
		listener = tls.NewListener(listener, secure)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, streams.Close())
		require.NoError(t, server.Shutdown())
		require.NoError(t, <-served)
	})
	return streams, addr
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func buyerOf(path string) domain.BuyerKey {
	account, buyer, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return domain.BuyerKey{Account: domain.AccountID(account), Buyer: domain.BuyerID(buyer)}
}

var ada = domain.BuyerKey{Account: "acme", Buyer: "ada"} //nolint:gochecknoglobals // a value

func (e *edge) dial(t testing.TB, path string, headers ...string) *ssetest.Client {
	t.Helper()
	return ssetest.Dial(t, e.Addr, path, e.TLS, headers...)
}

// metric sums the series of a name whose labels have value among them ("" for all).
func (e *edge) metric(t testing.TB, name, value string) (sum float64) {
	t.Helper()
	families, err := e.metrics.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != "leadwire_sse_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			if value == "" || hasLabel(m, value) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
		return sum
	}
	require.FailNow(t, "no such metric", name)
	return 0
}

func hasLabel(m *dto.Metric, value string) bool {
	for _, l := range m.GetLabel() {
		if l.GetValue() == value {
			return true
		}
	}
	return false
}

// eventually is for counts that the reaper brings up to date a moment after the stream's end.
func (e *edge) eventually(t testing.TB, name, label string, want float64) {
	t.Helper()
	require.Eventually(t, func() bool { return e.metric(t, name, label) == want }, ssetest.Patience, 2*time.Millisecond,
		"%s{%s} to be %v", name, label, want)
}

func lead(n int) domain.FeedEvent {
	at := time.Date(2026, 3, 4, 5, 6, 7, 89_012_000, time.UTC)
	return domain.FeedEvent{
		Type: domain.LeadAssigned, Lead: domain.LeadID(fmt.Sprintf("ghl-%d", n)), Campaign: "solar", Source: "ghl",
		Contact:    domain.Contact{FirstName: "Grace", Email: fmt.Sprintf("grace%d@example.com", n)}.JSON(),
		ReceivedAt: at, DecidedAt: at.Add(time.Millisecond), CommittedAt: at.Add(2 * time.Millisecond),
	}
}

func leads(n int) []domain.FeedEvent {
	all := make([]domain.FeedEvent, n)
	for i := range all {
		all[i] = lead(i + 1)
	}
	return all
}

func id(seq int) string { return fmt.Sprintf("%s-%d", epoch, seq) }

func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
