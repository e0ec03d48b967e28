package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	maxEndpointBody = 64 << 10 // twenty headers of a KiB, and lists
	// An endpoint's status is read from the store with the row: a page of 200 is some hundred milliseconds.
	endpointsLimit    = 50
	maxEndpointsLimit = 200
)

// endpointRow is an endpoint in the words of a catalog's file, and how it is.
type endpointRow struct {
	Account  domain.AccountID `json:"account"`
	Endpoint json.RawMessage  `json:"endpoint"`
	State    string           `json:"state"`
	Status   endpointStatus   `json:"status"`
}

func (a *API) rowOfEndpoint(ctx context.Context, key domain.EndpointKey, e domain.Endpoint) (endpointRow, error) {
	plain, err := wordsOf(e)
	if err != nil {
		return endpointRow{}, fmt.Errorf("write endpoint: %w", err)
	}
	b, err := json.Marshal(plain)
	if err != nil {
		return endpointRow{}, fmt.Errorf("write endpoint: %w", err)
	}
	status, err := a.statusOf(ctx, key)
	if err != nil {
		return endpointRow{}, err
	}
	return endpointRow{key.Account, b, status.word(e), status}, nil
}

type endpointPage struct {
	Endpoints  []endpointRow `json:"endpoints"`
	NextCursor string        `json:"next_cursor,omitempty"`
}

// endpoints answers GET /endpoints, by account and id. A cursor is the last one shown, so a page is right also when
// that one is gone.
func (a *API) endpoints(ctx context.Context, c *Call) Reply {
	account := c.Caller.Account
	if said := c.Query("account"); account != "" || said != "" {
		var err error
		if account, err = a.known(c, said); err != nil {
			return fail(err)
		}
	}
	limit, err := c.number("limit", endpointsLimit, 1, maxEndpointsLimit)
	if err != nil {
		return fail(err)
	}
	after, err := endpointCursor(c.Query("cursor"))
	if err != nil {
		return fail(err)
	}
	catalog := a.deps.Directory().Catalog
	page := endpointPage{Endpoints: []endpointRow{}}
	for _, one := range listEndpoints(catalog, account, after) {
		if len(page.Endpoints) == int(limit) {
			page.NextCursor = after.String()
			break
		}
		row, err := a.rowOfEndpoint(ctx, one.key, one.endpoint)
		if err != nil {
			return fail(err)
		}
		page.Endpoints, after = append(page.Endpoints, row), one.key
	}
	return Reply{ETag: tag(catalog.Revision), Body: page}
}

func endpointCursor(text string) (domain.EndpointKey, error) {
	if text == "" {
		return domain.EndpointKey{}, nil
	}
	account, id, _ := strings.Cut(text, "/")
	if !domain.CheckID(account) || !domain.CheckID(id) {
		return domain.EndpointKey{}, domain.FailField("read query", "cursor", "must be the next_cursor of an earlier page")
	}
	return domain.EndpointKey{Account: domain.AccountID(account), Endpoint: domain.EndpointID(id)}, nil
}

type listedEndpoint struct {
	key      domain.EndpointKey
	endpoint domain.Endpoint
}

// listEndpoints are an account's ("": everybody's), in order, behind one.
func listEndpoints(catalog domain.Catalog, account domain.AccountID, after domain.EndpointKey) (all []listedEndpoint) {
	for _, one := range catalog.Accounts {
		if account != "" && one.ID != account {
			continue
		}
		for _, e := range one.Endpoints {
			if key := (domain.EndpointKey{Account: one.ID, Endpoint: e.ID}); compareKeys(key, after) > 0 {
				all = append(all, listedEndpoint{key, e})
			}
		}
	}
	slices.SortFunc(all, func(a, b listedEndpoint) int { return compareKeys(a.key, b.key) })
	return all
}

func compareKeys(a, b domain.EndpointKey) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Endpoint, b.Endpoint))
}

var errNoEndpoint = domain.Fail("find endpoint", domain.NotFound, errors.New("no such endpoint in the account")) //nolint:gochecknoglobals // a constant

// findEndpoint is an account's endpoints and the place of one; nil when there is no such account, -1 when no such
// endpoint.
func findEndpoint(c *domain.Catalog, key domain.EndpointKey) (*[]domain.Endpoint, int) {
	for i := range c.Accounts {
		if c.Accounts[i].ID == key.Account {
			return &c.Accounts[i].Endpoints, slices.IndexFunc(c.Accounts[i].Endpoints, func(e domain.Endpoint) bool { return e.ID == key.Endpoint })
		}
	}
	return nil, -1
}

// endpointKey is the endpoint that a call is about, which need not be there: ids are unique within an account.
func (a *API) endpointKey(c *Call, id string) (domain.EndpointKey, error) {
	account, err := a.known(c, c.Query("account"))
	return domain.EndpointKey{Account: account, Endpoint: domain.EndpointID(id)}, err
}

// endpoint answers GET /endpoints/{id}.
func (a *API) endpoint(ctx context.Context, c *Call) Reply {
	key, err := a.endpointKey(c, c.Param)
	if err != nil {
		return fail(err)
	}
	return a.showEndpoint(ctx, key)
}

// showEndpoint answers with an endpoint as it is on this node.
func (a *API) showEndpoint(ctx context.Context, key domain.EndpointKey) Reply {
	catalog := a.deps.Directory().Catalog
	list, i := findEndpoint(&catalog, key)
	if i < 0 {
		return fail(errNoEndpoint)
	}
	row, err := a.rowOfEndpoint(ctx, key, (*list)[i])
	if err != nil {
		return fail(err)
	}
	return Reply{ETag: tag(catalog.Revision), Body: row}
}

// putEndpoint answers PUT /endpoints/{id}: the endpoint becomes what the body says, or comes into being, and then with
// a secret to sign with where there is a master key. If-Match refuses it when the catalog has changed since it was read.
func (a *API) putEndpoint(ctx context.Context, c *Call) Reply {
	const op = "put endpoint"
	body, err := c.body(maxEndpointBody)
	if err != nil {
		return fail(err)
	}
	var e domain.Endpoint
	if err := readWords("endpoint", body, &e); err != nil {
		return fail(err)
	}
	if e.ID == "" {
		e.ID = domain.EndpointID(c.Param)
	}
	if string(e.ID) != c.Param {
		return fail(domain.FailField(op, "id", "is not the one in the path"))
	}
	expect, err := expected(c)
	if err != nil {
		return fail(err)
	}
	key, err := a.endpointKey(c, c.Param)
	if err != nil {
		return fail(err)
	}
	made := false
	if _, err := a.deps.Catalog.Edit(ctx, expect, a.endpointEntry(c, "endpoint.put", key), func(next *domain.Catalog) error {
		list, i := findEndpoint(next, key)
		if list == nil {
			return domain.Fail(op, domain.NotFound, fmt.Errorf("no account %q", key.Account))
		}
		*list = slices.Clone(*list)
		if made = i < 0; made {
			*list = append(*list, e)
			return nil
		}
		(*list)[i] = e
		return nil
	}); err != nil {
		return fail(err)
	}
	var shown shownSecret
	if made {
		if shown, err = a.firstSecret(ctx, c, key); err != nil {
			return fail(err)
		}
	}
	reply := a.showEndpoint(ctx, key)
	row, ok := reply.Body.(endpointRow)
	if !made || !ok {
		return reply
	}
	reply.Status, reply.Body = 201, struct {
		endpointRow
		Secret string `json:"secret,omitempty"` // shown this once
	}{row, shown.Secret}
	return reply
}

// deleteEndpoint answers DELETE /endpoints/{id}. What it was still owed ends, and its secrets go with it.
func (a *API) deleteEndpoint(ctx context.Context, c *Call) Reply {
	key, err := a.endpointKey(c, c.Param)
	if err != nil {
		return fail(err)
	}
	expect, err := expected(c)
	if err != nil {
		return fail(err)
	}
	if _, err := a.deps.Catalog.Edit(ctx, expect, a.endpointEntry(c, "endpoint.delete", key), func(next *domain.Catalog) error {
		list, i := findEndpoint(next, key)
		if i < 0 {
			return errNoEndpoint
		}
		*list = slices.Delete(slices.Clone(*list), i, i+1)
		return nil
	}); err != nil {
		return fail(err)
	}
	if err := a.dropSecrets(ctx, c, key); err != nil { // the endpoint is gone; one of its name that is made later gets new ones
		a.deps.Log.Warn("the secrets of an endpoint that was removed are still there, sealed", "endpoint", key, "error", err)
	}
	return Reply{Status: 204}
}

func (a *API) endpointEntry(c *Call, action string, key domain.EndpointKey) domain.AuditEntry {
	entry := a.entry(c, action, key.Account)
	entry.Subject = "endpoint " + string(key.Endpoint)
	return entry
}
