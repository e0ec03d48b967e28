package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/apikey"
)

const (
	maxKeyBody = 16 << 10
	maxKeyName = 200
	// maxKeys is how many keys there may be: every node holds all of them, and reads them once a second.
	maxKeys = 1000
)

type keyRow struct {
	ID        string           `json:"id"`
	Account   domain.AccountID `json:"account,omitempty"`
	Name      string           `json:"name,omitempty"`
	Scopes    []string         `json:"scopes"`
	CreatedAt stamp            `json:"created_at"`
	ExpiresAt stamp            `json:"expires_at"` // null: until it is revoked
}

func rowOfKey(k domain.APIKey) keyRow {
	return keyRow{k.ID, k.Account, k.Name, k.Scopes, stamp(k.CreatedAt), stamp(k.ExpiresAt)}
}

// keys answers GET /keys; a key of an account sees that account's.
func (a *API) keys(ctx context.Context, c *Call) Reply {
	all, err := a.deps.Store.APIKeys(ctx)
	if err != nil {
		return fail(fmt.Errorf("list API keys: %w", err))
	}
	rows := []keyRow{}
	for _, k := range all {
		if c.Caller.Account == "" || c.Caller.Account == k.Account {
			rows = append(rows, rowOfKey(k))
		}
	}
	return Reply{Body: struct {
		Keys []keyRow `json:"keys"`
	}{rows}}
}

// createKey answers POST /keys. Nobody gives away what they do not have: neither a scope nor an account.
func (a *API) createKey(ctx context.Context, c *Call) Reply {
	const op = "create API key"
	body, err := c.body(maxKeyBody)
	if err != nil {
		return fail(err)
	}
	var asked struct {
		Account   domain.AccountID `json:"account"`
		Name      string           `json:"name"`
		Scopes    []string         `json:"scopes"`
		ExpiresAt time.Time        `json:"expires_at"`
	}
	if err := decode(body, &asked); err != nil {
		return fail(err)
	}
	if asked.Account == "" {
		asked.Account = c.Caller.Account
	}
	if asked.Account != "" { // empty: a key of the platform, which only the platform can make
		if asked.Account, err = a.known(c, string(asked.Account)); err != nil {
			return fail(err)
		}
	}
	if err := apikey.Check(asked.Account, asked.Scopes); err != nil {
		return fail(err)
	}
	for i, s := range asked.Scopes {
		if !c.Caller.may(apikey.Scope(s)) {
			return fail(domain.Fail(op, domain.Forbidden, fmt.Errorf("scopes[%d]: the API key does not have %q itself", i, s)))
		}
	}
	now := a.deps.Clock.Now().UTC()
	switch {
	case len(asked.Name) > maxKeyName:
		return fail(domain.FailField(op, "name", fmt.Sprintf("must be at most %d bytes", maxKeyName)))
	case !asked.ExpiresAt.IsZero() && !asked.ExpiresAt.After(now):
		return fail(domain.FailField(op, "expires_at", "must be in the future"))
	}
	if all, err := a.deps.Store.APIKeys(ctx); err != nil {
		return fail(fmt.Errorf("count API keys: %w", err))
	} else if len(all) >= maxKeys {
		return fail(domain.Fail(op, domain.Conflict, fmt.Errorf("there are %d API keys, the most there may be: revoke some", len(all))))
	}
	text, id, hash := apikey.New()
	k := domain.APIKey{ID: id, Account: asked.Account, Name: asked.Name, Scopes: asked.Scopes, Hash: hash, CreatedAt: now, ExpiresAt: asked.ExpiresAt}
	entry := a.entry(c, "key.create", k.Account)
	entry.Subject, entry.Detail = "key "+id, fmt.Sprint(asked.Scopes)
	if err := a.deps.Store.CreateAPIKey(ctx, k, entry); err != nil {
		return fail(fmt.Errorf("create API key: %w", err))
	}
	a.ring.Changed()
	return Reply{Status: 201, Body: struct {
		keyRow
		Key string `json:"key"` // shown this once
	}{rowOfKey(k), text}}
}

// revokeKey answers DELETE /keys/{id}.
func (a *API) revokeKey(ctx context.Context, c *Call) Reply {
	const op = "revoke API key"
	none := domain.Fail(op, domain.NotFound, errors.New("no such key"))
	if !domain.CheckID(c.Param) {
		return fail(none)
	}
	all, err := a.deps.Store.APIKeys(ctx)
	if err != nil {
		return fail(fmt.Errorf("find API key: %w", err))
	}
	entry := a.entry(c, "key.revoke", "")
	for _, k := range all {
		if k.ID == c.Param && (c.Caller.Account == "" || c.Caller.Account == k.Account) {
			entry.Subject, entry.Account = "key "+k.ID, k.Account
		}
	}
	if entry.Subject == "" {
		return fail(none)
	}
	if err := a.deps.Store.RevokeAPIKey(ctx, c.Param, entry); err != nil {
		return fail(fmt.Errorf("revoke API key: %w", err))
	}
	a.ring.Changed()
	return Reply{Status: 204}
}
