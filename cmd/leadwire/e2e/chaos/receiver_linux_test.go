package chaos_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/signature"
)

// receiver is a customer's endpoint: it verifies what comes, is unwell now and then, and remembers what it took.
type receiver struct {
	id      string
	url     string
	batch   string // what it asks for, in a catalog; "": each event alone
	key     signature.WebhookKey
	history *history
	server  *http.Server
	names   map[string]string // addresses of nodes

	mu     sync.Mutex
	moody  int                   // of so many requests one is answered 503; 0: none
	taken  map[string][]delivery // by lead, what was answered 204, as it came
	from   []arrival
	faults []string // what must not come
}

// arrival is one request, and the node it was of.
type arrival struct {
	at   time.Time
	node string
}

// delivery is one event that came.
type delivery struct{ ID, Lead, Type string }

func newReceiver(id, address string, h *history) (*receiver, error) {
	l, err := net.Listen("tcp", address+":0")
	if err != nil {
		return nil, err
	}
	r := &receiver{id: id, url: "http://" + l.Addr().String(), history: h, moody: 10, taken: map[string][]delivery{}}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: tryLimit, ReadTimeout: tryLimit}
	go func() { _ = r.server.Serve(l) }() // until it is closed
	return r, nil
}

// yaml is the endpoint in a catalog. It holds a person's events for as long as it takes, and is tried again soon: the slots
// of a schedule are fixed from the first failure on, so there are some for as long as a round and its patience.
func (r *receiver) yaml() string {
	return fmt.Sprintf("      - {id: %s, url: %q, schedule: [1s, 1s, 2s, 2s%s], terminal: 1h, hold: 1h%s}\n", r.id, r.url, strings.Repeat(", 10s", 26), r.batch)
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the node, or the link, went within it
	}
	id := req.Header.Get(signature.WebhookIDHeader)
	fault := signature.VerifyWebhook(signature.Webhook{
		ID: id, Timestamp: req.Header.Get(signature.WebhookTimestampHeader), Signature: req.Header.Get(signature.WebhookSignatureHeader), Body: body,
	}, time.Now(), r.key)
	events, unread := read(id, body)
	if fault == nil {
		fault = unread
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	status := http.StatusNoContent
	switch {
	case fault != nil:
		r.faults = append(r.faults, fmt.Sprintf("%s: %v", id, fault))
		status = http.StatusBadRequest
	case r.moody > 0 && rand.IntN(r.moody) == 0:
		status = http.StatusServiceUnavailable
	default:
		for _, e := range events {
			r.taken[e.Lead] = append(r.taken[e.Lead], e)
		}
	}
	from, _, _ := net.SplitHostPort(req.RemoteAddr)
	r.from = append(r.from, arrival{time.Now(), r.names[from]})
	r.history.note(came, map[string]any{"endpoint": r.id, "node": r.names[from], "status": status, "events": events})
	w.WriteHeader(status)
}

// read are the events of a request: of a batch each with its own id, else the one under the request's.
func read(id string, body []byte) (all []delivery, err error) {
	type envelope struct {
		Type string `json:"type"`
		Lead struct {
			ID string `json:"id"`
		} `json:"lead"`
	}
	var request struct {
		envelope

		Items []struct {
			ID   string   `json:"id"`
			Data envelope `json:"data"`
		} `json:"items"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	if request.Type != "batch" {
		return []delivery{{id, request.Lead.ID, request.Type}}, nil
	}
	for _, i := range request.Items {
		all = append(all, delivery{i.ID, i.Data.Lead.ID, i.Data.Type})
	}
	return all, nil
}

// well ends its moods.
func (r *receiver) well() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moody = 0
}
