package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
)

// A node received events and died before it decided them. The usual lead is received and decided in one
// commit, so that a kill rarely leaves such a thing behind: here it is put there. The next node decides
// them by itself, in their order, and every dashboard is shown its own.
func TestReceivedAndUndecidedIsDecidedAfterAStart(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	eachBackend(t, func(t *testing.T, b backend) {
		crm := newCRM(t)
		dashboards := openAll(apply(t, b.storage, crm.catalog(buyers, 0)))
		l := newLoad(crm, "r")
		for i := range 60 {
			for n := range 1 + i%3 {
				l.ack(event{lead: fmt.Sprintf("r%d", i), n: n})
			}
		}
		for i := range 5 {
			l.ack(event{lead: fmt.Sprintf("held%d", i)})
		}
		history := leaveUndecided(t, b, l.events())
		for _, d := range dashboards {
			d.last = history + "-0" // they were open when the node died, and nothing had been shown
		}

		p := serve(t, b.storage)
		defer watch(t, p, dashboards)()
		settle(t, p, l, dashboards)
		require.Eventually(t, func() bool {
			text := metrics(t, p)
			return strings.Contains(text, "\nleadwire_backlog_undecided_events 0\n") &&
				strings.Contains(text, "\nleadwire_backlog_held_events 0\n") &&
				strings.Contains(text, "\nleadwire_backlog_oldest_undecided_event_seconds 0\n")
		}, patience, patienceStep, "the gauges say that nothing waits")
		p.stop()
		inspect(t, b, l, dashboards, "", 0)
	})
}

// leaveUndecided does to a stopped store what a node does that receives events, holds some leads because
// nobody could take them, and dies. It returns the store's epoch.
func leaveUndecided(t *testing.T, b backend, events []event) (epoch string) {
	t.Helper()
	store := b.open(t)
	all := make([]domain.Partition, domain.Partitions)
	for i := range all {
		all[i] = domain.Partition(i)
	}
	fences, err := store.Claim(t.Context(), "node-that-died", all)
	require.NoError(t, err)
	for _, e := range events {
		in := e.received()
		key := domain.LeadKey{Account: in.Account, Lead: in.Lead}
		fence := fences[cluster.PartitionOf(wire.KindLead, key.String())]
		got, err := store.Receive(t.Context(), fence, in)
		require.NoError(t, err)
		if !strings.HasPrefix(e.lead, "held") {
			continue
		}
		held, err := store.Decide(t.Context(), domain.Decision{
			Fence: fence, EventSeq: got.Seq, Verb: domain.Hold, Lead: key, Source: in.Source, EventID: in.ID,
			Campaign: in.Campaign, Contact: in.Contact, ReceivedAt: in.ReceivedAt, At: time.Now(),
		})
		require.NoError(t, err)
		require.Equal(t, domain.Done, held.Outcome, e.lead)
	}
	backlog, err := store.Backlog(t.Context())
	require.NoError(t, err)
	require.Positive(t, backlog.Held)
	require.Equal(t, len(events), backlog.Undecided+backlog.Held, "nothing has been decided")
	epoch = store.Epoch()
	require.NoError(t, store.Close())
	return epoch
}

// received is the event as the edge hands it to a store.
func (e event) received() domain.Event {
	in := domain.Event{
		Account: "acme", Source: "ghl", ID: domain.EventID(e.id()), Type: "ContactCreate", Effect: domain.Open,
		Lead: domain.LeadID("ghl-" + e.lead), Campaign: "solar", Contact: domain.Contact{Name: e.name()}.JSON(),
		Body: []byte(e.body()), ReceivedAt: time.Now(),
	}
	if e.n > 0 {
		name, value := e.field()
		in.Type = "ContactUpdate"
		in.Contact = domain.Contact{Company: e.company(), Fields: map[string]string{name: value}}.JSON()
	}
	return in
}
