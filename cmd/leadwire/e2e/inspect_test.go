package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// inspect opens the store after the nodes have stopped and holds it against what was acked and what the
// dashboards saw: one row and one effect per event, one assignment per lead, caps kept, feeds without a
// gap, leads that know their last change, and each dashboard shown each event once.
func inspect(t *testing.T, b backend, l *load, dashboards map[string]*dashboard, firstBuyer string, firstCap int) {
	t.Helper()
	acked := l.events()
	require.NotEmpty(t, acked, "a run that acked nothing shows nothing")
	oneRowEach(t, acked, b.received(t))
	store := b.open(t)
	effects := map[domain.EventID]domain.FeedEvent{}
	owners := map[domain.LeadID]domain.BuyerID{}
	for buyer, d := range dashboards {
		feed := wholeFeed(t, store, domain.BuyerKey{Account: "acme", Buyer: domain.BuyerID(buyer)})
		capKept(t, feed, buyer == firstBuyer, firstCap)
		shownOnce(t, buyer, feed, d)
		for _, e := range feed {
			require.NotContains(t, effects, e.EventID, "took effect a second time, for %s", buyer)
			effects[e.EventID] = e
			if e.Type == domain.LeadAssigned {
				require.NotContains(t, owners, e.Lead, "is assigned a second time, to %s", buyer)
				owners[e.Lead] = e.Buyer
			}
			require.Equal(t, e.Buyer, owners[e.Lead], "a change of %s comes to its buyer, after the assignment", e.Lead)
		}
	}
	for _, e := range acked {
		require.Contains(t, effects, domain.EventID(e.id()), "was acked and had no effect")
	}
	require.Len(t, effects, len(acked))
	leadsKnow(t, store, acked, owners)
}

// oneRowEach: what was acked is what was received. A repeat left no row.
func oneRowEach(t *testing.T, acked []event, rows map[string]int) {
	t.Helper()
	for _, e := range acked {
		require.Equal(t, 1, rows[e.id()], "rows of %s", e.id())
	}
	require.Len(t, rows, len(acked), "everything was sent until it was acked")
}

func capKept(t *testing.T, feed []domain.FeedEvent, capped bool, most int) {
	t.Helper()
	byDay := map[string]int{}
	for _, e := range feed {
		if e.Type == domain.LeadAssigned {
			byDay[e.DecidedAt.UTC().Format("2006-01-02")]++
		}
	}
	for day, n := range byDay {
		if capped {
			require.LessOrEqual(t, n, most, "the cap on %s", day)
		}
	}
}

// shownOnce: a dashboard saw its whole feed, in order, each event once.
func shownOnce(t *testing.T, buyer string, feed []domain.FeedEvent, d *dashboard) {
	t.Helper()
	seen := d.seen()
	require.Len(t, seen, len(feed), "what %s saw", buyer)
	for i, e := range feed {
		require.Equal(t, domain.Seq(i+1), e.Seq, "gap in the feed of %s", buyer)
		require.Equal(t, row{int64(e.Seq), string(e.Lead), string(e.Type)}, seen[i], "what %s saw", buyer)
	}
	_, resyncs := d.counts()
	require.Zero(t, resyncs, "%s was told to refetch", buyer)
}

// leadsKnow: a lead has its buyer, what each of its changes said, and the last word of the newest.
func leadsKnow(t *testing.T, store domain.Store, acked []event, owners map[domain.LeadID]domain.BuyerID) {
	t.Helper()
	changes := map[string]int{}
	for _, e := range acked {
		changes[e.lead] = max(changes[e.lead], e.n)
	}
	require.Len(t, owners, len(changes), "every lead has a buyer")
	for name, newest := range changes {
		id := domain.LeadID("ghl-" + name)
		lead, err := store.Lead(t.Context(), domain.LeadKey{Account: "acme", Lead: id})
		require.NoError(t, err, "acked and gone: %s", id)
		require.Equal(t, domain.Assigned, lead.State, id)
		require.Equal(t, owners[id], lead.Buyer, id)
		person, err := domain.ParseContact(lead.Contact)
		require.NoError(t, err)
		require.Equal(t, event{lead: name}.name(), person.Name)
		for n := 1; n <= newest; n++ {
			field, value := event{name, n}.field()
			require.Equal(t, value, person.Fields[field], "%s knows its change %d of %d", id, n, newest)
		}
		if newest > 0 {
			require.Equal(t, event{name, newest}.company(), person.Company, "the newest change of %s has the last word", id)
		}
	}
}

func wholeFeed(t *testing.T, store domain.Store, key domain.BuyerKey) []domain.FeedEvent {
	t.Helper()
	var out []domain.FeedEvent
	for {
		page, err := store.Feed(t.Context(), key, domain.Seq(len(out)), 1000)
		require.NoError(t, err)
		out = append(out, page...)
		if len(page) < 1000 {
			return out
		}
	}
}
