package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
)

// courier is the outside of the product as a flow meets it: what it accepts it posts to the endpoint of the pixel, in
// order, and again until it is taken. It has faults on request, each of which the harness has to find.
type courier struct {
	pixelStandIn
	doors  []*door
	faults courierFaults
	known  int64
	lanes  []chan int64
	client *http.Client
}

// courierFaults happen to page view n; negative: never.
type courierFaults struct {
	lose, repeat, stray, forge int64
	refuse                     func(n int64) bool // answered 429; nil: none
}

func faultless() courierFaults { return courierFaults{lose: -1, repeat: -1, stray: -1, forge: -1} }

const courierRun = "0badcafe"

// startCourier serves a flow, whose endpoints it knows.
func startCourier(t *testing.T, f *flow, faults courierFaults) *pixelServer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	receivers, err := openReceivers(ctx, courierRun, f.planned.lanes, f.take)
	require.NoError(t, err)
	c := &courier{doors: receivers.doors, faults: faults, known: int64(f.planned.knows()), client: &http.Client{}}
	var work sync.WaitGroup
	for _, d := range receivers.doors {
		key, err := signature.NewWebhookKey(domain.HMACSecret)
		require.NoError(t, err)
		d.key.Store(&key)
		c.lanes = append(c.lanes, make(chan int64, 10_000))
	}
	for i := range c.lanes {
		work.Go(func() { c.serve(ctx, i) })
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /p", c.hit)
	mux.HandleFunc("GET /metrics", c.metrics)
	outside := httptest.NewServer(mux)
	t.Cleanup(func() {
		outside.Close()
		cancel()
		work.Wait()
		require.NoError(t, receivers.close())
		c.client.CloseIdleConnections()
	})
	server := &pixelServer{ownServer: &ownServer{Target: Target{URL: outside.URL, PID: os.Getpid()}}, receivers: receivers}
	to, host, err := server.address(ctx)
	require.NoError(t, err)
	require.NoError(t, f.aim(courierRun, to, host))
	return server
}

func (c *courier) hit(w http.ResponseWriter, r *http.Request) {
	var events []struct{ ID string }
	if json.NewDecoder(r.Body).Decode(&events) != nil || len(events) != 1 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	n, _ := strconv.ParseInt(events[0].ID[len(courierRun)+1:], 10, 64)
	if c.faults.refuse != nil && c.faults.refuse(n) {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	c.mu.Lock()
	c.events++
	c.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
	id := r.URL.Query().Get("v")
	visitor, _ := strconv.ParseInt(id[len(id)-vDigits:], 10, 64)
	px := r.URL.Query().Get("px")
	lane, err := strconv.Atoi(px[len(px)-lDigits:])
	if err == nil && visitor < c.known && n != c.faults.lose {
		c.lanes[lane] <- n
	}
}

// serve takes an endpoint its events.
func (c *courier) serve(ctx context.Context, lane int) {
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-c.lanes[lane]:
			to := lane
			if n == c.faults.stray {
				to = (lane + 1) % len(c.doors)
			}
			for !c.post(ctx, to, n) && until(ctx, time.Now().Add(20*time.Millisecond)) == nil {
			}
			if n == c.faults.repeat {
				c.post(ctx, to, n)
			}
		}
	}
}

func (c *courier) post(ctx context.Context, to int, n int64) bool {
	body := fmt.Appendf(nil, `{"type":"visitor.identified","event":{"id":"%s-%010d"}}`, courierRun, n)
	id, now := "msg-"+strconv.FormatInt(n, 10), time.Now()
	signed, err := signature.SignWebhook(id, now, body, *c.doors[to].key.Load())
	if err != nil {
		return false
	}
	if n == c.faults.forge {
		body = append(body, ' ')
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://%s/", c.doors[to].address), bytes.NewReader(body))
	if err != nil {
		return false
	}
	request.Header.Set(signature.WebhookIDHeader, id)
	request.Header.Set(signature.WebhookTimestampHeader, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(signature.WebhookSignatureHeader, signed)
	response, err := c.client.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusNoContent
}
