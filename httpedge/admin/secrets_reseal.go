package admin

import (
	"context"
	"fmt"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
)

// resealPage is how many endpoints' secrets are sealed anew in one call. Each is a commit of its own: whoever stops half
// way has done half.
const resealPage = 100

// resealedPage is what one call has done.
type resealedPage struct {
	Key        string             `json:"key"`  // the current master key, by its id
	Kept       int                `json:"kept"` // secrets that it has sealed already
	Endpoints  []resealedEndpoint `json:"endpoints"`
	NextCursor string             `json:"next_cursor,omitempty"`
}

// resealedEndpoint is an endpoint that had secrets of an older key.
type resealedEndpoint struct {
	Account  domain.AccountID  `json:"account"`
	Endpoint domain.EndpointID `json:"endpoint"`
	Resealed []resealedSecret  `json:"resealed"`
	Failed   []resealedSecret  `json:"failed,omitempty"`
}

type resealedSecret struct {
	ID    string `json:"id"`
	By    string `json:"by,omitempty"` // the key that had sealed it
	Error string `json:"error,omitempty"`
}

// reseal answers POST /secrets/reseal: the secrets of the next endpoints that an older master key has sealed are sealed
// with the current one. With dry_run nothing changes. What cannot be opened stays as it is, and is told.
func (a *API) reseal(ctx context.Context, c *Call) Reply {
	if a.deps.Resealer == nil {
		return fail(domain.Fail("reseal secrets", domain.Unavailable, errNoMasterKey))
	}
	after, err := endpointCursor(c.Query("cursor"))
	if err != nil {
		return fail(err)
	}
	dry := c.Query("dry_run")
	if !slices.Contains([]string{"", "true", "false"}, dry) {
		return fail(domain.FailField("read query", "dry_run", "must be true or false"))
	}
	all, err := a.deps.Store.AllSecrets(ctx)
	if err != nil {
		return fail(fmt.Errorf("read secrets: %w", err))
	}
	slices.SortStableFunc(all, func(x, y domain.Secret) int { return compareKeys(x.Endpoint, y.Endpoint) })
	page := resealedPage{Key: a.deps.Resealer.Key(), Endpoints: []resealedEndpoint{}}
	for len(all) > 0 {
		key := all[0].Endpoint
		n := slices.IndexFunc(all, func(s domain.Secret) bool { return s.Endpoint != key })
		if n < 0 {
			n = len(all)
		}
		own := all[:n]
		all = all[n:]
		if compareKeys(key, after) <= 0 {
			continue
		}
		if len(page.Endpoints) == resealPage {
			page.NextCursor = after.String()
			break
		}
		row, err := a.resealEndpoint(ctx, c, key, own, dry == "true")
		if err != nil {
			return fail(err)
		}
		after = key
		page.Kept += len(own) - len(row.Resealed) - len(row.Failed)
		if len(row.Resealed)+len(row.Failed) > 0 {
			page.Endpoints = append(page.Endpoints, row)
		}
	}
	return Reply{Body: page}
}

// resealEndpoint does one endpoint's, once more when somebody has changed them meanwhile.
func (a *API) resealEndpoint(ctx context.Context, c *Call, key domain.EndpointKey, own []domain.Secret, dry bool) (resealedEndpoint, error) {
	const tries = 3
	for n := 1; ; n++ {
		next, row := resealed(a.deps.Resealer, key, own)
		if dry || len(row.Resealed) == 0 {
			return row, nil
		}
		ids := make([]string, len(own))
		for i, s := range own {
			ids[i] = s.ID
		}
		entry := a.endpointEntry(c, "endpoint.reseal", key)
		entry.Detail = fmt.Sprintf("%d with key %s", len(row.Resealed), a.deps.Resealer.Key())
		err := a.deps.Store.PutSecrets(ctx, key, ids, next, entry)
		switch {
		case err == nil:
			return row, nil
		case domain.CodeOf(err) != domain.Conflict || n == tries:
			return row, fmt.Errorf("put secrets: %w", err)
		}
		if own, err = a.deps.Store.Secrets(ctx, key); err != nil {
			return row, fmt.Errorf("read secrets: %w", err)
		}
	}
}

// resealed are an endpoint's secrets as they are to be kept, and what became of each.
func resealed(with Resealer, key domain.EndpointKey, own []domain.Secret) (next []domain.Secret, row resealedEndpoint) {
	row = resealedEndpoint{Account: key.Account, Endpoint: key.Endpoint, Resealed: []resealedSecret{}}
	next = slices.Clone(own)
	for i, s := range own {
		by, sealed, err := with.Reseal(s)
		switch {
		case err != nil:
			row.Failed = append(row.Failed, resealedSecret{s.ID, by, err.Error()})
		case sealed != nil:
			next[i].Sealed = sealed
			row.Resealed = append(row.Resealed, resealedSecret{ID: s.ID, By: by})
		}
	}
	return next, row
}
