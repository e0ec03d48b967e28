package bench

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Target is a server to measure, configured for the run.
type Target struct {
	URL      string             // "http://host:port"; TLS is not measured
	Key      ed25519.PrivateKey // signs the webhooks; its public half is the source's
	Source   string             // the path's last part: POST /leads/webhook/{source}
	Location string             // the locationId that leads to the buyers
	Tokens   []string           // one stream is opened for each
	PID      int                // of the server's process; 0: not known, so its /metrics are believed instead of the kernel
}

// Against says how to reach a server that runs already.
type Against struct {
	URL        string
	KeyFile    string // Ed25519 private key: PKCS#8 PEM, or base64 of the 32-byte seed
	TokensFile string // one buyer's token a line
	Source     string // default "ghl"
	Location   string // a locationId whose campaign has exactly these buyers
}

// Target reads the files.
func (a Against) Target() (Target, error) {
	t := Target{URL: strings.TrimSuffix(a.URL, "/"), Source: a.Source, Location: a.Location}
	if t.Source == "" {
		t.Source = sourceID
	}
	if t.Location == "" {
		t.Location = locationID
	}
	text, err := os.ReadFile(a.KeyFile)
	if err != nil {
		return t, domain.FailField("read key", "key", err.Error())
	}
	if t.Key, err = parseKey(text); err != nil {
		return t, domain.FailField("read key", "key", err.Error())
	}
	list, err := os.ReadFile(a.TokensFile)
	if err != nil {
		return t, domain.FailField("read tokens", "tokens", err.Error())
	}
	if t.Tokens = strings.Fields(string(list)); len(t.Tokens) == 0 {
		return t, domain.FailField("read tokens", "tokens", "has none")
	}
	return t, nil
}

func parseKey(text []byte) (ed25519.PrivateKey, error) {
	if block, _ := pem.Decode(text); block != nil {
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		if key, ok := parsed.(ed25519.PrivateKey); ok {
			return key, nil
		}
		return nil, errors.New("is not an Ed25519 key")
	}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errors.New("want PKCS#8 PEM, or base64 of a 32-byte seed")
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// address finds where to connect, once: the run itself asks no name server.
func (t Target) address(ctx context.Context) (netip.AddrPort, string, error) {
	const op = "resolve target"
	u, err := url.Parse(t.URL)
	switch {
	case err != nil:
		return netip.AddrPort{}, "", domain.FailField(op, "url", err.Error())
	case u.Scheme != "http" || u.Host == "":
		return netip.AddrPort{}, "", domain.FailField(op, "url", "must be http://host:port; measure behind TLS on the proxy's plain side")
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return netip.AddrPort{}, "", domain.Fail(op, domain.Unavailable, err)
	}
	to, err := netip.ParseAddrPort(net.JoinHostPort(all[0].Unmap().String(), port))
	if err != nil {
		return netip.AddrPort{}, "", domain.FailField(op, "url", err.Error())
	}
	return to, u.Host, nil
}

// newRun names a run: 8 hex digits.
func newRun() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// ServerConfig says which server of our own to start.
type ServerConfig struct {
	Executable string   // default: this program
	Store      string   // default: the embedded store in a temporary folder; or a postgres:// URL of an empty database
	Args       []string // further arguments of serve
	Profile    string   // file for its CPU profile over the measured time; empty: none
}

// ownServer is a server of our own, with its run's tenant in place.
type ownServer struct {
	process *process
	Target
}

// startServer starts a server and applies a catalog of so many buyers.
func startServer(ctx context.Context, cfg ServerConfig, run string, buyers int) (*ownServer, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	p, err := startProcess(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := &ownServer{process: p, Target: Target{
		URL: p.URL, Key: private, Source: sourceID, Location: locationID, PID: p.cmd.Process.Pid,
	}}
	if s.Tokens, err = s.provision(ctx, run, buyers, public); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return s, nil
}

// provision sets the tenant up. A store that has a catalog already is somebody's: it is left alone.
func (s *ownServer) provision(ctx context.Context, run string, buyers int, key ed25519.PublicKey) ([]string, error) {
	out, err := s.process.apply(ctx, []byte(noCatalog), "--dry-run")
	if err != nil {
		return nil, err
	}
	there, err := parseApplied(out)
	if err != nil {
		return nil, err
	}
	if len(there.Changes) > 0 {
		return nil, domain.FailField("set up the run", "store", "has a catalog already: the bench wants an empty database of its own")
	}
	catalog, err := runCatalog(run, buyers, key, time.Now())
	if err != nil {
		return nil, err
	}
	if out, err = s.process.apply(ctx, catalog); err != nil {
		return nil, err
	}
	done, err := parseApplied(out)
	if err != nil {
		return nil, err
	}
	if len(done.Tokens) != buyers {
		return nil, domain.Fail("set up the run", domain.Internal, fmt.Errorf("apply gave %d tokens for %d buyers", len(done.Tokens), buyers))
	}
	return done.tokens(), nil
}

// stop takes the tenant away again, so that the next run finds the store as this one did, and ends the
// server. It works also when ctx is over: that is how a run is interrupted.
func (s *ownServer) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	var err error
	if s.process.store != "" { // the embedded store goes with its folder
		_, err = s.process.apply(ctx, []byte(noCatalog))
	}
	return errors.Join(err, s.process.stop())
}
