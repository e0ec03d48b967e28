package storetest

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func listingDeliveries(t *testing.T, h Harness) {
	// What became of an event, of a person, at an endpoint, since yesterday: every filter and what they have in common.
	t.Run("Filters", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		all := manyDeliveries(t, s, f)
		leads := []domain.LeadID{"ghl-0", "ghl-2", "ghl-none"}
		for _, filter := range []domain.DeliveryFilter{
			{}, {Endpoint: crm}, {Endpoint: warehouse}, {Endpoint: "unknown"}, {Lead: leads[0]}, {Lead: leads[2]}, {Event: "a-7"}, {Event: "none"},
			{Endpoint: crm, Lead: leads[1]}, {Endpoint: warehouse, Event: "a-4"}, {Endpoint: crm, Lead: leads[0], Event: "a-12"},
		} {
			for _, state := range append(domain.DeliveryStates(), "") {
				for _, span := range [][2]time.Time{
					{}, {noon.Add(5 * time.Second)}, {{}, noon.Add(17 * time.Second)}, {noon.Add(8 * time.Second), noon.Add(9 * time.Second)},
				} {
					filter.State, filter.Since, filter.Until = state, span[0], span[1]
					require.Equal(t, matching(all, filter), deliveries(t, s, filter), "%+v", filter)
				}
			}
		}
	})

	// Newest first, page by page: each once, though new ones come in between.
	t.Run("Pages", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		all := manyDeliveries(t, s, f)
		for i, filter := range []domain.DeliveryFilter{{}, {Endpoint: crm}, {Lead: "ghl-1"}, {State: domain.DeliveryPending}} {
			var got []domain.Delivery
			for before, full := int64(math.MaxInt64), true; full; {
				page, err := s.Deliveries(t.Context(), account, filter, before, 3)
				require.NoError(t, err)
				require.LessOrEqual(t, len(page), 3)
				if full = len(page) == 3; full {
					before = page[2].N
				}
				got = append(got, bareAll(page)...)
				all = append(all, bare(oweOne(t, s, f, fmt.Sprintf("between-%d-%d", i, len(got)), "ghl-between", crm)))
			}
			require.Equal(t, matching(all, filter)[len(matching(all, filter))-len(got):], got)
			require.NotEmpty(t, got)
		}
	})

	// A number is the account's that it was given to.
	t.Run("OfOneAccount", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		mine := oweOne(t, s, f, "a-1", "ghl-ada", crm)
		a := announcement("a-1", "ghl-ada") // the same names mean others there
		a.Account, a.Owed = "globex", owes(crm)
		theirs := announce(t, s, f, a)[0]
		record(t, s, fails(f, theirs, noon))
		for _, filter := range []domain.DeliveryFilter{{}, {Endpoint: crm}, {Lead: "ghl-ada"}, {Event: "a-1"}} {
			require.Equal(t, []int64{mine.N}, numbers(deliveries(t, s, filter)))
			got, err := s.Deliveries(t.Context(), "globex", filter, 0, 10)
			require.NoError(t, err)
			require.Equal(t, []int64{theirs.N}, numbers(got))
		}
		_, err := s.Delivery(t.Context(), account, theirs.N)
		require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
		_, err = s.Receipts(t.Context(), account, theirs.N, 10)
		require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
		got, err := s.Receipts(t.Context(), "globex", theirs.N, 10)
		require.NoError(t, err)
		require.Len(t, got, 1)
		_, err = s.Delivery(t.Context(), account, theirs.N+1000)
		require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
	})
}

// manyDeliveries is 40 of them, of 20 events a second apart, of 4 leads, to 2 endpoints, in every state; by number.
func manyDeliveries(t *testing.T, s domain.Store, f domain.Fence) (all []domain.Delivery) {
	t.Helper()
	for i, id := range names("a", 20) {
		a := announcement(id, domain.LeadID(names("ghl", 4)[i%4]))
		a.At, a.Owed = noon.Add(time.Duration(i)*time.Second), owes(crm, warehouse)
		all = append(all, announce(t, s, f, a)...)
	}
	states := domain.DeliveryStates()
	for i, d := range all {
		switch state := states[i%len(states)]; state {
		case domain.DeliveryPending:
		case domain.DeliveryCancelled:
			_, err := s.Cancel(t.Context(), account, d.N, noon, audit("delivery.cancel"))
			require.NoError(t, err)
		default:
			record(t, s, attempt(f, d, noon, state, ""))
		}
	}
	for i := range all {
		all[i] = delivery(t, s, all[i].N)
	}
	return all
}

// matching is what a list of all, by number, should have of them.
func matching(all []domain.Delivery, f domain.DeliveryFilter) []domain.Delivery {
	list := []domain.Delivery{}
	for _, d := range all {
		if (f.Endpoint == "" || f.Endpoint == d.Endpoint) && (f.Lead == "" || f.Lead == d.Lead) && (f.Event == "" || f.Event == d.Event) &&
			(f.State == "" || f.State == d.State) && !d.OwedAt.Before(f.Since) && (f.Until.IsZero() || d.OwedAt.Before(f.Until)) {
			list = append(list, d)
		}
	}
	slices.Reverse(list)
	return list
}
