package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	siteOrigin = "https://shop.example"
	// knownVisitors of the site's visitors are in the graph, and a rest is not.
	knownVisitors = 150
	allVisitors   = 250
)

// site is a web site with a pixel: many visitors, of whom a graph knows the first. Of four hits one is told a
// second time. What is not acked is sent until it is.
type site struct {
	client *http.Client

	mu       sync.Mutex
	acked    map[string]int // hit → its visitor
	told     []hit
	open     []hit
	sent     int
	turn     int
	statuses map[int]int
}

// hit is one page view.
type hit struct {
	id      string
	visitor int
}

func newSite(t *testing.T) *site {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &site{client: &http.Client{Transport: transport, Timeout: patience}, acked: map[string]int{}, statuses: map[int]int{}}
}

func visitorOf(n int) string { return fmt.Sprintf("5171e0f0-0000-4000-8000-%012d", n) }

// buildGraph makes the graph of the site's known visitors with the program itself.
func buildGraph(t *testing.T) (path string) {
	t.Helper()
	dir := t.TempDir()
	var people strings.Builder
	people.WriteString("id,first_name,last_name,business_email,visitors\n")
	for n := range knownVisitors {
		fmt.Fprintf(&people, "p%d,Person,Number %d,person%d@company.example,%s\n", n, n, n, visitorOf(n))
	}
	csv := filepath.Join(dir, "people.csv")
	require.NoError(t, os.WriteFile(csv, []byte(people.String()), 0o600))
	path = filepath.Join(dir, "graph.lwg")
	leadwire(t, "graph", "build", "--persons", csv, "--out", path)
	return path
}

// leadwire runs a command and returns what it printed.
func leadwire(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(binary, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s: %s", args, stderr.String())
	return string(out)
}

// catalog is one account with a pixel whose visitors enter a campaign of these buyers.
func (s *site) catalog(graph string, buyers []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "graph: %s\nsources: []\naccounts:\n  - id: acme\n    name: Acme\n    locations: []\n", graph)
	fmt.Fprintf(&b, "    campaigns: [{id: visitors, method: round_robin, buyers: [%s]}]\n    buyers:\n", strings.Join(buyers, ", "))
	for _, buyer := range buyers {
		fmt.Fprintf(&b, "      - {id: %s, tokens: [{id: desk, expires_at: 2099-01-01T00:00:00Z}]}\n", buyer)
	}
	fmt.Fprintf(&b, "    pixels: [{id: shop, origins: [%q], campaign: visitors, rate: 100000, rate_per_address: 100000, announce: {coalesce: 200ms}}]\n", siteOrigin)
	return b.String()
}

func (s *site) run(p *process, stop <-chan struct{}) *sync.WaitGroup {
	return eightAtOnce(stop, func() { s.send(p, s.draw()) })
}

func (s *site) draw() hit {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) > 0 {
		h := s.open[0]
		s.open = s.open[1:]
		return h
	}
	s.turn++
	if s.turn%4 == 0 && len(s.told) > 0 {
		return s.told[rand.IntN(len(s.told))]
	}
	s.sent++
	return hit{fmt.Sprintf("hit-%d", s.sent), rand.IntN(allVisitors)}
}

func (s *site) send(p *process, h hit) {
	body := fmt.Sprintf(`{"id":%q,"type":"page_view","view":"v-%s","url":%q,"title":"Pricing"}`, h.id, h.id, siteOrigin+"/pricing")
	status, err := s.post(p, fmt.Sprintf("/p?px=shop&v=%s", visitorOf(h.visitor)), body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.statuses[status]++
	}
	_, again := s.acked[h.id]
	switch {
	case again:
	case err == nil && status == http.StatusNoContent:
		s.acked[h.id] = h.visitor
		s.told = append(s.told, h)
	default:
		s.open = append(s.open, h)
	}
}

func (s *site) post(p *process, path, body string) (int, error) {
	req, err := http.NewRequest(http.MethodPost, p.url(path), strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Origin", siteOrigin)
	req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
	res, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0, err
	}
	return res.StatusCode, nil
}

func (s *site) ackedHits() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acked)
}

func (s *site) unacked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// visited are the people whose visitor was acked.
func (s *site) visited() map[domain.LeadID]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[domain.LeadID]bool{}
	for _, visitor := range s.acked {
		if visitor < knownVisitors {
			out[domain.LeadOfPerson(domain.PersonID(fmt.Sprintf("p%d", visitor)))] = true
		}
	}
	return out
}

// viewed counts the acked views of everybody who is known.
func (s *site) viewed() map[domain.LeadID]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[domain.LeadID]int{}
	for _, visitor := range s.acked {
		if visitor < knownVisitors {
			out[domain.LeadOfPerson(domain.PersonID(fmt.Sprintf("p%d", visitor)))]++
		}
	}
	return out
}
