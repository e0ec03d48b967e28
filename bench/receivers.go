package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

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

// door is one endpoint. It is served by fasthttp, which costs a third of net/http: what the receivers take is missing from
// what is measured.
type door struct {
	receivers *receivers
	to        int
	address   net.Addr
	ctx       context.Context
	shut      context.CancelFunc
	open      *openConns
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
		d := &door{receivers: r, to: i, address: l.Addr(), open: &openConns{Listener: l}}
		d.ctx, d.shut = context.WithCancel(context.WithoutCancel(ctx))
		server := &fasthttp.Server{Handler: d.serve, MaxRequestBodySize: maxDelivery, NoDefaultServerHeader: true, NoDefaultDate: true}
		r.doors = append(r.doors, d)
		go func() { _ = server.Serve(d.open) }() // until close
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
	d.shut()
	return d.open.shut()
}

// behave changes how it answers; nil: 204 at once.
func (d *door) behave(m manners) { d.manners.Store(&m) }

func (d *door) serve(c *fasthttp.RequestCtx) {
	at := time.Now()
	key := d.key.Load()
	if key == nil {
		c.SetStatusCode(fasthttp.StatusNotFound)
		return
	}
	if m := d.manners.Load(); m != nil && *m != nil {
		status, after := (*m)(at)
		if until(d.ctx, at.Add(after)) != nil {
			return // the door is shut
		}
		if status != fasthttp.StatusNoContent {
			c.SetStatusCode(status)
			return
		}
	}
	d.receivers.hear(d.to, *key, &c.Request.Header, c.PostBody(), at)
	c.SetStatusCode(fasthttp.StatusNoContent)
}

// hear keeps nothing of body and header, which are used again.
func (r *receivers) hear(to int, key signature.WebhookKey, header *fasthttp.RequestHeader, body []byte, at time.Time) {
	id := string(header.Peek(signature.WebhookIDHeader))
	if signature.VerifyWebhook(signature.Webhook{
		ID: id, Timestamp: string(header.Peek(signature.WebhookTimestampHeader)), Signature: string(header.Peek(signature.WebhookSignatureHeader)), Body: body,
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
