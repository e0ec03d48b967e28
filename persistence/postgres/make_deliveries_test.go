package postgres

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// owing is an event with a decision that only announces something of a lead, to the endpoints.
func owing(f domain.Fence, id string, lead domain.LeadID, when time.Time, to ...domain.EndpointID) (domain.Event, domain.Decision) {
	e := event("of-" + id)
	e.Effect, e.ReceivedAt = domain.Amend, when
	d := deciding(f, 0, e, domain.Ignore)
	a := domain.Announcement{ID: domain.EventID(id), Account: "acme", Type: domain.LeadUpdatedEvent, Lead: lead, Payload: json.RawMessage(`{"id":"` + id + `"}`), At: when}
	for _, endpoint := range to {
		a.Owed = append(a.Owed, domain.Owed{Endpoint: endpoint, Partition: f.Partition})
	}
	d.Announce = []domain.Announcement{a}
	return e, d
}

func owe(t testing.TB, s *Store, f domain.Fence, id string, lead domain.LeadID, when time.Time, to ...domain.EndpointID) []domain.Delivery {
	t.Helper()
	e, d := owing(f, id, lead, when, to...)
	got, err := s.Admit(t.Context(), f, e, d)
	require.NoError(t, err)
	require.Len(t, got.Decided.Announced, 1)
	return got.Decided.Announced[0].Deliveries
}

// failing is an attempt that is made again, and arriving one that is the last.
func failing(f domain.Fence, d domain.Delivery, when time.Time) domain.Attempted {
	a := arriving(f, d, when)
	a.State, a.Class, a.NextAt = domain.DeliveryPending, domain.ClassRetry, when.Add(5*time.Second)
	if d.FailedAt.IsZero() {
		a.ReleaseAt = when.Add(15 * time.Minute)
	}
	a.Receipt.Status, a.Receipt.Error, a.Receipt.Reason = 503, domain.ErrorStatus, "503 Service Unavailable"
	return a
}

func arriving(f domain.Fence, d domain.Delivery, when time.Time) domain.Attempted {
	return domain.Attempted{
		Fence: f, Key: d.Key(), Delivery: d.N, Lead: d.Lead, Expect: d.Revision, State: domain.DeliveryDelivered,
		Receipt: domain.Receipt{Delivery: d.N, Number: d.Attempts + 1, At: when, Status: 200, Reason: "200 OK", Body: []byte("thanks")},
	}
}

func record(t testing.TB, s *Store, a domain.Attempted) domain.AttemptRecorded {
	t.Helper()
	got, err := s.RecordAttempt(t.Context(), a)
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
	return got
}

func deliveryOf(t testing.TB, s *Store, n int64) domain.Delivery {
	t.Helper()
	d, err := s.Delivery(t.Context(), "acme", n)
	require.NoError(t, err)
	return d
}

// requireLines checks that of every line the first one is the head, and only that one.
func requireLines(t testing.TB, s *Store) {
	t.Helper()
	require.Zero(t, count(t, s, `SELECT count(*) FROM pending_deliveries d
		WHERE d.behind <> EXISTS (SELECT 1 FROM pending_deliveries p WHERE p.endpoint = d.endpoint AND p.lead = d.lead AND p.n < d.n)`), "deliveries out of line")
}
