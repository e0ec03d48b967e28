package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/cmd/leadwire/node"
	"github.com/leadwire/leadwire/cmd/leadwire/settings"
)

// doer answers requests: a node through its control socket, or the API over a store that this command opened.
type doer interface {
	Do(r *http.Request) (*http.Response, error)
}

// question is one call of /api/v1.
type question struct {
	method string
	path   string // below /api/v1
	query  url.Values
	kind   string // of the body
	body   func() (io.ReadCloser, error)
}

// withAPI runs f with the API of the running node, or over the store when there is none. While no node
// answers f may be called a second time.
func withAPI(ctx context.Context, s settings.Settings, log *slog.Logger, f func(doer) error) error {
	return nodeOrStore(ctx, s, log,
		func(c *control.Client) error { return f(c) },
		func(store domain.Store) error {
			api, err := node.Offline(ctx, s.Node, store, log)
			if err != nil {
				return err
			}
			return f(inProcess{control.API(api)})
		},
	)
}

// ask asks one question and reads the answer into it; nil: it has none that matters.
func ask(ctx context.Context, s settings.Settings, log *slog.Logger, q question, into any) error {
	return withAPI(ctx, s, log, func(d doer) error { return q.ask(ctx, d, into) })
}

func (q question) ask(ctx context.Context, d doer, into any) error {
	var body io.ReadCloser
	if q.body != nil {
		var err error
		if body, err = q.body(); err != nil {
			return err
		}
		defer body.Close()
	}
	target := "http://node/api/v1" + q.path
	if len(q.query) > 0 {
		target += "?" + q.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, q.method, target, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask the API: %w", err)
	}
	if body != nil {
		request.Body, request.ContentLength = body, -1
		request.Header.Set("Content-Type", q.kind)
	}
	response, err := d.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return refusal(response)
	}
	if into == nil || response.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("read the API's answer: %w", err)
	}
	return nil
}

// refusal is a problem as an error.
func refusal(response *http.Response) error {
	var p struct {
		Code   domain.Code `json:"code"`
		Detail string      `json:"detail"`
		Field  string      `json:"field"`
	}
	if err := json.NewDecoder(response.Body).Decode(&p); err != nil || p.Code == "" {
		return domain.Fail("ask the API", domain.Internal, errors.New(response.Status))
	}
	detail := p.Detail
	if detail == "" {
		detail = response.Status
	}
	return &domain.Error{Op: "refused", Code: p.Code, Field: p.Field, Err: errors.New(detail)}
}

// jsonBody is a body of one value.
func jsonBody(value any) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		b, err := json.Marshal(value)
		return io.NopCloser(bytes.NewReader(b)), err
	}
}

// inProcess is the API without a socket. Answers are pages of bounded size, so they are held whole.
type inProcess struct{ handler http.Handler }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	w := &answer{header: http.Header{}, status: http.StatusOK}
	p.handler.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.status, Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)),
		Header: w.header, Body: io.NopCloser(&w.body),
	}, nil
}

type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *answer) Header() http.Header         { return w.header }
func (w *answer) WriteHeader(status int)      { w.status = status }
func (w *answer) Write(p []byte) (int, error) { return w.body.Write(p) }

// set puts the values that are given into a query.
func set(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

// backPage is how many rows are asked for at once.
const backPage = 1000

// goBack has ask read page after page of what the API lists newest first, up to limit rows; 0: all. It tells how many
// rows it got, and before which the next page is; 0: there is none. What comes into being meanwhile is newer than all of
// them, so nothing is missed or repeated.
func goBack(query url.Values, limit int, ask func() (got int, before int64, err error)) error {
	for left := limit; limit == 0 || left > 0; {
		size := backPage
		if limit > 0 {
			size = min(size, left)
		}
		query.Set("limit", strconv.Itoa(size))
		got, before, err := ask()
		if err != nil {
			return err
		}
		if left -= got; before == 0 {
			break
		}
		query.Set("before", strconv.FormatInt(before, 10))
	}
	return nil
}
