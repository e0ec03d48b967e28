package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// row is one feed event as a dashboard gets it.
type row struct {
	Seq  int64  `json:"seq"`
	Lead string `json:"lead"`
	Type string `json:"type"`
}

// dashboard is a client that keeps its Last-Event-ID over everything that happens to its connection.
type dashboard struct {
	token string

	mu      sync.Mutex
	last    string
	opened  int // connections that were answered
	rows    []row
	resyncs int
	changed chan struct{}
	client  http.Client
}

func newDashboard(token string) *dashboard {
	return &dashboard{token: token, changed: make(chan struct{}, 1)}
}

// follow reads the stream at base until ctx ends or the stream breaks for good; it reconnects by
// itself, as a browser does.
func (d *dashboard) follow(ctx context.Context, url string) {
	for ctx.Err() == nil {
		d.once(ctx, url)
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond): // a browser's retry, shortened
		}
	}
}

func (d *dashboard) once(ctx context.Context, url string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	req.Header.Set("Accept", "text/event-stream")
	d.mu.Lock()
	if d.last != "" {
		req.Header.Set("Last-Event-ID", d.last)
	}
	d.mu.Unlock()
	res, err := d.client.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return
	}
	d.note(func() { d.opened++ })
	d.read(bufio.NewReader(res.Body))
}

// read takes whole blocks only: what a cut leaves unfinished was never received.
func (d *dashboard) read(r *bufio.Reader) {
	var id, event, data string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "":
			d.take(id, event, data)
			id, event, data = "", "", ""
		case strings.HasPrefix(line, "id:"):
			id = strings.TrimSpace(line[3:])
		case strings.HasPrefix(line, "event:"):
			event = strings.TrimSpace(line[6:])
		case strings.HasPrefix(line, "data:"):
			data += strings.TrimSpace(line[5:])
		}
	}
}

func (d *dashboard) take(id, event, data string) {
	d.note(func() {
		if id != "" {
			d.last = id
		}
		switch event {
		case "lead.assigned", "lead.updated":
			var r row
			if json.Unmarshal([]byte(data), &r) == nil {
				d.rows = append(d.rows, r)
			}
		case "resync":
			d.resyncs++
		}
	})
}

func (d *dashboard) note(f func()) {
	d.mu.Lock()
	f()
	d.mu.Unlock()
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// until waits for something to become true of the dashboard.
func (d *dashboard) until(ctx context.Context, f func() bool) bool {
	for {
		d.mu.Lock()
		ok := f()
		d.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-d.changed:
		case <-ctx.Done():
			return false
		}
	}
}

func (d *dashboard) seen() []row {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]row(nil), d.rows...)
}

func (d *dashboard) counts() (rows, resyncs int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.rows), d.resyncs
}

// openAll is one dashboard per buyer, none of which has seen anything yet.
func openAll(tokens map[string]string) map[string]*dashboard {
	all := map[string]*dashboard{}
	for buyer, token := range tokens {
		all[buyer] = newDashboard(token)
	}
	return all
}

// watch lets every dashboard follow a process; the function returned ends it and waits. It returns when
// each knows its place in the feed: what happens before a dashboard was ever open is not for it to see.
func watch(t *testing.T, p *process, dashboards map[string]*dashboard) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, d := range dashboards {
		wg.Go(func() { d.follow(ctx, p.url("/api/buyer/events")) })
	}
	stop = func() { cancel(); wg.Wait() }
	opening, enough := context.WithTimeout(ctx, patience)
	defer enough()
	for buyer, d := range dashboards {
		if !d.until(opening, func() bool { return d.last != "" }) {
			stop()
			t.Fatalf("the dashboard of %s did not open within %v\n%s", buyer, patience, p.log)
		}
	}
	return stop
}
