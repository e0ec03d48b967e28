package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// UserAgent is sent with every request.
const UserAgent = "Leadwire/1 (+webhooks)"

// Sender is a domain.Sender over HTTP. It is safe for concurrent use; one serves all endpoints of a node.
type Sender struct {
	config       Config
	deps         Deps
	own          *own
	refusals     *refusals
	metrics      *metrics
	transport    *http.Transport // of endpoints that are shown no certificate
	certificates *certificates
}

var _ domain.Sender = (*Sender)(nil)

// New prepares a Sender and registers its metrics.
func New(config Config, deps Deps) (*Sender, error) {
	config, deps = config.withDefaults(), deps.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	if err := deps.validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(deps.Registerer, config)
	if err != nil {
		return nil, err
	}
	s := &Sender{
		config: config, deps: deps, metrics: m,
		own:      &own{list: deps.Own, clock: deps.Clock, log: deps.Log},
		refusals: &refusals{log: deps.Log, clock: deps.Clock},
	}
	s.transport = s.newTransport(nil)
	s.certificates = newCertificates(config.Certificates, deps.Clock, s.newTransport)
	if err := deps.Registerer.Register(s.certificates); err != nil {
		return nil, fmt.Errorf("register outbound metrics: %w", err)
	}
	if config.AllowPrivate {
		deps.Log.Warn("outbound: PRIVATE ADDRESSES ARE ALLOWED: whoever may configure an endpoint can reach this machine and its network; for development only")
	}
	return s, nil
}

// newTransport makes one that shows the certificate to whoever asks for any; nil: none. Certificates that a server says it
// accepts are hints: many leave out those that their clients' are really signed by.
func (s *Sender) newTransport(certificate *tls.Certificate) *http.Transport {
	if certificate == nil {
		certificate = &tls.Certificate{} // which is how none is shown
	}
	return &http.Transport{
		Proxy:                  nil, // none of the environment's: it would look names up, and connect, without our rules
		DialContext:            s.dial,
		TLSHandshakeTimeout:    s.config.TLS,
		ResponseHeaderTimeout:  s.config.FirstByte,
		MaxResponseHeaderBytes: s.config.HeaderBytes,
		MaxConnsPerHost:        s.config.PerHost,
		MaxIdleConnsPerHost:    s.config.IdlePerHost,
		MaxIdleConns:           s.config.Idle,
		IdleConnTimeout:        s.config.IdleFor,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true, // a DialContext turns it off otherwise
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12,
			RootCAs:    s.config.RootCAs,
			Time:       s.deps.Clock.Now,
			// A new connection to a known host saves a round trip. A session is resumed as whom it was begun, so certificates share none.
			ClientSessionCache: tls.NewLRUClientSessionCache(1024),
			GetClientCertificate: func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
				attemptOf(asked.Context()).askedFor()
				return certificate, nil
			},
		},
		// A connection that has died without a word would otherwise take every request to its host with it until the
		// kernel notices, which is a quarter of an hour.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
	}
}

// Close ends idle connections. Attempts end with their own contexts.
func (s *Sender) Close() {
	s.transport.CloseIdleConnections()
	s.certificates.close()
}

// Send makes one attempt. It never answers an error: what went wrong is in Sent.
func (s *Sender) Send(ctx context.Context, d domain.Dispatch) domain.Sent {
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	began := time.Now()
	sent := s.send(ctx, d, domain.MaxExcerpt)
	conceal(&sent, d.Header)
	sent.Phases.Total = time.Since(began)
	s.metrics.ended(sent)
	return sent
}

// send makes a request of any kind. Most is how many bytes of the answer's body are kept.
func (s *Sender) send(ctx context.Context, d domain.Dispatch, most int64) domain.Sent {
	sent := domain.Sent{At: s.deps.Clock.Now().UTC()}
	to, refused := parse(d.URL, s.config.AllowPrivate)
	if refused != nil {
		s.metrics.refused.WithLabelValues(string(refused.Rule)).Inc()
		sent.Error, sent.Reason = refused.Class, refused.Reason
		return sent
	}
	by, lacks := s.transportOf(d)
	if lacks != "" {
		sent.Error, sent.Reason = domain.ErrorSecret, lacks
		return sent
	}
	s.attempt(ctx, passed{d, to, by, most}, &sent)
	return sent
}

// transportOf is what a dispatch goes by, or why there is nothing.
func (s *Sender) transportOf(d domain.Dispatch) (by *http.Transport, lacks string) {
	if d.Certificate == nil {
		return s.transport, ""
	}
	return s.certificates.transport(d.Endpoint, *d.Certificate)
}

// passed is a dispatch that may be sent, and how.
type passed struct {
	domain.Dispatch

	to   target
	by   *http.Transport
	most int64
}

func (s *Sender) attempt(ctx context.Context, r passed, sent *domain.Sent) {
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = domain.DefaultTimeout
	}
	whole, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	diary := newAttempt(r.to.name)
	diary.shown = r.Certificate != nil
	err := s.exchange(diary.trace(whole), r, sent)
	was := diary.end()
	sent.Phases, sent.Address = was.phases, was.address
	s.metrics.connected(was)
	if err != nil {
		sent.Error, sent.Reason = s.explain(ctx, whole, timeout, was, err)
		if sent.Status != 0 {
			sent.Reason = "answered " + named(sent.Status) + ", but " + sent.Reason
		}
	}
}

// exchange sends the request and takes the answer in. An answer counts when it was read whole, or as far as we read:
// one that breaks off earlier may come from a receiver that broke off as well, and an event that arrives twice does
// less harm than one that is lost.
func (s *Sender) exchange(ctx context.Context, r passed, sent *domain.Sent) error {
	req := &http.Request{
		Method: http.MethodPost, URL: r.to.url, Host: r.to.url.Host, Header: header(r.Header), ContentLength: int64(len(r.Body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body:    io.NopCloser(bytes.NewReader(r.Body)),
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil },
	}
	// Not a client: it would follow redirects and keep cookies.
	resp, err := r.by.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	sent.Status = resp.StatusCode
	sent.Header = common(resp.Header)
	if resp.StatusCode != http.StatusSwitchingProtocols { // its body is the connection, and has no end
		if sent.Body, sent.Truncated, err = read(resp.Body, r.most); err != nil {
			return err
		}
	}
	sent.Error, sent.Reason = status(resp)
	if sent.Error != "" {
		sent.RetryAfter = retryAfter(resp.Header, s.deps.Clock.Now())
	}
	return nil
}

// ours are the headers that a dispatch does not set: the client sets them, or they are about the connection.
var ours = map[string]bool{
	"Host": true, "Content-Length": true, "User-Agent": true, "Accept-Encoding": true, "Connection": true, "Keep-Alive": true, "Proxy-Connection": true,
	"Proxy-Authorization": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Expect": true, "Http2-Settings": true,
}

func header(given domain.Header) http.Header {
	h := make(http.Header, len(given)+3)
	for name, values := range given {
		if canonical := http.CanonicalHeaderKey(name); !ours[canonical] {
			h[canonical] = values
		}
	}
	h["User-Agent"] = []string{UserAgent}
	h["Accept-Encoding"] = []string{"identity"}
	// Present and empty: it is not sent, and tells the transport that a request whose reused connection turns out to be
	// closed may be sent once more on another. It may: receivers know an event by its webhook-id.
	if _, given := h["Idempotency-Key"]; !given {
		h["Idempotency-Key"] = nil
	}
	return h
}
