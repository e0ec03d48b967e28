package admin

import (
	"context"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
)

// maxPersonKey is an e-mail's longest, in bytes.
const maxPersonKey = 320

func (a *API) personKey(c *Call) (domain.AccountID, error) {
	if len(c.Param) > maxPersonKey {
		return "", domain.FailField("read key", "key", fmt.Sprintf("must be at most %d bytes", maxPersonKey))
	}
	return a.known(c, c.Query("account"))
}

// findPerson answers GET /people/{key}: what is known of somebody, for whoever has to answer them.
func (a *API) findPerson(ctx context.Context, c *Call) Reply {
	account, err := a.personKey(c)
	if err != nil {
		return fail(err)
	}
	found, err := a.deps.People.Find(ctx, account, c.Param)
	if err != nil {
		return fail(fmt.Errorf("find person: %w", err))
	}
	return Reply{Body: found}
}

// erasePerson answers DELETE /people/{key}. It may be repeated; whom nobody knows is suppressed all the same,
// because they asked for it.
func (a *API) erasePerson(ctx context.Context, c *Call) Reply {
	account, err := a.personKey(c)
	if err != nil {
		return fail(err)
	}
	erased, err := a.deps.People.Erase(ctx, account, c.Param, a.entry(c, "erase", account))
	if err != nil {
		return fail(fmt.Errorf("erase person: %w", err))
	}
	if erased.Rows == nil {
		erased.Rows = map[string]int64{}
	}
	return Reply{Body: struct {
		Removed  map[string]int64 `json:"removed"` // rows, by table
		Revision int64            `json:"suppression_revision"`
	}{erased.Rows, erased.Revision}}
}
