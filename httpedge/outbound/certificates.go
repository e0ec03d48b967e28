package outbound

import (
	"bytes"
	"container/list"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// certificates keeps a transport for each endpoint that knows us by a client certificate. A connection says who we are
// for as long as it lives, so none is ever used for another endpoint.
type certificates struct {
	most    int
	clock   domain.Clock
	connect func(*tls.Certificate) *http.Transport

	mu    sync.Mutex
	held  map[domain.EndpointKey]*list.Element
	order *list.List // of *certified, the last used first
}

// certified is an endpoint's certificate and what goes by it.
type certified struct {
	endpoint domain.EndpointKey
	id       string
	leaf     *x509.Certificate
	by       *http.Transport
}

func newCertificates(most int, clock domain.Clock, connect func(*tls.Certificate) *http.Transport) *certificates {
	return &certificates{most: most, clock: clock, connect: connect, held: map[domain.EndpointKey]*list.Element{}, order: list.New()}
}

// transport is the one that shows a certificate, or why there is none.
func (c *certificates) transport(endpoint domain.EndpointKey, given domain.ClientCertificate) (by *http.Transport, lacks string) {
	one := c.find(endpoint, given.ID)
	if one == nil {
		pair, err := readCertificate(given.PEM)
		if err != nil {
			return nil, "the client certificate cannot be used: it " + err.Error()
		}
		one = c.keep(&certified{endpoint: endpoint, id: given.ID, leaf: pair.Leaf, by: c.connect(&pair)})
	}
	if reason := invalid(one.leaf, c.clock.Now()); reason != "" {
		return nil, "the client certificate " + reason
	}
	return one.by, ""
}

func (c *certificates) find(endpoint domain.EndpointKey, id string) *certified {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, held := c.held[endpoint]
	if !held {
		return nil
	}
	one, _ := at.Value.(*certified)
	if one.id != id {
		return nil
	}
	c.order.MoveToFront(at)
	return one
}

// keep takes one in, in the place of another of the endpoint, unless somebody was faster. What goes loses its idle
// connections; those in use end with their attempts, or are closed when they have been idle.
func (c *certificates) keep(fresh *certified) *certified {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, held := c.held[fresh.endpoint]; held {
		one, _ := at.Value.(*certified)
		if one.id == fresh.id {
			return one
		}
		c.drop(at)
	}
	c.held[fresh.endpoint] = c.order.PushFront(fresh)
	for len(c.held) > c.most {
		c.drop(c.order.Back())
	}
	return fresh
}

func (c *certificates) drop(at *list.Element) {
	one, _ := c.order.Remove(at).(*certified)
	delete(c.held, one.endpoint)
	one.by.CloseIdleConnections()
}

func (c *certificates) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.held) > 0 {
		c.drop(c.order.Back())
	}
}

// What is exported of them. An endpoint's own series is there once its certificate was used, and at most for as many as are
// held.
var (
	certificateEnds = prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, "client_certificate_expires_timestamp_seconds"),
		"When the client certificate that an endpoint is shown is good no longer.", []string{"account", "endpoint"}, nil)
	certificatesLeft = prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, "client_certificate_left_seconds_min"),
		"How long the client certificate is good that ends first; +Inf: there is none.", nil, nil)
	certificatesHeld = prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, "client_certificates"),
		"Client certificates that connections are kept for.", nil, nil)
	certificatesMost = prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, "client_certificates_limit"),
		"The most client certificates that connections are kept for.", nil, nil)
)

// Describe makes it a prometheus.Collector.
func (c *certificates) Describe(to chan<- *prometheus.Desc) {
	to <- certificateEnds
	to <- certificatesLeft
	to <- certificatesHeld
	to <- certificatesMost
}

// Collect makes it a prometheus.Collector.
func (c *certificates) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, left := c.clock.Now(), math.Inf(1)
	for at := c.order.Front(); at != nil; at = at.Next() {
		one, _ := at.Value.(*certified)
		left = min(left, one.leaf.NotAfter.Sub(now).Seconds())
		to <- prometheus.MustNewConstMetric(certificateEnds, prometheus.GaugeValue, float64(one.leaf.NotAfter.Unix()),
			string(one.endpoint.Account), string(one.endpoint.Endpoint))
	}
	to <- prometheus.MustNewConstMetric(certificatesLeft, prometheus.GaugeValue, left)
	to <- prometheus.MustNewConstMetric(certificatesHeld, prometheus.GaugeValue, float64(len(c.held)))
	to <- prometheus.MustNewConstMetric(certificatesMost, prometheus.GaugeValue, float64(c.most))
}

// CheckCertificate reads a client certificate, its chain and its key in PEM, and says until when it is good. Its error is
// Invalid, for the field "pem", and shows nothing of it.
func CheckCertificate(text []byte, now time.Time) (until time.Time, err error) {
	pair, err := readCertificate(text)
	if err != nil {
		return until, domain.FailField("check client certificate", "pem", err.Error())
	}
	if reason := invalid(pair.Leaf, now); reason != "" {
		return until, domain.FailField("check client certificate", "pem", reason)
	}
	return pair.Leaf.NotAfter, nil
}

// invalid says why a certificate is not good at a time.
func invalid(leaf *x509.Certificate, now time.Time) string {
	const day = "2 January 2006 15:04 MST"
	switch {
	case now.Before(leaf.NotBefore):
		return "is not valid before " + leaf.NotBefore.UTC().Format(day)
	case now.After(leaf.NotAfter):
		return "expired on " + leaf.NotAfter.UTC().Format(day)
	default:
		return ""
	}
}

// readCertificate takes the text apart. Errors are in words of ours: the standard library's might quote it.
func readCertificate(text []byte) (tls.Certificate, error) {
	var chain, keys int
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if len(bytes.TrimSpace(rest)) > 0 && bytes.Contains(rest, []byte("-----BEGIN")) {
				return tls.Certificate{}, errors.New("has a block that is no PEM")
			}
			break
		}
		switch {
		case block.Type == "CERTIFICATE":
			chain++
		case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
			return tls.Certificate{}, errors.New("has a key with a passphrase: give it without one")
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			keys++
		}
	}
	if chain == 0 || keys != 1 {
		return tls.Certificate{}, fmt.Errorf("must hold a certificate, those that lead to its authority, and one private key, in PEM: it has %d certificates and %d keys", chain, keys)
	}
	pair, err := tls.X509KeyPair(text, text)
	switch {
	case err != nil && strings.Contains(err.Error(), "does not match"):
		return tls.Certificate{}, errors.New("has a key that is not its first certificate's")
	case err != nil:
		return tls.Certificate{}, errors.New("has a certificate or a key that cannot be read")
	}
	if uses := pair.Leaf.ExtKeyUsage; len(uses) > 0 && !slices.Contains(uses, x509.ExtKeyUsageClientAuth) && !slices.Contains(uses, x509.ExtKeyUsageAny) {
		return tls.Certificate{}, errors.New("is not for clients (its extended key usage)")
	}
	return pair, nil
}
