package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"time"
)

// MutualTLS is both sides' configuration for what nodes say to each other, gossip and actor messages, from files in PEM. Each side
// shows the certificate and takes only one that the authority has made. That authority is the cluster's own: whoever has a
// certificate of it is a node, whatever name or address stands in it, since nodes come and go under addresses that nobody knows
// beforehand. The certificate is read again when its file has changed, so that it is renewed while nodes run; the authority is
// read once.
func MutualTLS(cert, key, authority string) (server, client *tls.Config, err error) {
	text, err := os.ReadFile(authority)
	if err != nil {
		return nil, nil, fmt.Errorf("read the cluster's authority: %w", err)
	}
	known := x509.NewCertPool()
	if !known.AppendCertsFromPEM(text) {
		return nil, nil, fmt.Errorf("read the cluster's authority: %s holds no certificate", authority)
	}
	own := &certificate{cert: cert, key: key}
	if _, err := own.get(); err != nil {
		return nil, nil, err
	}
	server = &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own.get() },
	}
	client = &tls.Config{
		MinVersion:           tls.VersionTLS13,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own.get() },
		InsecureSkipVerify:   true, //nolint:gosec // of the name alone: the chain is verified right here
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return errors.New("the other node shows no certificate")
			}
			between := x509.NewCertPool()
			for _, c := range s.PeerCertificates[1:] {
				between.AddCert(c)
			}
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: known, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
			return err
		},
	}
	return server, client, nil
}

// certificateLeft is for how many seconds the certificate that a server shows is good; +Inf when it shows none.
func certificateLeft(server *tls.Config, now time.Time) float64 {
	var shown *tls.Certificate
	switch {
	case server == nil:
	case server.GetCertificate != nil:
		shown, _ = server.GetCertificate(&tls.ClientHelloInfo{}) // of a certificate that cannot be read, nothing is known
	case len(server.Certificates) > 0:
		shown = &server.Certificates[0]
	}
	if shown == nil || shown.Leaf == nil {
		return math.Inf(1)
	}
	return shown.Leaf.NotAfter.Sub(now).Seconds()
}

// certificate is one in files, as they are now.
type certificate struct {
	cert, key string

	mu      sync.Mutex
	changed time.Time // the later of the files' times when it was read
	loaded  *tls.Certificate
}

// get reads the files again when they have changed. While they do not fit together, because one was replaced and the other is
// about to be, what was read before goes on.
func (c *certificate) get() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var changed time.Time
	for _, path := range []string{c.cert, c.key} {
		info, err := os.Stat(path)
		switch {
		case err != nil && c.loaded != nil:
			return c.loaded, nil
		case err != nil:
			return nil, fmt.Errorf("read the node's certificate: %w", err)
		case info.ModTime().After(changed):
			changed = info.ModTime()
		}
	}
	if c.loaded != nil && changed.Equal(c.changed) {
		return c.loaded, nil
	}
	read, err := tls.LoadX509KeyPair(c.cert, c.key)
	switch {
	case err == nil:
		c.loaded, c.changed = &read, changed
	case c.loaded == nil:
		return nil, fmt.Errorf("read the node's certificate: %w", err)
	}
	return c.loaded, nil
}
