package storetest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// The cast of every story: one account, its source, and a day.
const (
	account  = domain.AccountID("acme")
	source   = domain.SourceID("ghl")
	campaign = domain.CampaignID("solar")
	node     = domain.NodeID("node-1")
	today    = "2026-11-22"
	tomorrow = "2026-11-23"
)

// noon is when the stories happen. The stores keep nanoseconds or better microseconds, so stories use
// whole milliseconds.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// claim makes node own partition 7 and returns the fence for it.
func claim(t *testing.T, s domain.Store) domain.Fence {
	t.Helper()
	fences, err := s.Claim(t.Context(), node, []domain.Partition{7})
	require.NoError(t, err)
	require.Len(t, fences, 1)
	return fences[0]
}

// event is an inbound event that opens the lead.
func event(id string, lead domain.LeadID) domain.Event {
	return domain.Event{
		Account: account, Source: source, ID: domain.EventID(id), Type: "ContactCreate", Effect: domain.Open,
		Lead: lead, Campaign: campaign,
		Contact: contact("Ada", id), Body: []byte(`{"type":"ContactCreate","id":"` + id + `"}`),
		OccurredAt: noon.Add(-time.Minute), ReceivedAt: noon,
	}
}

func contact(first, last string) json.RawMessage {
	return domain.Contact{FirstName: first, LastName: last}.JSON()
}

// receive keeps a new event and returns it as pending.
func receive(t *testing.T, s domain.Store, f domain.Fence, e domain.Event) domain.Pending {
	t.Helper()
	got, err := s.Receive(t.Context(), f, e)
	require.NoError(t, err)
	require.False(t, got.Duplicate, "event %s is new", e.ID)
	require.Positive(t, got.Seq)
	return domain.Pending{Seq: got.Seq, Event: e}
}

// decision settles p by giving its lead, which must not exist yet, to buyer without a cap.
func assign(f domain.Fence, p domain.Pending, buyer domain.BuyerID) domain.Decision {
	d := settle(f, p, domain.Assign)
	d.Buyer, d.Day = buyer, today
	d.Trace = json.RawMessage(`[{"buyer":"` + string(buyer) + `","rule":"turn"}]`)
	return d
}

// settle is a decision of any verb for p.
func settle(f domain.Fence, p domain.Pending, v domain.Verb) domain.Decision {
	return domain.Decision{
		Fence: f, EventSeq: p.Seq, Verb: v,
		Lead: domain.LeadKey{Account: p.Event.Account, Lead: p.Event.Lead}, Source: p.Event.Source, EventID: p.Event.ID,
		Campaign: p.Event.Campaign, Contact: p.Event.Contact,
		ReceivedAt: p.Event.ReceivedAt, At: p.Event.ReceivedAt.Add(2 * time.Millisecond),
	}
}

// decide carries out d and insists that it is Done.
func decide(t *testing.T, s domain.Store, d domain.Decision) domain.Decided {
	t.Helper()
	got, err := s.Decide(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
	return got
}

// assigned brings a lead into being and gives it to buyer: the shortest whole life.
func assigned(t *testing.T, s domain.Store, f domain.Fence, id string, buyer domain.BuyerID) domain.Decided {
	t.Helper()
	return decide(t, s, assign(f, receive(t, s, f, event("event-"+id, domain.LeadID("ghl-"+id))), buyer))
}

// undecided reads every pending event of partition 7.
func undecided(t *testing.T, s domain.Store, held bool) []domain.Pending {
	t.Helper()
	got, err := s.Undecided(t.Context(), []domain.Partition{7}, held, 0, 10_000)
	require.NoError(t, err)
	return got
}

// feed reads a buyer's whole feed and insists that it has no gap and agrees with its head.
func feed(t *testing.T, s domain.Store, buyer domain.BuyerID) []domain.FeedEvent {
	t.Helper()
	key := domain.BuyerKey{Account: account, Buyer: buyer}
	heads, err := s.Heads(t.Context(), []domain.BuyerKey{key})
	require.NoError(t, err)
	events, err := s.Feed(t.Context(), key, 0, 1_000_000)
	require.NoError(t, err)
	next := heads[0].Floor
	for _, e := range events {
		next++
		require.Equal(t, next, e.Seq, "the feed of %s has a gap", buyer)
	}
	require.Equal(t, heads[0].Seq, next, "the feed of %s ends at its head", buyer)
	return events
}

// count reads a buyer's counter; the zero Count when it has none.
func count(t *testing.T, s domain.Store, buyer domain.BuyerID) domain.Count {
	t.Helper()
	counts, err := s.Counts(t.Context())
	require.NoError(t, err)
	var found []domain.Count
	for _, c := range counts {
		if c.Account == account && c.Buyer == buyer {
			found = append(found, c)
		}
	}
	require.LessOrEqual(t, len(found), 1, "one counter per buyer")
	if len(found) == 0 {
		return domain.Count{}
	}
	return found[0]
}

// names numbers ids, so that stories read "lead-3".
func names(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	return all
}
