package admin

import (
	"context"
	"fmt"
	"math"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	auditLimit    = 100
	maxAuditLimit = 1000
)

type auditRow struct {
	Seq     int64            `json:"seq"`
	At      stamp            `json:"at"`
	Actor   string           `json:"actor"`
	Action  string           `json:"action"`
	Account domain.AccountID `json:"account,omitempty"`
	Subject string           `json:"subject,omitempty"`
	Detail  string           `json:"detail,omitempty"`
}

type auditPage struct {
	Entries []auditRow `json:"entries"`
	Before  int64      `json:"before,omitempty"` // of the next page; absent on the last
}

// audit answers GET /audit, newest first. A key of the platform sees all, or the account it names.
func (a *API) audit(ctx context.Context, c *Call) Reply {
	account := c.Caller.Account
	if said := c.Query("account"); account != "" || said != "" {
		var err error
		if account, err = c.account(said); err != nil {
			return fail(err)
		}
	}
	before, err := c.number("before", 0, 0, math.MaxInt64)
	if err != nil {
		return fail(err)
	}
	limit, err := c.number("limit", auditLimit, 1, maxAuditLimit)
	if err != nil {
		return fail(err)
	}
	list, err := a.deps.Store.Audit(ctx, account, before, int(limit)+1)
	if err != nil {
		return fail(fmt.Errorf("read audit log: %w", err))
	}
	page := auditPage{Entries: []auditRow{}}
	if len(list) > int(limit) {
		list = list[:limit]
		page.Before = list[len(list)-1].Seq
	}
	for _, e := range list {
		page.Entries = append(page.Entries, auditRow{e.Seq, stamp(e.At), e.Actor, e.Action, e.Account, e.Subject, e.Detail})
	}
	return Reply{Body: page}
}
