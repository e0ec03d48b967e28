package actors_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
)

// missed is an endpoint that was paused for so many events of so many leads, all of which somebody has cancelled.
func missed(t *testing.T, n, leads int) *actortest.Node {
	t.Helper()
	node := actortest.New(t, actortest.WithEndpoint(actortest.Catalog("ann"), "crm", func(e *domain.Endpoint) {
		e.Paused, e.Events = true, []domain.AnnouncementType{domain.LeadReceivedEvent, domain.LeadUpdatedEvent}
	}))
	node.Secret("crm")
	for i := range n {
		node.Keep(actortest.Contact(domain.EventID(fmt.Sprint("e", i)), domain.LeadID(fmt.Sprint("lead-", i%leads))))
	}
	for _, d := range node.Deliveries("crm") {
		_, err := node.Runtime.Cancel(t.Context(), "acme", d.N, replayAudit(node))
		require.NoError(t, err)
	}
	pause(node, false)
	require.Empty(t, node.Receivers().Got("crm"))
	return node
}

func pause(node *actortest.Node, paused bool) {
	node.Apply(func(c *domain.Catalog) { c.Accounts[0].Endpoints[0].Paused = paused })
}

func replayAudit(node *actortest.Node) domain.AuditEntry {
	return domain.AuditEntry{Account: "acme", At: node.Clock.Now(), Actor: "key k", Action: "replay.start"}
}

var cancelled = domain.ReplayFilter{States: []domain.DeliveryState{domain.DeliveryCancelled}} //nolint:gochecknoglobals // a constant

// An endpoint that was away is sent what it missed: each event once, those of a lead in their order, as replays.
func TestReplays_CatchUp(t *testing.T) {
	t.Parallel()
	node := missed(t, 6, 2)
	crm := domain.EndpointKey{Account: "acme", Endpoint: "crm"}
	r, err := node.Runtime.StartReplay(t.Context(), crm, cancelled, replayAudit(node))
	require.NoError(t, err)
	require.Equal(t, 6, r.Expected)
	require.Equal(t, "key k", r.By)
	node.Advance(2 * time.Second)
	r, err = node.Store.FindReplay(t.Context(), "acme", r.N)
	require.NoError(t, err)
	require.Equal(t, domain.ReplayDone, r.State)
	require.Equal(t, 6, r.Done)
	got, of := node.Receivers().Got("crm"), node.Deliveries("crm")
	require.Len(t, got, 6)
	place := map[string]int{}
	for i, a := range got {
		place[a.Event] = i
	}
	require.Len(t, place, 6, "each once")
	for i := range 4 {
		require.Less(t, place[string(of[i].Event)], place[string(of[i+2].Event)], "those of a lead in order")
	}
	require.Equal(t, domain.TriggerReplay, node.Receipts(of[len(of)-1])[0].Trigger)
	require.Zero(t, node.Gauge("leadwire_replay_running"))
}

// A replay that was begun where no node runs, or before a crash, is taken up by whoever has the endpoint.
func TestReplays_WakeAfterAStart(t *testing.T) {
	t.Parallel()
	node := missed(t, 3, 3)
	r, err := node.Store.StartReplay(t.Context(), domain.Replay{
		Account: "acme", Endpoint: "crm", Filter: cancelled, MadeAt: node.Clock.Now(), By: "command line",
	}, replayAudit(node))
	require.NoError(t, err)
	node.Restart()
	node.Advance(10 * time.Second)
	r, err = node.Store.FindReplay(t.Context(), "acme", r.N)
	require.NoError(t, err)
	require.Equal(t, domain.ReplayDone, r.State)
	for _, d := range node.Deliveries("crm")[3:] {
		require.Equal(t, domain.DeliveryDelivered, d.State)
	}
}

// Of an endpoint that takes nothing a replay owes what there is room for. Cancelled, it owes no more.
func TestReplays_LeaveRoom(t *testing.T) {
	t.Parallel()
	const all = domain.ReplayRoom + 30
	node := missed(t, all, all)
	pause(node, true)
	r, err := node.Runtime.StartReplay(t.Context(), domain.EndpointKey{Account: "acme", Endpoint: "crm"}, cancelled, replayAudit(node))
	require.NoError(t, err)
	require.Equal(t, all, r.Expected)
	node.Advance(10 * time.Second)
	r, err = node.Store.FindReplay(t.Context(), "acme", r.N)
	require.NoError(t, err)
	require.Equal(t, domain.ReplayRoom, r.Done)
	require.EqualValues(t, 1, node.Gauge("leadwire_replay_running"))
	require.EqualValues(t, 30, node.Gauge("leadwire_replay_left_deliveries"))
	require.EqualValues(t, domain.ReplayRoom, node.Gauge("leadwire_replay_waiting_deliveries"))
	_, err = node.Runtime.CancelReplay(t.Context(), "acme", r.N, replayAudit(node))
	require.NoError(t, err)
	pause(node, false)
	node.Advance(time.Minute)
	require.Len(t, node.Receivers().Got("crm"), domain.ReplayRoom)
	require.Zero(t, node.Gauge("leadwire_replay_running"))
}

// A replay to an endpoint that is gone ends, and the audit says why.
func TestReplays_OfAnEndpointThatIsGone(t *testing.T) {
	t.Parallel()
	node := missed(t, 2, 2)
	r, err := node.Store.StartReplay(t.Context(), domain.Replay{
		Account: "acme", Endpoint: "crm", Filter: cancelled, MadeAt: node.Clock.Now(),
	}, replayAudit(node))
	require.NoError(t, err)
	node.Apply(func(c *domain.Catalog) { c.Accounts[0].Endpoints = nil })
	node.Advance(10 * time.Second)
	r, err = node.Store.FindReplay(t.Context(), "acme", r.N)
	require.NoError(t, err)
	require.Equal(t, domain.ReplayCancelled, r.State)
	require.Zero(t, r.Done)
	entries, err := node.Store.Audit(t.Context(), "acme", 0, 1)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint("replay ", r.N), entries[0].Subject)
	require.Contains(t, entries[0].Detail, "removed from the catalog")
}
