package chaos_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// row is one feed event as a dashboard gets it.
type row struct {
	Seq  int64  `json:"seq"`
	Lead string `json:"lead"`
	Type string `json:"type"`
}

// dashboard is one open page: it keeps its Last-Event-ID over everything that happens to its connection, and comes back
// to any node.
type dashboard struct {
	buyer, token string
	nodes        []*node
	history      *history
	client       *http.Client

	mu      sync.Mutex
	last    string
	rows    []row
	resyncs int
	opened  int
}

func newDashboard(buyer, token string, nodes []*node, h *history) *dashboard {
	transport := &http.Transport{DialContext: (&net.Dialer{Timeout: dialPatient}).DialContext, ResponseHeaderTimeout: tryLimit, DisableKeepAlives: true}
	return &dashboard{buyer: buyer, token: token, nodes: nodes, history: h, client: &http.Client{Transport: transport}}
}

const (
	heartbeat = time.Second // of nodes
	deadAfter = 3 * heartbeat
)

// follow reads the feed until ctx ends.
func (d *dashboard) follow(ctx context.Context) {
	for ctx.Err() == nil {
		d.once(ctx, d.nodes[rand.IntN(len(d.nodes))])
		select {
		case <-ctx.Done():
		case <-time.After(20*time.Millisecond + rand.N(200*time.Millisecond)): // a browser's retry, shortened
		}
	}
}

func (d *dashboard) get(ctx context.Context, n *node, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url(path), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	d.mu.Lock()
	if d.last != "" {
		req.Header.Set("Last-Event-ID", d.last)
	}
	d.mu.Unlock()
	return d.client.Do(req)
}

func (d *dashboard) once(ctx context.Context, n *node) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	res, err := d.get(ctx, n, "/api/buyer/events")
	if err != nil {
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return
	}
	d.mu.Lock()
	d.opened++
	d.mu.Unlock()
	silence := time.AfterFunc(deadAfter, cancel)
	defer silence.Stop()
	d.read(bufio.NewReader(res.Body), n, func() { silence.Reset(deadAfter) })
}

// read takes whole blocks only: what a cut leaves unfinished was never received.
func (d *dashboard) read(r *bufio.Reader, n *node, alive func()) {
	var id, event, data string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		alive()
		line = strings.TrimRight(line, "\r\n")
		switch name, value, _ := strings.Cut(line, ":"); {
		case line == "":
			d.take(n, id, event, data)
			id, event, data = "", "", ""
		case name == "id":
			id = strings.TrimSpace(value)
		case name == "event":
			event = strings.TrimSpace(value)
		case name == "data":
			data += strings.TrimSpace(value)
		}
	}
}

func (d *dashboard) take(n *node, id, event, data string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id != "" {
		d.last = id
	}
	switch event {
	case "lead.assigned", "lead.updated":
		var r row
		if json.Unmarshal([]byte(data), &r) == nil {
			d.rows = append(d.rows, r)
			d.history.note(shown, map[string]any{"buyer": d.buyer, "node": n.name, "id": id, "type": r.Type, "lead": r.Lead})
		}
	case "resync":
		d.resyncs++
		d.history.note(shown, map[string]any{"buyer": d.buyer, "node": n.name, "resync": data})
	}
}

// knows says whether it has a place in the feed.
func (d *dashboard) knows() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last != ""
}

func (d *dashboard) seen() (rows []row, resyncs int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]row(nil), d.rows...), d.resyncs
}

// pull is what the API says of the buyer's leads, newest assignment first, without the stream.
func (d *dashboard) pull(ctx context.Context, n *node) (leads []string, err error) {
	for cursor := ""; ; {
		res, err := d.get(ctx, n, "/api/buyer/leads?limit=200&cursor="+cursor)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		var page struct {
			Leads []struct {
				ID string `json:"id"`
			} `json:"leads"`
			Next string `json:"next_cursor"`
		}
		if err == nil && res.StatusCode == http.StatusOK {
			err = json.Unmarshal(text, &page)
		}
		if err != nil || res.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("read %s's leads at %s: status %d: %w", d.buyer, n.name, res.StatusCode, err)
		}
		for _, lead := range page.Leads {
			leads = append(leads, lead.ID)
		}
		if cursor = page.Next; cursor == "" {
			return leads, nil
		}
	}
}
