package distribution_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/distribution"
	"github.com/leadwire/leadwire/actors/domain"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func routing(buyers ...domain.Buyer) *domain.Routing {
	a := domain.Account{ID: "acme", Buyers: buyers}
	c := domain.Campaign{ID: "solar", Method: "round_robin"}
	for _, b := range buyers {
		c.Buyers = append(c.Buyers, b.ID)
	}
	a.Campaigns = []domain.Campaign{c}
	return domain.NewDirectory(domain.Catalog{Accounts: []domain.Account{a}}).Campaign("acme", "solar")
}

func take(d *distribution.Desk, r *domain.Routing, n int) []domain.BuyerID {
	var out []domain.BuyerID
	for range n {
		c := d.Choose(noon, r)
		if c.Buyer == nil {
			out = append(out, "")
			continue
		}
		out = append(out, c.Buyer.Key.Buyer)
	}
	return out
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		story  string
		buyers []domain.Buyer
		counts []domain.Count
		want   []domain.BuyerID
	}{
		{"turns go round in the campaign's order",
			[]domain.Buyer{{ID: "a"}, {ID: "b"}, {ID: "c"}}, nil, []domain.BuyerID{"a", "b", "c", "a"}},
		{"a paused buyer is passed over, and the round goes on behind its neighbour",
			[]domain.Buyer{{ID: "a"}, {ID: "b", Paused: true}, {ID: "c"}}, nil, []domain.BuyerID{"a", "c", "a", "c", "a"}},
		{"a full day passes the buyer over",
			[]domain.Buyer{{ID: "a", DailyCap: 3}, {ID: "b"}},
			[]domain.Count{{Account: "acme", Buyer: "a", Day: "2026-11-22", N: 3, Total: 4}, {Account: "acme", Buyer: "b", Total: 4}},
			[]domain.BuyerID{"b", "b", "b"}},
		{"yesterday's full day does not count",
			[]domain.Buyer{{ID: "a", DailyCap: 3}},
			[]domain.Count{{Account: "acme", Buyer: "a", Day: "2026-11-21", N: 3}}, []domain.BuyerID{"a"}},
		{"the buyer's own midnight counts: in Auckland it is tomorrow already",
			[]domain.Buyer{{ID: "a", DailyCap: 3, Timezone: "Pacific/Auckland"}, {ID: "b", DailyCap: 3}},
			[]domain.Count{{Account: "acme", Buyer: "a", Day: "2026-11-22", N: 3}, {Account: "acme", Buyer: "b", Day: "2026-11-22", N: 3}},
			[]domain.BuyerID{"a", "a"}},
		{"nobody is eligible", []domain.Buyer{{ID: "a", Paused: true}}, nil, []domain.BuyerID{"", ""}},
		{"a campaign without buyers", nil, nil, []domain.BuyerID{""}},
		{"a restart goes on where the assignments stood",
			[]domain.Buyer{{ID: "a"}, {ID: "b"}, {ID: "c"}},
			[]domain.Count{{Account: "acme", Buyer: "a", Total: 1}}, []domain.BuyerID{"b", "c", "a"}},
	} {
		t.Run(row.story, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.want, take(distribution.NewDesk(row.counts), routing(row.buyers...), len(row.want)))
		})
	}
}

// A lead that turned out to have a buyer already costs nobody a turn.
func TestReturn_IsUsedNext(t *testing.T) {
	t.Parallel()
	d, r := distribution.NewDesk(nil), routing(domain.Buyer{ID: "a"}, domain.Buyer{ID: "b"}, domain.Buyer{ID: "c"})
	first := d.Choose(noon, r) // a
	d.Choose(noon, r)          // b
	d.Return(r, first)
	require.Equal(t, []domain.BuyerID{"a", "c", "a"}, take(d, r, 3))
}

// A commit's word moves the counter, an older word does not move it back.
func TestCounted_OnlyMovesForward(t *testing.T) {
	t.Parallel()
	d, r := distribution.NewDesk(nil), routing(domain.Buyer{ID: "a", DailyCap: 2})
	key := domain.BuyerKey{Account: "acme", Buyer: "a"}
	d.Counted(key, "2026-11-22", 2)
	d.Counted(key, "2026-11-22", 1)
	d.Counted(key, "2026-11-21", 0)
	c := d.Choose(noon, r)
	require.Nil(t, c.Buyer)
	require.Equal(t, []distribution.Considered{{Buyer: "a", Rule: distribution.CapReached, Count: 2, Cap: 2}}, c.Trace.Considered)
	require.False(t, d.Eligible(noon, r))
	require.True(t, d.Eligible(noon.Add(24*time.Hour), r))
}
