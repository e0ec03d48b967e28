package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// The cast of deliveries' stories: the account's endpoints. Their actors are in partition 7.
const (
	crm       = domain.EndpointID("crm")
	warehouse = domain.EndpointID("warehouse")
)

// endpoint is the key of one of the account's.
func endpoint(id domain.EndpointID) domain.EndpointKey {
	return domain.EndpointKey{Account: account, Endpoint: id}
}

func owes(to ...domain.EndpointID) (all []domain.Owed) {
	for _, id := range to {
		all = append(all, domain.Owed{Endpoint: id, Partition: 7, Class: domain.ClassFirst})
	}
	return all
}

// owe announces something of a lead, which need not exist, to the endpoints: the shortest way to a delivery.
func owe(t *testing.T, s domain.Store, f domain.Fence, id string, lead domain.LeadID, to ...domain.EndpointID) []domain.Delivery {
	t.Helper()
	a := announcement(id, lead)
	a.Owed = owes(to...)
	return announce(t, s, f, a)
}

// announce lets a leave, and returns its deliveries as the store answers them.
func announce(t *testing.T, s domain.Store, f domain.Fence, a domain.Announcement) []domain.Delivery {
	t.Helper()
	e := event("of-"+string(a.ID), "ghl-nobody")
	e.Account, e.Effect = a.Account, domain.Amend
	d := settle(f, domain.Pending{Event: e}, domain.Ignore)
	d.Announce = []domain.Announcement{a}
	got := admit(t, s, e, d).Decided
	require.Equal(t, domain.Done, got.Outcome)
	require.Len(t, got.Announced, 1)
	require.Len(t, got.Announced[0].Deliveries, len(a.Owed))
	return got.Announced[0].Deliveries
}

// oweOne is owe to one endpoint.
func oweOne(t *testing.T, s domain.Store, f domain.Fence, id string, lead domain.LeadID, to domain.EndpointID) domain.Delivery {
	t.Helper()
	return owe(t, s, f, id, lead, to)[0]
}

// attempt settles the next attempt of d, which began at a time, with a state and an error.
func attempt(f domain.Fence, d domain.Delivery, at time.Time, state domain.DeliveryState, class domain.ErrorClass) domain.Attempted {
	a := domain.Attempted{Fence: f, Key: d.Key(), Delivery: d.N, Lead: d.Lead, Expect: d.Revision, State: state}
	a.Receipt = domain.Receipt{
		Delivery: d.N, Number: d.Attempts + 1, Trigger: domain.TriggerFirst, ScheduledAt: d.DueAt, At: at,
		Phases: domain.Phases{Queue: 3 * time.Microsecond, First: 30 * time.Millisecond, Total: 40 * time.Millisecond},
		Status: 200, Header: domain.Header{"Content-Type": {"text/plain"}}, Body: []byte("thanks"),
		Reason: "200 OK", Address: "192.0.2.1:443", SecretID: "s-1", Revision: 3,
	}
	if class != "" {
		a.Receipt.Status, a.Receipt.Error, a.Receipt.Reason = domain.StatusUnavailable, class, "503 Service Unavailable"
	}
	return a
}

// Pauses of the stories.
const (
	pause = 5 * time.Second  // after a failure
	hold  = 15 * time.Minute // for those behind
)

// fails is an attempt that is made again.
func fails(f domain.Fence, d domain.Delivery, at time.Time) domain.Attempted {
	a := attempt(f, d, at, domain.DeliveryPending, domain.ErrorStatus)
	a.Class, a.NextAt = domain.ClassRetry, a.Receipt.EndedAt().Add(pause)
	a.Receipt.NextAt = a.NextAt
	if d.FailedAt.IsZero() {
		a.ReleaseAt = a.Receipt.EndedAt().Add(hold)
	}
	return a
}

// arrives is an attempt that is the last one.
func arrives(f domain.Fence, d domain.Delivery, at time.Time) domain.Attempted {
	return attempt(f, d, at, domain.DeliveryDelivered, "")
}

// record settles a and insists that it is Done.
func record(t *testing.T, s domain.Store, a domain.Attempted) domain.AttemptRecorded {
	t.Helper()
	got, err := s.RecordAttempt(t.Context(), a)
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
	return got
}

// delivery reads one, and insists that its payload is its announcement's.
func delivery(t *testing.T, s domain.Store, n int64) domain.Delivery {
	t.Helper()
	d, err := s.Delivery(t.Context(), account, n)
	require.NoError(t, err)
	var payload struct{ ID domain.EventID }
	require.NoError(t, json.Unmarshal(d.Payload, &payload))
	require.Equal(t, d.Event, payload.ID)
	return bare(d)
}

// bare is d to compare with: without its payload, which is not everywhere, and with times that are the same when
// they are the same instant.
func bare(d domain.Delivery) domain.Delivery {
	d.Payload = nil
	for _, at := range []*time.Time{&d.OwedAt, &d.DueAt, &d.FirstAt, &d.FailedAt, &d.ReleaseAt, &d.EndedAt} {
		*at = at.UTC()
	}
	return d
}

func bareAll(all []domain.Delivery) []domain.Delivery {
	list := make([]domain.Delivery, 0, len(all))
	for _, d := range all {
		list = append(list, bare(d))
	}
	return list
}

// due reads what an endpoint of the account has due.
func due(t *testing.T, s domain.Store, id domain.EndpointID, at time.Time) []int64 {
	t.Helper()
	got, err := s.Due(t.Context(), endpoint(id), at, 100)
	require.NoError(t, err)
	require.False(t, got.More)
	return numbers(got.Deliveries)
}

func numbers(all []domain.Delivery) []int64 {
	list := make([]int64, 0, len(all))
	for _, d := range all {
		list = append(list, d.N)
	}
	return list
}

// deliveries lists what passes a filter, all of it.
func deliveries(t *testing.T, s domain.Store, f domain.DeliveryFilter) []domain.Delivery {
	t.Helper()
	got, err := s.Deliveries(t.Context(), account, f, 0, 10_000)
	require.NoError(t, err)
	for _, d := range got {
		require.Nil(t, d.Payload, "a list is without payloads")
	}
	return bareAll(got)
}

func receipts(t *testing.T, s domain.Store, n int64) []domain.Receipt {
	t.Helper()
	got, err := s.Receipts(t.Context(), account, n, 1000)
	require.NoError(t, err)
	for i := range got {
		for _, at := range []*time.Time{&got[i].ScheduledAt, &got[i].At, &got[i].NextAt} {
			*at = at.UTC()
		}
	}
	return got
}

// endpointState reads one of the account's.
func endpointState(t *testing.T, s domain.Store, id domain.EndpointID) domain.EndpointState {
	t.Helper()
	got, err := s.EndpointState(t.Context(), endpoint(id))
	require.NoError(t, err)
	for _, at := range []*time.Time{&got.DisabledAt, &got.FailingSince, &got.SucceededAt} {
		*at = at.UTC()
	}
	return got
}
