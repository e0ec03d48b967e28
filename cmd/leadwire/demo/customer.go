package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/signature"
)

// Customer is somebody whose endpoint is sent what leaves. It verifies each request as any receiver would, and takes it.
type Customer struct {
	listener net.Listener
	server   *http.Server

	mu    sync.Mutex
	key   signature.WebhookKey
	taken int
	odd   int             // that are not signed as they should be
	took  []time.Duration // from when an event was decided until it came: the newest
}

// maxTook is how many are remembered: the demo of an evening.
const maxTook = 100_000

// OpenCustomer listens on a free port of this machine. Nothing is taken before Trust.
func OpenCustomer(ctx context.Context) (*Customer, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for a customer: %w", err)
	}
	c := &Customer{listener: l}
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = c.server.Serve(l) }() // until Close
	return c, nil
}

// URL is the endpoint.
func (c *Customer) URL() string { return "http://" + c.listener.Addr().String() + "/hooks/leadwire" }

// Trust tells the customer its endpoint's secret, as it was shown once.
func (c *Customer) Trust(secret string) error {
	key, err := signature.ParseWebhookKey(secret)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.key = key
	return nil
}

// maxEvent is the largest body that is read: an envelope is some 3 KB.
const maxEvent = 1 << 20

func (c *Customer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEvent))
	if err != nil {
		return // it was cut off, and comes again
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err = signature.VerifyWebhook(signature.Webhook{
		ID: r.Header.Get(signature.WebhookIDHeader), Timestamp: r.Header.Get(signature.WebhookTimestampHeader),
		Signature: r.Header.Get(signature.WebhookSignatureHeader), Body: body,
	}, at, c.key)
	if err != nil {
		c.odd++
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	c.taken++
	if decided, ok := createdAt(body); ok && len(c.took) < maxTook {
		c.took = append(c.took, max(0, at.Sub(decided)))
	}
	w.WriteHeader(http.StatusNoContent)
}

// Told says how many events were taken, how long half of them took at most from the decision, to the millisecond, and how many
// requests were refused.
func (c *Customer) Told() (taken int, median time.Duration, refused int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	took := slices.SortedFunc(slices.Values(c.took), cmp.Compare[time.Duration])
	if len(took) > 0 {
		median = took[len(took)/2]
	}
	return c.taken, median, c.odd
}

// Close ends it.
func (c *Customer) Close() error {
	if err := c.server.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// createdAt reads when an event was decided.
func createdAt(body []byte) (time.Time, bool) {
	var envelope struct {
		CreatedAt time.Time `json:"created_at"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil || envelope.CreatedAt.IsZero() {
		return time.Time{}, false
	}
	return envelope.CreatedAt, true
}
