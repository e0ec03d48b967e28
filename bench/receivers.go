package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
)

// receivers are the customers' endpoints of a run, all of them behind one listener of this process: /0, /1, ... They
// verify each request, answer 204 at once, and note what came when.
type receivers struct {
	listener net.Listener
	server   *http.Server
	run      string

	mu       sync.Mutex
	keys     []signature.WebhookKey // by endpoint
	arrivals []arrival
	known    map[string]bool // endpoint and webhook-id of what has come
	repeated int
	forged   int
}

// arrival is an event that has come to an endpoint for the first time.
type arrival struct {
	event int64 // number of the hit that it is about; negative: it names none of this run
	first bool  // a first match; else an update
	at    time.Time
}

// maxDelivery is the largest body that is read: an envelope is some 3 KB.
const maxDelivery = 1 << 20

func openReceivers(ctx context.Context, run string) (*receivers, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for deliveries: %w", err)
	}
	r := &receivers{listener: l, run: run, known: map[string]bool{}}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = r.server.Serve(l) }() // until close
	return r, nil
}

// url is endpoint i's.
func (r *receivers) url(i int) string { return fmt.Sprintf("http://%s/%d", r.listener.Addr(), i) }

// endpoints are so many of them, as a catalog has them.
func (r *receivers) endpoints(n int) []domain.Endpoint {
	all := make([]domain.Endpoint, n)
	for i := range all {
		all[i] = domain.Endpoint{ID: endpointID(i), URL: r.url(i), Concurrency: 64}
	}
	return all
}

func (r *receivers) close() error {
	err := r.server.Close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (r *receivers) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(io.LimitReader(request.Body, maxDelivery))
	if err != nil {
		return // cut off: it is sent again
	}
	key, known := r.keyOf(request.URL.Path)
	if !known {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	header := request.Header.Get
	id := header(signature.WebhookIDHeader)
	forged := signature.VerifyWebhook(signature.Webhook{
		ID: id, Timestamp: header(signature.WebhookTimestampHeader), Signature: header(signature.WebhookSignatureHeader), Body: body,
	}, at, key)
	r.note(request.URL.Path+" "+id, at, body, forged != nil)
	w.WriteHeader(http.StatusNoContent)
}

// add makes one more endpoint, with its key.
func (r *receivers) add(key signature.WebhookKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = append(r.keys, key)
}

func (r *receivers) keyOf(path string) (signature.WebhookKey, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, err := strconv.Atoi(strings.TrimPrefix(path, "/"))
	if err != nil || i < 0 || i >= len(r.keys) {
		return signature.WebhookKey{}, false
	}
	return r.keys[i], true
}

func (r *receivers) note(key string, at time.Time, body []byte, forged bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case forged:
		r.forged++
	case r.known[key]:
		r.repeated++
	default:
		r.known[key] = true
		r.arrivals = append(r.arrivals, arrival{r.hitOf(body), bytes.Contains(body, identified), at})
	}
}

var (
	identified = []byte(`"type":"` + string(domain.VisitorIdentifiedEvent) + `"`)
	eventMark  = []byte(`"event":{"id":"`)
)

// hitOf reads the number of the hit that an envelope is about.
func (r *receivers) hitOf(body []byte) int64 {
	i := bytes.Index(body, eventMark)
	if i < 0 {
		return -1
	}
	rest, ok := bytes.CutPrefix(body[i+len(eventMark):], []byte(r.run+"-"))
	if !ok || len(rest) < nDigits {
		return -1
	}
	n, err := strconv.ParseInt(string(rest[:nDigits]), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// await waits until so many have come, or for so long.
func (r *receivers) await(ctx context.Context, want int, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		r.mu.Lock()
		got := len(r.arrivals)
		r.mu.Unlock()
		if got >= want || time.Now().After(deadline) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// deliveryFigures are what a run with endpoints also says.
func deliveryFigures() []Spec {
	specs := []Spec{
		{Name: "deliveries", Unit: Number, Help: "events that came to an endpoint, each counted once per endpoint"},
		{Name: "deliveries.lost", Unit: Number, Help: "announced events that an endpoint was owed and that did not come by the end", Fault: true},
		{Name: "deliveries.repeated", Unit: Number, Help: "events that came to an endpoint again", Fault: true},
		{Name: "deliveries.forged", Unit: Number, Help: "requests to an endpoint whose signature is wrong", Fault: true},
		{Name: "deliveries.rate", Unit: PerSecond, Help: "events delivered a second, from the first of the measured part to the last"},
	}
	return append(specs, latency("delivered", "from when the page view of a first match was due until an endpoint had read its event")...)
}

// tell reports what came. owed is how many were announced, times the endpoints.
func (r *receivers) tell(report *Report, owed int, l *pixelLoad) {
	r.mu.Lock()
	defer r.mu.Unlock()
	took := NewRecorder()
	var first, last time.Time
	timed := 0
	for _, a := range r.arrivals {
		request := a.event / int64(l.cfg.Batch)
		if a.event < 0 || request < l.plan.warm || request >= l.sent {
			continue
		}
		timed++
		if a.first {
			took.Record(a.at.Sub(l.due(request)))
		}
		if first.IsZero() || a.at.Before(first) {
			first = a.at
		}
		if a.at.After(last) {
			last = a.at
		}
	}
	report.set("deliveries", float64(len(r.arrivals)))
	report.set("deliveries.lost", float64(max(0, owed-len(r.arrivals))))
	report.set("deliveries.repeated", float64(r.repeated))
	report.set("deliveries.forged", float64(r.forged))
	if timed > 1 {
		report.set("deliveries.rate", float64(timed-1)/last.Sub(first).Seconds())
	}
	report.setLatency("delivered", took)
}
