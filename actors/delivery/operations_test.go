package delivery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// watched is an account whose operators are told of its endpoints.
var watched = domain.Account{
	ID: "acme", Operations: "pager", Endpoints: []domain.Endpoint{{ID: "crm", Name: "The CRM"}, {ID: "pager"}},
}

func toPager(account domain.AccountID, t domain.AnnouncementType, pixel domain.PixelID) []domain.Owed {
	return delivery.OwedTo(&watched, t, pixel, func(domain.EndpointKey) domain.Partition { return 9 })
}

// occurrence is what may happen to the endpoint "crm": a fourth attempt that shows it.
func occurrence(t domain.AnnouncementType) queue.Occurrence {
	at := noon.Add(60 * time.Hour)
	o := queue.Occurrence{
		Type: t, Endpoint: domain.EndpointKey{Account: "acme", Endpoint: "crm"}, At: at, Since: noon, Patience: 120 * time.Hour, Pending: 12,
		NextAt: at.Add(50 * time.Second), State: domain.DeliveryPending,
		Delivery: domain.Delivery{
			N: 41, Account: "acme", Endpoint: "crm", Event: "14dc4802-50ac-8cb9-9479-2e7a79f40ef6", Type: domain.LeadAssignedEvent, Lead: "ghl-1",
			Revision: 4, Attempts: 3, OwedAt: noon.Add(59 * time.Hour), FirstAt: noon.Add(59 * time.Hour),
		},
		Receipt: domain.Receipt{Number: 4, At: at, Status: 503, Error: domain.ErrorStatus, Reason: "503 Service Unavailable"},
	}
	switch t {
	case domain.EndpointFailingEvent:
		o.Percent = 50
	case domain.EndpointRecoveredEvent:
		o.State, o.NextAt, o.Receipt = domain.DeliveryDelivered, time.Time{}, domain.Receipt{Number: 4, At: at, Status: 200, Reason: "200 OK"}
	case domain.EndpointDisabledEvent:
		o.NextAt, o.Percent, o.Reason = time.Time{}, 100, "nothing but failures since 2026-11-25T12:00:00Z; the last: 503 Service Unavailable"
	case domain.DeliveryExhaustedEvent:
		o.State = domain.DeliveryExhausted
	}
	return o
}

// Operators are told through the endpoint they watch, of all others, and never of that one itself.
func TestOperations(t *testing.T) {
	t.Parallel()
	for _, typ := range domain.OperationalTypes() {
		o := occurrence(typ)
		a := delivery.Operations(&watched, toPager, o)
		require.Equal(t, []domain.Owed{{Endpoint: "pager", Partition: 9, Class: domain.ClassOf(typ)}}, a.Owed)
		require.Equal(t, a, delivery.Operations(&watched, toPager, o), "made again it is the same")
		require.NotContains(t, string(a.Payload), "ghl-1", "whom a lead is about is nothing for an alarm")
		_, personal, err := delivery.Recheck(a.Payload, nobody)
		require.NoError(t, err)
		require.False(t, personal, "nobody can be suppressed")

		o.Delivery.Revision++
		require.NotEqual(t, a.ID, delivery.Operations(&watched, toPager, o).ID, "another attempt is another event")
		o.Endpoint.Endpoint = "pager"
		require.Nil(t, delivery.Operations(&watched, toPager, o), "its own troubles would owe it ever more")
		require.Nil(t, delivery.Operations(&domain.Account{ID: "acme"}, toPager, occurrence(typ)), "nobody watches")
		require.Nil(t, delivery.Operations(nil, toPager, occurrence(typ)), "the account is gone")
	}
}

// What is said of an endpoint arrives in its order, and does not wait behind the deliveries that it has cost.
func TestOperations_KeepOrder(t *testing.T) {
	t.Parallel()
	lead := func(o queue.Occurrence) domain.LeadID { return delivery.Operations(&watched, toPager, o).Lead }
	failing, given := occurrence(domain.EndpointFailingEvent), occurrence(domain.DeliveryExhaustedEvent)
	require.Equal(t, lead(failing), lead(occurrence(domain.EndpointRecoveredEvent)))
	require.NotEqual(t, lead(failing), lead(given))
	other := given
	other.Delivery.N++
	require.NotEqual(t, lead(given), lead(other))
}

// A foreign server may answer with anything, and it is said all the same.
func TestOperations_QuoteAnything(t *testing.T) {
	t.Parallel()
	o := occurrence(domain.EndpointFailingEvent)
	o.Receipt.Reason = "503 \xff\x00 «no»"
	require.Contains(t, string(delivery.Operations(&watched, toPager, o).Payload), "503 \uFFFD «no»")
}
