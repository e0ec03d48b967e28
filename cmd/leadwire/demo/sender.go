package demo

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/leadwire/leadwire/actors/signature"
)

// Sender posts a story to the public port, as the CRM would.
type Sender struct {
	URL  string // of the source's webhook
	Key  ed25519.PrivateKey
	Rate float64 // webhooks a second
	Log  *slog.Logger
	// Acked is called after each webhook that was answered 2xx, with how many there were; nil: nobody.
	Acked func(n int)
}

// Run tells the story until ctx ends, and returns how many webhooks were acknowledged. A 429 is
// answered as the CRM answers it: the same webhook comes again after Retry-After. Any other refusal is
// final, as it is at the CRM.
func (s Sender) Run(ctx context.Context, story *Story) int {
	client := &http.Client{Timeout: 15 * time.Second}
	defer client.CloseIdleConnections()
	pace := time.NewTicker(time.Duration(float64(time.Second) / s.Rate))
	defer pace.Stop()
	acked := 0
	for {
		if s.deliver(ctx, client, story.Next(time.Now())) {
			acked++
			if s.Acked != nil {
				s.Acked(acked)
			}
		}
		select {
		case <-ctx.Done():
			return acked
		case <-pace.C:
		}
	}
}

func (s Sender) deliver(ctx context.Context, client *http.Client, w Webhook) bool {
	for {
		again, err := s.post(ctx, client, w)
		switch {
		case ctx.Err() != nil:
			return false
		case err != nil:
			s.Log.Warn("webhook not accepted", "type", w.Type, "error", err)
			return false
		case again == 0:
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(again):
		}
	}
}

// post sends a webhook once; again is the pause after which it is wanted again.
func (s Sender) post(ctx context.Context, client *http.Client, w Webhook) (again time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(w.Body))
	if err != nil {
		return 0, fmt.Errorf("post webhook: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(signature.GHLHeader, signature.SignGHL(s.Key, w.Body))
	response, err := client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("post webhook: %w", err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10)) // only to be shown
	switch {
	case response.StatusCode/100 == 2:
		return 0, nil
	case response.StatusCode == http.StatusTooManyRequests:
		seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
		if err != nil || seconds < 1 {
			seconds = 1
		}
		return time.Duration(seconds) * time.Second, nil
	default:
		return 0, fmt.Errorf("post webhook: %s %s", response.Status, answer)
	}
}
