package admin

import (
	"context"
	"fmt"

	"github.com/leadwire/leadwire/actors/delivery/stats"
	"github.com/leadwire/leadwire/actors/domain"
)

// endpointStats answers GET /endpoints/{id}/stats: what became of what it was sent, and how it is.
func (a *API) endpointStats(ctx context.Context, c *Call) Reply {
	key, err := a.endpointKey(c, c.Param)
	if err != nil {
		return fail(err)
	}
	during, err := a.statsWindow(c)
	if err != nil {
		return fail(err)
	}
	e := a.deps.Directory().Endpoint(key)
	if e == nil {
		return fail(errNoEndpoint)
	}
	figures, err := a.figures(ctx, during, domain.StatsOf{Account: key.Account, Endpoint: key.Endpoint})
	if err != nil {
		return fail(err)
	}
	status, err := a.statusOf(ctx, key)
	if err != nil {
		return fail(err)
	}
	return Reply{Body: struct {
		Account  domain.AccountID  `json:"account"`
		Endpoint domain.EndpointID `json:"endpoint"`
		Tier     domain.Tier       `json:"tier"`
		State    string            `json:"state"`
		statsWindow
		statsRow
		Status endpointStatus `json:"status"`
	}{key.Account, key.Endpoint, e.WithDefaults().Tier, status.word(*e), during, during.row(&figures), status}}
}

// accountStats answers GET /stats: the same of all the endpoints of an account, together and by tier. An endpoint's figures
// stay with the tier that it had when they were counted.
func (a *API) accountStats(ctx context.Context, c *Call) Reply {
	account, err := a.known(c, c.Query("account"))
	if err != nil {
		return fail(err)
	}
	during, err := a.statsWindow(c)
	if err != nil {
		return fail(err)
	}
	var all stats.Figures
	tiers := map[domain.Tier]statsRow{}
	for _, tier := range domain.Tiers() {
		figures, err := a.figures(ctx, during, domain.StatsOf{Account: account, Tier: tier})
		if err != nil {
			return fail(err)
		}
		if err := all.Merge(&figures); err != nil {
			return fail(err)
		}
		tiers[tier] = during.row(&figures)
	}
	return Reply{Body: struct {
		Account domain.AccountID `json:"account"`
		statsWindow
		statsRow
		Tiers map[domain.Tier]statsRow `json:"tiers"`
	}{account, during, during.row(&all), tiers}}
}

// statsPage is how many rows of the store are in memory at a time: a MB, and some at worst.
const statsPage = 500

// figures adds up what every writer has counted.
func (a *API) figures(ctx context.Context, during statsWindow, of domain.StatsOf) (sum stats.Figures, err error) {
	for _, part := range stats.Plan(of, during.until(), during.asked) {
		for after := (domain.StatsPlace{}); ; {
			rows, err := a.deps.Store.Stats(ctx, part, after, statsPage)
			if err != nil {
				return sum, fmt.Errorf("read figures: %w", err)
			}
			for i := range rows {
				var one stats.Figures
				if err := one.UnmarshalBinary(rows[i].Body); err != nil {
					return sum, err
				}
				if err := sum.Merge(&one); err != nil {
					return sum, err
				}
				after = domain.StatsPlace{At: rows[i].At, Writer: rows[i].Writer}
			}
			if len(rows) < statsPage {
				break
			}
		}
	}
	return sum, nil
}
