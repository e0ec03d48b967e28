package storetest

import (
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func retentionOfDeliveries(t *testing.T, h Harness) {
	// After a month nothing is left of what has ended; what is owed stays with all it needs, for as long as it takes.
	t.Run("WhatHasEndedGoesAndWhatIsOwedStays", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		now := time.Now().UTC().Truncate(time.Millisecond)
		at := func(id string, lead domain.LeadID, at time.Time, to ...domain.EndpointID) []domain.Delivery {
			a := announcement(id, lead)
			a.At, a.Owed = at, owes(to...)
			return announce(t, s, f, a)
		}
		// A long queue of an endpoint that is paused, before and between everything else.
		waits := at("a-waits", "ghl-ada", now, warehouse)[0]
		ended := at("a-ended", "ghl-bob", now, crm)[0]
		record(t, s, fails(f, ended, now))
		record(t, s, arrives(f, delivery(t, s, ended.N), now.Add(time.Minute)))
		half := at("a-half", "ghl-cyd", now, crm, warehouse)
		record(t, s, arrives(f, half[0], now))
		record(t, s, fails(f, half[1], now))
		young := at("a-young", "ghl-dan", now.Add(35*day), crm)[0]
		record(t, s, arrives(f, young, now.Add(35*day)))
		all := deliveries(t, s, domain.DeliveryFilter{})
		require.Len(t, all, 5)

		maintain(t, s, now.Add(20*day), domain.Retention{})
		require.Equal(t, all, deliveries(t, s, domain.DeliveryFilter{}))
		maintain(t, s, now.Add(45*day), domain.Retention{})
		require.Equal(t, []int64{young.N, half[1].N, waits.N}, numbers(deliveries(t, s, domain.DeliveryFilter{})))
		for _, d := range []domain.Delivery{ended, half[0]} {
			_, err := s.Delivery(t.Context(), account, d.N)
			require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
			_, err = s.Receipts(t.Context(), account, d.N, 10)
			require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
		}
		require.Len(t, receipts(t, s, half[1].N), 1)
		require.Equal(t, []int64{waits.N, half[1].N}, due(t, s, warehouse, now.Add(400*day)))
		for _, d := range []domain.Delivery{waits, half[1], young} {
			require.Equal(t, d.Event, delivery(t, s, d.N).Event, "with its payload")
		}

		// They arrive in the end, and then they are as mortal as the others.
		record(t, s, arrives(f, waits, now.Add(45*day)))
		record(t, s, arrives(f, delivery(t, s, half[1].N), now.Add(45*day)))
		maintain(t, s, now.Add(400*day), domain.Retention{})
		require.Empty(t, deliveries(t, s, domain.DeliveryFilter{}))
		require.Empty(t, announced(t, s))
		require.Greater(t, oweOne(t, s, f, "a-next", "ghl-ada", crm).N, young.N, "numbers are not given again")
	})

	// Retention takes small bites here too, and comes to an end.
	t.Run("ABoundedAmountPerCall", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		now := time.Now().UTC().Truncate(time.Millisecond)
		for i, id := range names("a", 25) {
			a := announcement(id, domain.LeadID(id))
			a.At, a.Owed = now, owes(crm, warehouse)
			two := announce(t, s, f, a)
			record(t, s, fails(f, two[0], now))
			record(t, s, arrives(f, delivery(t, s, two[0].N), now))
			if i%5 != 0 {
				record(t, s, arrives(f, two[1], now))
			}
		}
		keep := domain.Retention{BatchLimit: 10}
		m, err := s.Maintain(t.Context(), now.Add(60*day), keep)
		require.NoError(t, err)
		require.True(t, m.More)
		for table, n := range m.Removed {
			require.LessOrEqual(t, n, int64(10), table)
		}
		maintain(t, s, now.Add(60*day), keep)
		require.Len(t, deliveries(t, s, domain.DeliveryFilter{}), 5)
		require.Len(t, due(t, s, warehouse, now), 5)
	})
}
