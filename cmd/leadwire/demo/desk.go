package demo

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Desk is a buyer's open stream that nobody looks at: with it every lead is published to a client, also
// while no browser is open. It reports nothing, so it does not count as seen.
type Desk struct {
	URL   string // of the event stream
	Token string
	Row   func() // called for each row; nil: nobody
}

// Run reads the stream until ctx ends, and opens it again when it breaks.
func (d Desk) Run(ctx context.Context) {
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for {
		_ = d.read(ctx, client) // why it broke makes no difference to what is done
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

func (d Desk) read(ctx context.Context, client *http.Client) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL, nil)
	if err != nil {
		return fmt.Errorf("open stream: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+d.Token)
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("open stream: %w", err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("read stream: %w", err)
		}
		if d.Row != nil && strings.HasPrefix(line, "event: lead.") {
			d.Row()
		}
	}
}
