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
	return c.post(ctx, "apply catalog", "/apply", r)
}

// Backup asks the node to copy its store to a file, a path on the node's machine.
func (c *Client) Backup(ctx context.Context, to string) error {
	_, err := c.post(ctx, "back up", "/backup", map[string]string{"to": to})
	return err
}

// Status asks the node about itself.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.do(ctx, http.MethodGet, "/status", nil, &s)
	return s, err
}

func (c *Client) post(ctx context.Context, op, path string, body any) (provision.Outcome, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return provision.Outcome{}, fmt.Errorf("%s: %w", op, err)
	}
	var a Answer
	if err := c.do(ctx, http.MethodPost, path, b, &a); err != nil {
		return provision.Outcome{}, err
	}
	if a.Error != "" {
		return a.Outcome, domain.Fail("ask the running node", a.Code, errors.New(a.Error))
	}
	return a.Outcome, nil
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://node"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the running node: %w", err)
	}
	response, err := c.http.Do(request)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return ErrNoNode
	case err != nil:
		return fmt.Errorf("ask the running node: %w", err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(io.LimitReader(response.Body, maxRequest)).Decode(into); err != nil {
		return fmt.Errorf("read the running node's answer (%s): %w", response.Status, err)
	}
	return nil
}
