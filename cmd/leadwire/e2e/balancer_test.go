package e2e_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// balancer is a program in front of nodes, as docs/deploy sets it up.
type balancer struct {
	name   string
	base   string // https://127.0.0.1:port
	client *http.Client
	pages  []*dashboard
}

// Both load balancers, with the files that docs/deploy ships, in front of three nodes: webhooks and streams come through, a node that
// dies or stops costs nobody an answer that a CRM would take for final, and where no node is left webhooks are put off.
func TestBalancers(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	part(t, "nginx", "nginx-light")
	part(t, "haproxy", "haproxy")
	crm, site := newCRM(t), freeAddress(t)
	nodes, tokens := threeNodes(t, crm, "https://"+site)
	s := &behind{t: t, crm: crm}
	ctx, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer func() { leave(); wg.Wait() }()
	for _, door := range []balancer{startNginx(t, site, nodes), startHAProxy(t, nodes)} {
		door.closedToStrangers(t)
		for _, page := range openAll(tokens) {
			page.client = *door.client
			wg.Go(func() { page.follow(ctx, door.base+"/api/buyer/events") })
			require.True(t, page.until(ctx, func() bool { return page.last != "" }), door.name)
			door.pages = append(door.pages, page)
		}
		s.doors = append(s.doors, door)
	}

	for range 20 {
		require.Equal(t, http.StatusOK, s.send())
		s.arrive() // a balancer that buffers shows nothing before the stream ends
	}
	nginx, haproxy := s.doors[0], s.doors[1]
	for buyer, token := range tokens {
		haproxy.learns(t, token)
		where := nginx.ask(t, "/api/buyer/stream", token)
		require.Regexp(t, `^https://`+site+`/node-[123]/api/buyer/events\?ticket=`, where.URL, buyer)
		nginx.opens(t, where.URL)
	}
	nodes[0].kill()
	for acked := 0; acked < 10; {
		if s.send() == http.StatusOK {
			acked++
		}
	}
	s.arrive()
	for _, token := range tokens {
		haproxy.learns(t, token)
	}
	leadwire(t, "cluster", "drain", "--data", nodes[1].data, "--wait", patience.String()) // the hook of docs/deploy
	for range 10 {
		require.Equal(t, http.StatusOK, s.send())
	}
	require.NoError(t, nodes[1].cmd.Process.Signal(syscall.SIGTERM))
	for gone := false; !gone; {
		s.send()
		select {
		case <-nodes[1].exited:
			gone = true
		default:
		}
	}
	for s.send() != http.StatusOK {
		continue
	}
	s.arrive()
	for _, door := range s.doors {
		for _, page := range door.pages {
			_, resyncs := page.counts()
			require.Zero(t, resyncs, door.name)
			for i, row := range page.seen() {
				require.EqualValues(t, i+1, row.Seq, "%s: each row is shown once, in its order", door.name)
			}
		}
	}
	nodes[2].stop()
	for _, door := range s.doors {
		require.Equal(t, http.StatusTooManyRequests, door.webhook(t, crm, s.acked+1), door.name)
	}
}

// threeNodes share a Postgres and know of the proxies in front of them.
func threeNodes(t *testing.T, crm *crm, site string) (nodes []*balanced, tokens map[string]string) {
	t.Helper()
	url, seeds := pgtest.Fresh(t), filepath.Join(t.TempDir(), "seeds")
	tokens = apply(t, []string{"--store", url, "--data", t.TempDir()}, crm.catalog(buyers, 0))
	for i := range 3 {
		n := &balanced{data: t.TempDir()}
		n.process = serve(t, []string{"--store", url, "--data", n.data}, "--join", "file:"+seeds, "--cluster-secret", "MDEyMzQ1Njc4OWFiY2RlZg==",
			"--trusted-proxies", "127.0.0.0/8", "--public-url", site, "--node-url", fmt.Sprintf("%s/node-%d", site, i+1), "--drain-grace", "2s")
		at := standing(t, n.data)
		for _, m := range at.Members {
			if m.Local {
				n.actors = m.Address
			}
		}
		require.NoError(t, os.WriteFile(seeds, []byte(at.Gossip+"\n"), 0o600))
		nodes = append(nodes, n)
	}
	return nodes, tokens
}

// balanced is a node with a folder of its own.
type balanced struct {
	*process
	data   string
	actors string // where its actor messages go, by which Leadwire-Owner names it
}

// learns requires that what is asked with a token comes to the buyer's own node, once an answer has said which that is.
func (b balancer) learns(t *testing.T, token string) {
	t.Helper()
	for end := time.Now().Add(patience); ; <-time.After(patienceStep) { // who owns what settles a moment after a node has gone
		_ = b.ask(t, "/api/buyer/stream", token)
		where := b.ask(t, "/api/buyer/stream", token)
		if where.Local {
			return
		}
		require.True(t, time.Now().Before(end), "the buyer lives on %s and was asked for elsewhere", where.Owner)
	}
}

// whereabouts is what a page is told of where its buyer lives.
type whereabouts struct {
	Owner, URL string
	Local      bool
}

func (b balancer) ask(t *testing.T, path, token string) (where whereabouts) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.base+path, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := b.client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.NoError(t, json.NewDecoder(res.Body).Decode(&where))
	require.Equal(t, res.Header.Get("Leadwire-Owner"), where.Owner)
	return where
}

// opens requires that a stream is at a URL, for whoever has nothing but that.
func (b balancer) opens(t *testing.T, url string) {
	t.Helper()
	res, err := b.client.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, "text/event-stream", res.Header.Get("Content-Type"), res.Status)
	_, err = res.Body.Read(make([]byte, 1)) // its head, while it goes on
	require.NoError(t, err)
}

// behind is a CRM and pages that reach nodes through balancers only.
type behind struct {
	t     *testing.T
	crm   *crm
	doors []balancer
	sent  int // tries; each goes through the next door
	acked int // leads
}

// send tells of the next lead, and of the same one again when it was put off. Anything but these two answers a CRM takes for final.
func (b *behind) send() (status int) {
	b.t.Helper()
	door := b.doors[b.sent%len(b.doors)]
	b.sent++
	status = door.webhook(b.t, b.crm, b.acked+1)
	require.Contains(b.t, []int{http.StatusOK, http.StatusTooManyRequests}, status, door.name)
	if status == http.StatusOK {
		b.acked++
	}
	return status
}

// arrive waits until the pages behind every door were shown what was acked.
func (b *behind) arrive() {
	b.t.Helper()
	for end := time.Now().Add(patience); ; <-time.After(patienceStep) { // many pages, any of which may be shown the next
		late := ""
		for _, door := range b.doors {
			shown := 0
			for _, page := range door.pages {
				rows, _ := page.counts()
				shown += rows
			}
			if shown < b.acked {
				late += fmt.Sprintf("%s: %d leads were acked and %d are shown. ", door.name, b.acked, shown)
			}
		}
		if late == "" {
			return
		}
		require.True(b.t, time.Now().Before(end), late)
	}
}

// webhook posts a new lead and returns the answer's status; a 429 has to say when to come again.
func (b balancer) webhook(t *testing.T, crm *crm, n int) int {
	t.Helper()
	body := event{lead: fmt.Sprintf("b%d", n)}.body()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.base+"/leads/webhook/ghl", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("X-GHL-Signature", crm.sign(body))
	res, err := b.client.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	if res.StatusCode == http.StatusTooManyRequests {
		require.Regexp(t, `^\d+$`, res.Header.Get("Retry-After"))
	}
	return res.StatusCode
}

func (b balancer) closedToStrangers(t *testing.T) {
	t.Helper()
	for path, status := range map[string]int{
		"/": http.StatusOK, "/metrics": http.StatusNotFound, "/healthz": http.StatusNotFound, "/readyz": http.StatusNotFound, "/api/status": http.StatusNotFound,
	} {
		res, err := b.client.Get(b.base + path)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, status, res.StatusCode, path)
	}
}

func startNginx(t *testing.T, address string, nodes []*balanced) balancer {
	t.Helper()
	dir, b := t.TempDir(), balancer{name: "nginx"}
	cert, key := b.certify(t, address)
	site := shipped(t, "nginx.conf", "10.0.0.1:8080", nodes[0].address, "10.0.0.2:8080", nodes[1].address, "10.0.0.3:8080", nodes[2].address, "listen 443", "listen "+address,
		"/etc/leadwire/tls.crt", write(t, dir, "tls.crt", cert), "/etc/leadwire/tls.key", write(t, dir, "tls.key", key))
	main := "daemon off;\npid " + dir + "/pid;\nworker_processes 2;\nerror_log stderr;\nevents {}\nhttp {\n  access_log off;\n"
	if os.Geteuid() == 0 {
		main = "user root;\n" + main
	}
	for _, what := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		main += fmt.Sprintf("  %s_temp_path %s/%s;\n", what, dir, what)
	}
	main += "  include " + write(t, dir, "site.conf", []byte(site)) + ";\n}\n"
	daemon(t, address, part(t, "nginx", "nginx-light"), "-e", "stderr", "-p", dir, "-c", write(t, dir, "nginx.conf", []byte(main)))
	return b
}

func startHAProxy(t *testing.T, nodes []*balanced) balancer {
	t.Helper()
	dir, address, b := t.TempDir(), freeAddress(t), balancer{name: "haproxy"}
	cert, key := b.certify(t, address)
	config := shipped(t, "haproxy.cfg", "10.0.0.1:8080", nodes[0].address, "10.0.0.2:8080", nodes[1].address, "10.0.0.3:8080", nodes[2].address,
		"10.0.0.1:7947", nodes[0].actors, "10.0.0.2:7947", nodes[1].actors, "10.0.0.3:7947", nodes[2].actors, "bind :443", "bind "+address,
		"/etc/leadwire/tls.pem", write(t, dir, "tls.pem", cert, key), "maxconn 50000", "maxconn 1000")
	daemon(t, address, part(t, "haproxy", "haproxy"), "-db", "-f", write(t, dir, "haproxy.cfg", []byte(config)))
	return b
}

// certify makes a certificate for the balancer, and the client that trusts it.
func (b *balancer) certify(t *testing.T, address string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "leads.example.com"}, DNSNames: []string{"leads.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "leads.example.com"}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	b.base, b.client = "https://"+address, &http.Client{Transport: transport}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}
