package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
)

// ErrNoNode says that no node runs on the data folder.
var ErrNoNode = errors.New("no node runs on this data folder")

// Client asks the node that runs on a data folder.
type Client struct{ http *http.Client }

// NewClient talks to the node on data; every call answers ErrNoNode while there is none.
func NewClient(data string) *Client {
	path := Socket(data)
	return &Client{&http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, // one question per command
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}}
}

// Apply asks the node to apply a catalog.
func (c *Client) Apply(ctx context.Context, r provision.Request) (provision.Outcome, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return provision.Outcome{}, fmt.Errorf("apply catalog: %w", err)
	}
	var a Answer
	if err := c.do(ctx, http.MethodPost, "/apply", body, &a); err != nil {
		return provision.Outcome{}, err
	}
	if a.Error != "" {
		return a.Outcome, domain.Fail("ask the running node", a.Code, errors.New(a.Error))
	}
	return a.Outcome, nil
}

// Status asks the node about itself.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.do(ctx, http.MethodGet, "/status", nil, &s)
	return s, err
}

// Do asks the node's API. ErrNoNode leaves the body unread.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	response, err := c.http.Do(r)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, ErrNoNode
	case err != nil:
		return nil, fmt.Errorf("ask the running node: %w", err)
	}
	return response, nil
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://node"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the running node: %w", err)
	}
	response, err := c.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, maxRequest)).Decode(into); err != nil {
		return fmt.Errorf("read the running node's answer (%s): %w", response.Status, err)
	}
	return nil
}
