package actors_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
)

const crmEndpoint = "acme/crm"

// soon is for what happens beside the test, without a message or a commit to wait for.
const soon = 20 * time.Second

// hold has the next attempt at "crm" wait. begun is closed when it has arrived, and it ends with its context, or with done.
func hold(node *actortest.Node) (begun <-chan struct{}, done func()) {
	arrived, answered := make(chan struct{}), make(chan struct{})
	node.Receivers().While("crm", func(ctx context.Context) {
		close(arrived)
		select {
		case <-ctx.Done():
		case <-answered:
		}
	})
	return arrived, func() { close(answered) }
}

// An endpoint that is to move lets what is under way end, keeps its receipt, and begins nothing else, whatever is owed. One
// that stays after all goes on.
func TestEndpoint_Moves(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	node.Secret("crm")
	begun, done := hold(node)
	_, err := node.Ingest(actortest.Contact("e1", "lead-1"))
	require.NoError(t, err)
	<-begun
	node.Hear(wire.KindEndpoint, crmEndpoint, &cluster.Moving{})
	_, err = node.Ingest(actortest.Contact("e2", "lead-2"))
	require.NoError(t, err)
	done()
	node.Settle()
	require.Len(t, node.Receivers().Got("crm"), 1)
	all := node.Deliveries("crm")
	require.Equal(t, domain.DeliveryDelivered, all[0].State)
	require.Len(t, node.Receipts(all[0]), 1)
	require.Equal(t, domain.DeliveryPending, all[1].State)

	node.Keep(actortest.Contact("e3", "lead-3"))
	_, err = node.Runtime.Hasten(t.Context(), "acme", all[1].N, domain.AuditEntry{Account: "acme", At: node.Clock.Now(), Actor: "test", Action: "hasten"})
	require.NoError(t, err)
	node.Runtime.EndpointChanged(all[0].Key())
	node.Advance(10 * time.Second)
	require.Len(t, node.Receivers().Got("crm"), 1)

	node.Hear(wire.KindEndpoint, crmEndpoint, &cluster.Staying{})
	node.Settle()
	require.Len(t, node.Receivers().Got("crm"), 3)
	for _, d := range node.Deliveries("crm") {
		require.Equal(t, domain.DeliveryDelivered, d.State)
		require.Len(t, node.Receipts(d), 1)
	}
}

// Whoever takes an endpoint over makes again what has no receipt. So what is under way is cut off when the endpoint goes
// without waiting for it.
func TestEndpoint_CutsOff(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	node.Secret("crm")
	begun, _ := hold(node)
	_, err := node.Ingest(actortest.Contact("e1", "lead-1"))
	require.NoError(t, err)
	<-begun
	node.Lose(wire.KindEndpoint, crmEndpoint)
	require.Eventually(t, func() bool { return len(node.Receivers().Got("crm")) == 2 }, soon, time.Millisecond)
	node.Settle()
	got := node.Receivers().Got("crm")
	require.Len(t, got, 2)
	require.Equal(t, got[0].Event, got[1].Event)
	d := node.Deliveries("crm")[0]
	require.Equal(t, domain.DeliveryDelivered, d.State)
	require.Len(t, node.Receipts(d), 1, "what was cut off is nobody's attempt")
}

// The right to an endpoint runs out while an attempt is prepared, alone or in a batch: it is not made, and whoever has the
// endpoint next makes it.
func TestEndpoint_AsksForItsRightLast(t *testing.T) {
	t.Parallel()
	for name, events := range map[string]int{"alone": 1, "batch": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := actortest.New(t, batching(func(e *domain.Endpoint) {
				if events == 1 {
					e.Batch = domain.Batch{}
				}
			}))
			node.Secret("crm")
			leads := []domain.LeadID{"lead-1", "lead-2", "lead-3"}[:events]
			for _, lead := range leads {
				node.Keep(actortest.Contact(domain.EventID("new-"+lead), lead))
			}
			lost := make(chan struct{})
			node.Store.Before("SuppressionRevision", func() {
				node.Lose(wire.KindEndpoint, crmEndpoint)
				close(lost)
			})
			for _, lead := range leads {
				e := actortest.Contact(domain.EventID("change-"+lead), lead)
				e.Contact = []byte(`{"city":"Reno"}`)
				_, err := node.Ingest(e)
				require.NoError(t, err)
			}
			<-lost
			require.Eventually(t, func() bool { return len(node.Receivers().Got("crm")) > 0 }, soon, time.Millisecond)
			node.Settle()
			require.Len(t, node.Receivers().Got("crm"), 1)
			for _, d := range node.Deliveries("crm") {
				require.Equal(t, domain.DeliveryDelivered, d.State)
				require.Len(t, node.Receipts(d), 1)
			}
		})
	}
}
