package actors_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
)

// tries sends an endpoint a test and insists that its receipt is kept.
func tries(t *testing.T, node *actortest.Node, id domain.EndpointID) (domain.Tested, domain.Delivery, domain.Receipt) {
	t.Helper()
	got, err := test(t.Context(), node, id)
	require.NoError(t, err)
	require.NoError(t, got.Unkept)
	d, err := node.Store.Delivery(t.Context(), "acme", got.Delivery)
	require.NoError(t, err)
	receipts := node.Receipts(d)
	require.Len(t, receipts, 1)
	return got, d, receipts[0]
}

func test(ctx context.Context, node *actortest.Node, id domain.EndpointID) (domain.Tested, error) {
	audit := domain.AuditEntry{At: node.Clock.Now(), Actor: "ann", Action: "endpoint.test", Account: "acme", Subject: "endpoint " + string(id)}
	return node.Runtime.TestEndpoint(ctx, domain.EndpointKey{Account: "acme", Endpoint: id}, audit)
}

// A test event goes at once, beside the queue, and leaves a receipt like any attempt.
func TestEndpoint_Test(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	signs := node.Secret("crm")
	node.Receivers().Plan("crm", domain.Sent{
		Status: 204, Reason: "204 No Content", Phases: domain.Phases{First: 30 * time.Millisecond, Total: 40 * time.Millisecond},
		Header: domain.Header{"Server": {"shop"}}, Body: []byte("thanks"), Address: "192.0.2.1:443",
	})
	now := node.Clock.Now()
	sent, d, r := tries(t, node, "crm")
	require.Equal(t, 204, sent.Status)
	arrived := node.Receivers().Got("crm")
	require.Len(t, arrived, 1)
	require.Contains(t, arrived[0].Body, `"type":"endpoint.test"`)
	require.Equal(t, arrived[0].Event, string(d.Event))
	require.Equal(t, domain.DeliveryDelivered, d.State)
	require.True(t, now.Equal(r.At))
	require.True(t, now.Equal(r.ScheduledAt))
	require.Positive(t, r.Revision)
	r.At, r.ScheduledAt, r.Revision = time.Time{}, time.Time{}, 0
	require.Equal(t, domain.Receipt{
		Delivery: d.N, Number: 1, Trigger: domain.TriggerTest, Status: 204, Reason: "204 No Content", Phases: sent.Phases,
		Header: sent.Header, Body: sent.Body, Address: sent.Address, SecretID: signs.ID(),
	}, r)
	entries, err := node.Store.Audit(t.Context(), "acme", 0, 1)
	require.NoError(t, err)
	require.Equal(t, "endpoint.test", entries[0].Action)
	require.EqualValues(t, 1, node.Value("leadwire_delivery_attempts_total", map[string]string{"trigger": "test", "result": "ok"}))
	require.Zero(t, node.Value("leadwire_delivery_ended_total", map[string]string{"state": "delivered"}), "it is no delivery of anybody")
	require.Empty(t, node.Announcements())
}

// One that is refused, by its receiver or before it has left the house, is an attempt that failed. It is not made again, and
// the endpoint is thought no worse of.
func TestEndpoint_TestFails(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	node.Secret("crm")
	for _, plan := range []domain.Sent{
		{Status: 410, Error: domain.ErrorStatus, Reason: "410 Gone"},
		{Error: domain.ErrorAddress, Reason: "crm.example leads to 10.0.0.1, which is not sent to"},
	} {
		node.Receivers().Plan("crm", plan)
		sent, d, r := tries(t, node, "crm")
		require.Equal(t, plan.Error, sent.Error)
		require.Equal(t, []any{plan.Error, plan.Reason, plan.Status, domain.TriggerTest}, []any{r.Error, r.Reason, r.Status, r.Trigger})
		require.Equal(t, domain.DeliveryExhausted, d.State)
		require.Equal(t, plan.Reason, d.Reason)
	}
	node.Advance(time.Minute)
	require.Len(t, node.Receivers().Got("crm"), 2)
	state, err := node.Store.EndpointState(t.Context(), domain.EndpointKey{Account: "acme", Endpoint: "crm"})
	require.NoError(t, err)
	require.True(t, state.DisabledAt.IsZero())
	require.True(t, state.FailingSince.IsZero())
	node.Keep(actortest.Contact("e1", "lead-1"))
	require.Len(t, node.Receivers().Got("crm"), 3, "its queue goes on")
}

// An endpoint that cannot be sent anything says why. Nothing was tried, so nothing is kept.
func TestEndpoint_TestRefused(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	_, err := test(t.Context(), node, "crm")
	require.Equal(t, domain.Conflict, domain.CodeOf(err))
	require.ErrorContains(t, err, "no secret")
	_, err = test(t.Context(), node, "other")
	require.Equal(t, domain.NotFound, domain.CodeOf(err))
	require.Empty(t, node.Deliveries("crm"))
	require.Zero(t, node.Store.Calls("KeepTest"))
}

// Whoever asked has gone away meanwhile; the endpoint has had the event all the same.
func TestEndpoint_TestIsKeptForNobody(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	node.Secret("crm")
	ctx, leave := context.WithCancel(t.Context())
	node.Receivers().While("crm", func(context.Context) { leave() })
	got, err := test(ctx, node, "crm")
	require.NoError(t, err)
	require.Equal(t, []int64{got.Delivery}, []int64{node.Deliveries("crm")[0].N})
}

// What happened at the receiver is told also when it could not be put down, and that it was not. A lost answer is asked for
// again.
func TestEndpoint_TestIsNotKept(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	node.Secret("crm")
	for _, err := range []error{actortest.ErrDown, domain.Fail("commit", domain.Internal, errors.New("the file is damaged"))} {
		node.Store.Fail("KeepTest", 2, err)
		got, failed := test(t.Context(), node, "crm")
		require.NoError(t, failed)
		require.Equal(t, 200, got.Status)
		require.Zero(t, got.Delivery)
		require.Equal(t, err, got.Unkept)
		node.Store.Fail("KeepTest", 0, nil)
	}
	require.Empty(t, node.Deliveries("crm"))
	require.Zero(t, node.Value("leadwire_delivery_attempts_total", map[string]string{"trigger": "test", "result": "ok"}))

	node.Store.FailAfter("KeepTest", 1, actortest.ErrDown)
	got, _, _ := tries(t, node, "crm")
	require.Len(t, node.Deliveries("crm"), 1)
	require.Positive(t, got.Delivery)
}
