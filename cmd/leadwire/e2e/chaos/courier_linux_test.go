package chaos_test

import (
	"context"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// courier brings requests to some node, again and again and each time to any, until one is answered 2xx: as a CRM does
// behind a balancer that knows nothing, but quicker.
type courier struct {
	nodes   []*node
	client  *http.Client
	history *history

	under   atomic.Int64 // on their way
	mu      sync.Mutex
	answers map[int]int // by status; 0: none came
}

const (
	tryLimit    = 3 * time.Second // of one try
	firstPause  = 50 * time.Millisecond
	mostPause   = time.Second
	dialPatient = time.Second
)

func newCourier(nodes []*node, h *history) *courier {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DialContext: (&net.Dialer{Timeout: dialPatient}).DialContext}
	return &courier{nodes: nodes, client: &http.Client{Transport: transport, Timeout: tryLimit}, history: h, answers: map[int]int{}}
}

// request is one event, told the same way every time.
type request struct {
	id     string
	path   string
	header http.Header
	body   string
	good   int // the answer that says that it is durable
}

// bring returns true when the request was acked, and false when ctx ended before.
func (c *courier) bring(ctx context.Context, r request) bool {
	c.under.Add(1)
	defer c.under.Add(-1)
	pause := firstPause
	for tries := 1; ; tries++ {
		n := c.nodes[rand.IntN(len(c.nodes))]
		status := c.try(ctx, n, r)
		c.mu.Lock()
		c.answers[status]++
		c.mu.Unlock()
		if status == r.good {
			c.history.note(acked, map[string]any{"id": r.id, "node": n.name, "tries": tries})
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, mostPause)
	}
}

// try returns the status, or 0 when no whole answer came.
func (c *courier) try(ctx context.Context, n *node, r request) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url(r.path), strings.NewReader(r.body))
	if err != nil {
		return 0
	}
	req.Header = r.header.Clone()
	res, err := c.client.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0
	}
	return res.StatusCode
}

// statuses are the answers so far.
func (c *courier) statuses() map[int]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.answers)
}

// source makes events at a rate, whatever becomes of them.
type source interface {
	// next is the event of a turn, and what to do when it is acked.
	next() (r request, done func())
}

// drive lets a source speak at a rate until stop, and returns when all it said is acked or ctx has ended.
func drive(ctx context.Context, stop <-chan struct{}, c *courier, s source, rate int) {
	var all sync.WaitGroup
	defer all.Wait()
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C: // a late machine skips turns: then the load is less
		}
		r, done := s.next()
		all.Go(func() {
			if c.bring(ctx, r) {
				done()
			}
		})
	}
}
