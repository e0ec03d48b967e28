package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// Crowd is visitors without a browser: they send what the script would. Half of them the graph knows.
type Crowd struct {
	Node   string // URL of the node
	Pixel  string
	Origin string // of the shop, which the pixel belongs to
	Guests []Guest
	Rate   float64 // page views a second
	Seed   uint64
	Log    *slog.Logger
	Seen   func() // called after each view that was taken; nil: nobody
}

var walks = []struct{ path, title string }{
	{"/", "Sunny Side Solar"}, {"/products", "Products"}, {"/pricing", "Pricing"}, {"/planner", "Roof planner"}, {"/contact", "Contact"},
}

// crowdAgent is a browser's: a bot's views would be dropped.
const crowdAgent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

// Run walks through the shop until ctx ends, and returns how many views were taken.
func (c Crowd) Run(ctx context.Context) int {
	rng := rand.New(rand.NewPCG(c.Seed, 0x5b0b))
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	pace := time.NewTicker(time.Duration(float64(time.Second) / c.Rate))
	defer pace.Stop()
	taken := 0
	for visitor := c.arrive(rng); ; {
		page := walks[rng.IntN(len(walks))]
		if err := c.view(ctx, client, visitor, page.path, page.title); err == nil {
			taken++
			if c.Seen != nil {
				c.Seen()
			}
		} else if ctx.Err() == nil {
			c.Log.Warn("a page view was not taken", "error", err)
		}
		if rng.IntN(4) == 0 { // after some pages somebody else comes
			visitor = c.arrive(rng)
		}
		select {
		case <-ctx.Done():
			return taken
		case <-pace.C:
		}
	}
}

// arrive is a visitor: a guest, or somebody nobody knows.
func (c Crowd) arrive(rng *rand.Rand) string {
	if len(c.Guests) > 0 && rng.IntN(2) == 0 {
		return string(c.Guests[rng.IntN(len(c.Guests))].Visitor)
	}
	return uuid.NewString()
}

func (c Crowd) view(ctx context.Context, client *http.Client, visitor, path, title string) error {
	body, err := json.Marshal(map[string]any{
		"id": uuid.NewString(), "type": "page_view", "view": uuid.NewString(), "url": c.Origin + path, "title": title, "at": time.Now().UnixMilli(),
	})
	if err != nil {
		return err
	}
	query := url.Values{"px": {c.Pixel}, "v": {visitor}, "t": {fmt.Sprint(time.Now().UnixMilli())}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Node+"/p?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post page view: %w", err)
	}
	request.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	request.Header.Set("Origin", c.Origin)
	request.Header.Set("User-Agent", crowdAgent)
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("post page view: %w", err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10)) // only to be shown
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("post page view: %s %s", response.Status, answer)
	}
	return nil
}
