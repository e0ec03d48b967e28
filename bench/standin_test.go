package bench

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// standIn is the outside of the product in a hundred lines, with faults on request: the harness has to
// find each of them.
type standIn struct {
	key    ed25519.PublicKey
	faults faults

	mu     sync.Mutex
	count  int
	feeds  []feedOf
	wake   chan struct{} // closed and replaced with every event
	forged int
	cuts   int
}

type feedOf struct {
	seq    int64
	events []string
}

// faults happen to webhook k, counted from 1; 0: never.
type faults struct {
	swallow   int  // acked, and its lead never shown
	double    int  // shown on two buyers' streams
	skip      int  // its sequence number leaves one out
	refuse    int  // answered 429
	fail      int  // answered 500
	hangUp    int  // the connection ends without an answer
	cutStream int  // every stream is cut once, and comes back
	chunked   bool // answers have no Content-Length

	slow time.Duration // before each answer

	after func(k int) // called with every webhook; nil: nothing
}

const standInEpoch = "0badcafe"

// startStandIn serves so many buyers and returns what the harness needs to measure it.
func startStandIn(t *testing.T, buyers int, f faults) (*standIn, *Target) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newStandIn(public, buyers, f)
	server := httptest.NewServer(s.routes())
	t.Cleanup(server.Close)
	target := &Target{URL: server.URL, Key: private, Source: "ghl", Location: locationID, PID: os.Getpid()}
	for i := range buyers {
		target.Tokens = append(target.Tokens, "token-"+strconv.Itoa(i))
	}
	return s, target
}

func newStandIn(key ed25519.PublicKey, buyers int, f faults) *standIn {
	return &standIn{key: key, faults: f, feeds: make([]feedOf, buyers), wake: make(chan struct{})}
}

func (s *standIn) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /leads/webhook/ghl", s.webhook)
	mux.HandleFunc("GET /api/buyer/events", s.events)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	return mux
}

func (s *standIn) webhook(w http.ResponseWriter, r *http.Request) {
	received := time.Now()
	body, _ := io.ReadAll(r.Body)
	sig, _ := base64.StdEncoding.DecodeString(r.Header.Get("X-GHL-Signature"))
	var contact struct{ ID, LocationID, WebhookID, Type string }
	s.mu.Lock()
	defer s.mu.Unlock()
	if !ed25519.Verify(s.key, body, sig) || json.Unmarshal(body, &contact) != nil || contact.LocationID != locationID {
		s.forged++
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.count++
	if s.faults.slow > 0 {
		<-time.After(s.faults.slow) // one at a time, as a server does whose store is slow
	}
	if s.faults.after != nil {
		s.faults.after(s.count)
	}
	switch s.count {
	case s.faults.refuse:
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case s.faults.fail:
		w.WriteHeader(http.StatusInternalServerError)
		return
	case s.faults.hangUp:
		panic(http.ErrAbortHandler)
	case s.faults.skip:
		s.feeds[s.count%len(s.feeds)].seq++
	case s.faults.double:
		s.show(s.count+1, contact.ID, received)
	case s.faults.cutStream:
		s.cuts++
	}
	switch {
	case contact.Type == "ContactUpdate":
		s.tell("lead.updated", s.count, contact.ID, received)
	case s.count != s.faults.swallow:
		s.show(s.count, contact.ID, received)
	}
	if s.faults.chunked {
		w.(http.Flusher).Flush()
	}
	_, _ = io.WriteString(w, "{}")
}

func (s *standIn) show(turn int, contact string, received time.Time) {
	s.tell("lead.assigned", turn, contact, received)
}

func (s *standIn) tell(what string, turn int, contact string, received time.Time) {
	feed := &s.feeds[turn%len(s.feeds)]
	feed.seq++
	mark := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }
	now := time.Now()
	feed.events = append(feed.events, fmt.Sprintf(
		"id: %s-%d\nevent: %s\ndata: {\"seq\":%d,\"lead\":\"ghl-%s\",\"received_at\":%q,\"committed_at\":%q,\"published_at\":%q,\"replay\":false}\n\n",
		standInEpoch, feed.seq, what, feed.seq, contact, mark(received), mark(now), mark(now)))
	close(s.wake)
	s.wake = make(chan struct{})
}

func (s *standIn) events(w http.ResponseWriter, r *http.Request) {
	buyer, err := strconv.Atoi(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer token-"))
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	s.mu.Lock()
	sent, cuts := len(s.feeds[buyer].events), s.cuts
	if _, last, ok := strings.Cut(r.Header.Get("Last-Event-ID"), "-"); ok {
		seq, _ := strconv.ParseInt(last, 10, 64)
		sent -= int(s.feeds[buyer].seq - seq)
	}
	fmt.Fprintf(w, "retry: 50\n\nid: %s-%d\n\n", standInEpoch, s.feeds[buyer].seq-int64(len(s.feeds[buyer].events)-sent))
	s.mu.Unlock()
	for {
		s.mu.Lock()
		fresh, wake, cut := s.feeds[buyer].events[sent:], s.wake, s.cuts > cuts
		s.mu.Unlock()
		if cut {
			return
		}
		for _, e := range fresh {
			_, _ = io.WriteString(w, e)
		}
		sent += len(fresh)
		w.(http.Flusher).Flush()
		select {
		case <-wake:
		case <-r.Context().Done():
			return
		}
	}
}

func (s *standIn) metrics(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(w, "# HELP leadwire_commit_total Commits.\n")
	fmt.Fprintf(w, "leadwire_commit_total{result=\"ok\",writer=\"a\"} %d\n", s.count)
	fmt.Fprintf(w, "leadwire_commit_total{result=\"error\",writer=\"a\"} 0\n")
	fmt.Fprintf(w, "process_cpu_seconds_total %g\nprocess_resident_memory_bytes 6.7108864e+07\n", float64(s.count)/1000)
	fmt.Fprintf(w, "leadwire_commit_batch_operations_sum{writer=\"a\"} %d\n", 2*s.count)
	fmt.Fprintf(w, "leadwire_commit_batch_operations_count{writer=\"a\"} %d\n", s.count)
	fmt.Fprintf(w, "leadwire_commit_seconds_sum{writer=\"a\"} %g\nleadwire_commit_seconds_count{writer=\"a\"} %d\n", float64(s.count)/500, s.count)
}
