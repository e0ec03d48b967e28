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
	"sync/atomic"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
)

// receivers are the customers' endpoints of a run, all in this process, each behind a listener of its own, as customers'
// are. They verify each request, answer 204 at once unless one is told otherwise, and hand on what came.
type receivers struct {
	run   string
	take  func(delivery) // called for each request that was answered 204, by whoever serves it
	doors []*door

	came   atomic.Int64 // such requests
	forged atomic.Int64
}

// delivery is a request to an endpoint.
type delivery struct {
	to    int    // endpoint
	id    string // webhook-id
	hit   int64  // number of the hit that it is about; negative: it names none of this run
	first bool   // a first match; else an update
	at    time.Time
}

// door is one endpoint.
type door struct {
	receivers *receivers
	to        int
	address   net.Addr
	server    *http.Server
	key       atomic.Pointer[signature.WebhookKey]
	manners   atomic.Pointer[manners]
}

// manners are how an endpoint answers: with a status, after a while.
type manners func(now time.Time) (status int, after time.Duration)

// maxDelivery is the largest body that is read: an envelope is some 3 KB.
const maxDelivery = 1 << 20

func openReceivers(ctx context.Context, run string, n int, take func(delivery)) (*receivers, error) {
	r := &receivers{run: run, take: take}
	for i := range n {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(fmt.Errorf("listen for deliveries: %w", err), r.close())
		}
		d := &door{receivers: r, to: i, address: l.Addr()}
		d.server = &http.Server{Handler: d, ReadHeaderTimeout: 10 * time.Second}
		r.doors = append(r.doors, d)
		go func() { _ = d.server.Serve(l) }() // until close
	}
	return r, nil
}

// endpoints are all of them, as a catalog has them.
func (r *receivers) endpoints() []domain.Endpoint {
	all := make([]domain.Endpoint, len(r.doors))
	for i, d := range r.doors {
		all[i] = domain.Endpoint{ID: endpointID(i), URL: fmt.Sprintf("http://%s/", d.address), Concurrency: 64}
	}
	return all
}

func (r *receivers) close() error {
	var all error
	for _, d := range r.doors {
		all = errors.Join(all, d.close())
	}
	return all
}

// close refuses connections from now on, and cuts those that are open.
func (d *door) close() error {
	if err := d.server.Close(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// behave changes how it answers; nil: 204 at once.
func (d *door) behave(m manners) { d.manners.Store(&m) }

func (d *door) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(io.LimitReader(request.Body, maxDelivery))
	if err != nil {
		return // cut off: it is sent again
	}
	key := d.key.Load()
	if key == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if m := d.manners.Load(); m != nil && *m != nil {
		status, after := (*m)(at)
		if until(request.Context(), at.Add(after)) != nil {
			return // whoever sent it has gone
		}
		if status != http.StatusNoContent {
			w.WriteHeader(status)
			return
		}
	}
	d.receivers.hear(d.to, *key, request.Header, body, at)
	w.WriteHeader(http.StatusNoContent)
}

func (r *receivers) hear(to int, key signature.WebhookKey, header http.Header, body []byte, at time.Time) {
	id := header.Get(signature.WebhookIDHeader)
	if signature.VerifyWebhook(signature.Webhook{
		ID: id, Timestamp: header.Get(signature.WebhookTimestampHeader), Signature: header.Get(signature.WebhookSignatureHeader), Body: body,
	}, at, key) != nil {
		r.forged.Add(1)
		return
	}
	r.came.Add(1)
	r.take(delivery{to, id, r.hitOf(body), bytes.Contains(body, identified), at})
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
