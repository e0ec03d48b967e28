package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/apikey"
)

// Caller is who asks.
type Caller struct {
	Name    string           // in the audit log: "key 3f2a9c0d11e4"
	Key     string           // its id, which has its rates; empty: of no key, and of no rate
	Account domain.AccountID // empty: of the platform, who names the account
	Scopes  []apikey.Scope
}

// Local is who may open the control socket, or the store itself: everything is theirs already.
func Local() Caller { return Caller{Name: "command line", Scopes: apikey.Scopes()} }

// Call is one request. It is read once, from top to bottom.
type Call struct {
	Caller Caller
	Param  string                   // of the path
	Query  func(name string) string // "" when it is not there
	Header func(name string) string
	Body   io.Reader // nil: none
}

// account is whose data a call is about: a key's own, or the one that a key of the platform names. said is
// what the call says: "" when it leaves it out.
func (c *Call) account(said string) (domain.AccountID, error) {
	const op = "find account"
	mine := c.Caller.Account
	switch {
	case mine != "" && said != "" && domain.AccountID(said) != mine:
		return "", domain.Fail(op, domain.Forbidden, errors.New("the API key is of another account"))
	case mine != "":
		return mine, nil
	case said == "":
		return "", domain.FailField(op, "account", "must be given: the API key is of the platform")
	case !domain.CheckID(said):
		return "", domain.FailField(op, "account", "must be 1 to 64 of a-z A-Z 0-9 . _ -")
	}
	return domain.AccountID(said), nil
}

// known is account, of those that the catalog has.
func (a *API) known(c *Call, said string) (domain.AccountID, error) {
	account, err := c.account(said)
	if err == nil && a.deps.Directory().Account(account) == nil {
		err = domain.Fail("find account", domain.NotFound, fmt.Errorf("no account %q", account))
	}
	return account, err
}

// number reads a query's number from 0, or from 1 to a limit.
func (c *Call) number(name string, def, least, most int64) (int64, error) {
	text := c.Query(name)
	if text == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		return 0, domain.FailField("read query", name, fmt.Sprintf("must be a number from %d to %d", least, most))
	}
	return n, nil
}

// body reads the whole body, to a limit in bytes.
func (c *Call) body(limit int64) ([]byte, error) {
	const op = "read body"
	if c.Body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(io.LimitReader(c.Body, limit+1))
	switch {
	case err != nil:
		return nil, domain.Fail(op, domain.Invalid, fmt.Errorf("the body did not come whole: %w", err))
	case int64(len(b)) > limit:
		return nil, domain.Fail(op, domain.Invalid, fmt.Errorf("the body is over %d bytes", limit))
	}
	return b, nil
}

// may says whether a caller has a scope.
func (c Caller) may(s apikey.Scope) bool { return slices.Contains(c.Scopes, s) }

// entry begins an audit entry.
func (a *API) entry(c *Call, action string, account domain.AccountID) domain.AuditEntry {
	return domain.AuditEntry{At: a.deps.Clock.Now().UTC(), Actor: c.Caller.Name, Action: action, Account: account}
}

// context bounds what a call may take.
func within(ctx context.Context, r Route) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, r.timeout)
}
