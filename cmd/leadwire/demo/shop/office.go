package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Left is an event that left Leadwire, as the back office pulled it.
type Left struct {
	Seq     int64           `json:"seq"`
	Type    string          `json:"type"`
	Lead    string          `json:"lead"`
	Payload json.RawMessage `json:"payload"`
}

// JSON is the payload for a reader.
func (l Left) JSON() string {
	var out bytes.Buffer
	if json.Indent(&out, l.Payload, "", "  ") != nil {
		return string(l.Payload)
	}
	return out.String()
}

// office pulls what leaves and keeps the newest.
type office struct {
	node, key string
	client    *http.Client

	mu    sync.Mutex
	after int64
	left  []Left
}

// officeKeeps is how many events the page shows: a screen or two.
const officeKeeps = 30

func newOffice(node, key string) *office {
	return &office{node: node, key: key, client: &http.Client{Timeout: 5 * time.Second}}
}

func (o *office) close() { o.client.CloseIdleConnections() }

// read takes up what has left since, and answers the newest, oldest first.
func (o *office) read(ctx context.Context) ([]Left, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	const page = 500 // the most that is answered at once
	for {
		next, err := o.pull(ctx, page)
		if err != nil {
			return o.left, err
		}
		for _, l := range next {
			o.after = l.Seq
		}
		o.left = append(o.left, next...)
		if drop := len(o.left) - officeKeeps; drop > 0 {
			o.left = append([]Left(nil), o.left[drop:]...)
		}
		if len(next) < page {
			return o.left, nil
		}
	}
}

func (o *office) pull(ctx context.Context, limit int) ([]Left, error) {
	query := url.Values{"after": {fmt.Sprint(o.after)}, "limit": {fmt.Sprint(limit)}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.node+"/api/v1/announcements?"+query.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("pull announcements: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+o.key)
	response, err := o.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("pull announcements: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	switch {
	case err != nil:
		return nil, fmt.Errorf("pull announcements: %w", err)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("pull announcements: %s %s", response.Status, body)
	}
	var page struct {
		Announcements []Left `json:"announcements"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("read announcements: %w", err)
	}
	return page.Announcements, nil
}
