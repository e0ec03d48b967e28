package storetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// tells adds to an attempt what it tells of its endpoint, to the warehouse, which is watched in these stories.
func tells(a domain.Attempted, id string, from, to domain.Told) domain.Attempted {
	said := announcement(id, domain.LeadOfEndpoint(a.Key.Endpoint))
	said.Type, said.Pixel, said.At, said.Owed = domain.EndpointFailingEvent, "", a.Receipt.EndedAt(), owes(warehouse)
	a.Announce, a.Told = append(a.Announce, said), domain.Telling{From: from, To: to}
	return a
}

// telling: what happens to an endpoint is told along with the attempt that shows it.
func telling(t *testing.T, h Harness) {
	// The endpoint begins to fail: the receipt, what was told, and the delivery that tells it are one commit.
	t.Run("AnnouncesWithTheAttempt", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		a := tells(fails(f, oweOne(t, s, f, "a-1", "ghl-ada", crm), noon), "failing", domain.ToldWell, domain.ToldFailing)
		got := record(t, s, a)
		require.Equal(t, domain.ToldFailing, got.Told)
		require.Len(t, got.Announced, 1)
		require.Positive(t, got.Announced[0].Seq)
		require.Len(t, got.Announced[0].Deliveries, 1)
		told := got.Announced[0].Deliveries[0]
		s = in.Crash(t).Store
		requireAnnouncements(t, got.Announced, announced(t, s)[1:])
		require.Equal(t, bare(told), delivery(t, s, told.N))
		require.Equal(t, []int64{told.N}, due(t, s, warehouse, a.Receipt.EndedAt()))
		require.Equal(t, domain.ToldFailing, endpointState(t, s, crm).Told)
		require.Equal(t, domain.ToldWell, endpointState(t, s, warehouse).Told)
		read, err := s.Due(t.Context(), endpoint(crm), noon, 1)
		require.NoError(t, err)
		require.Equal(t, endpointState(t, s, crm), read.State)
	})

	// An activation that has crashed told it already. The next one learns so, and nothing of its attempt is kept until
	// it says what is new.
	t.Run("IsToldOnce", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		one, two := oweOne(t, s, f, "a-1", "ghl-ada", crm), oweOne(t, s, f, "a-2", "ghl-bob", crm)
		record(t, s, tells(fails(f, one, noon), "failing", domain.ToldWell, 70))
		state := endpointState(t, s, crm)
		again := tells(arrives(f, two, noon), "again", domain.ToldFailing, domain.ToldWell)
		for range 2 {
			got, err := s.RecordAttempt(t.Context(), again)
			require.NoError(t, err)
			require.Equal(t, domain.AttemptRecorded{Outcome: domain.Outdated, Told: 70}, got)
		}
		require.Equal(t, bare(two), delivery(t, s, two.N))
		require.Empty(t, receipts(t, s, two.N))
		require.Equal(t, state, endpointState(t, s, crm))
		require.Len(t, announced(t, s), 3)

		again.Told.From = 70
		require.Equal(t, domain.ToldWell, record(t, s, again).Told)
		require.Equal(t, domain.ToldWell, endpointState(t, s, crm).Told)
		require.Len(t, announced(t, s), 4)
		got, err := s.RecordAttempt(t.Context(), again)
		require.NoError(t, err)
		require.Equal(t, domain.AlreadyDecided, got.Outcome, "the delivery is looked at first")
		require.Len(t, announced(t, s), 4)
	})

	// Who tells nothing need not know what was told; a delivery that is given up is told whatever that is.
	t.Run("OthersNeedNotKnow", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		record(t, s, tells(fails(f, oweOne(t, s, f, "a-1", "ghl-ada", crm), noon), "failing", domain.ToldWell, 50))
		require.EqualValues(t, 50, record(t, s, fails(f, oweOne(t, s, f, "a-2", "ghl-bob", crm), noon)).Told)
		given := attempt(f, oweOne(t, s, f, "a-3", "ghl-cid", crm), noon, domain.DeliveryExhausted, domain.ErrorDown)
		given.Receipt.Number = 0
		said := announcement("exhausted", "endpoint-crm-3")
		said.Owed = owes(warehouse)
		given.Announce = []domain.Announcement{said}
		got := record(t, s, given)
		require.Len(t, got.Announced, 1)
		require.EqualValues(t, 50, got.Told)
		require.Len(t, due(t, s, warehouse, noon.Add(time.Minute)), 2)
	})

	// What was told outlives that somebody enables it: whatever comes next is told after that.
	t.Run("OutlivesEnabling", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		a := tells(fails(f, oweOne(t, s, f, "a-1", "ghl-ada", crm), noon), "disabled", domain.ToldWell, domain.ToldDisabled)
		a.Disable = "410 Gone"
		record(t, s, a)
		require.NoError(t, s.EnableEndpoint(t.Context(), endpoint(crm), audit("e")))
		require.Equal(t, domain.ToldDisabled, endpointState(t, s, crm).Told)
	})

	// Two activations of an endpoint in one batch: one of them tells it, the others learn what was told.
	t.Run("ABatchTellsOnce", func(t *testing.T) {
		t.Parallel()
		var p trap
		s := h.Open(t, Options{Fail: p.fail}).Store
		f := claim(t, s)
		all := make([]domain.Delivery, 8)
		for i, id := range names("a", 8) {
			all[i] = oweOne(t, s, f, id, domain.LeadID(id), crm)
		}
		var done, outdated atomic.Int32
		together(t, s, &p, h, func(i int) error {
			got, err := s.RecordAttempt(t.Context(), tells(fails(f, all[i], noon), fmt.Sprint("failing-", i), domain.ToldWell, domain.ToldFailing))
			switch {
			case got.Outcome == domain.Done:
				done.Add(1)
			case got.Outcome == domain.Outdated && got.Told == domain.ToldFailing:
				outdated.Add(1)
			}
			return err
		})
		require.EqualValues(t, 1, done.Load())
		require.EqualValues(t, 7, outdated.Load())
		require.Len(t, announced(t, s), 9)
	})

	// In one batch a line of the endpoint that is told ends, and something new is told in it: it is not left behind one
	// that is gone.
	t.Run("ItsLineGoesOn", func(t *testing.T) {
		t.Parallel()
		var p trap
		s := h.Open(t, Options{Fail: p.fail}).Store
		f := claim(t, s)
		var told, fresh []domain.Delivery
		for i, id := range names("e", 4) {
			to := domain.EndpointID(fmt.Sprint("crm-", i))
			first := record(t, s, tells(fails(f, oweOne(t, s, f, id, "ghl-ada", to), noon), "told-"+id, domain.ToldWell, domain.ToldFailing))
			told = append(told, first.Announced[0].Deliveries[0])
			fresh = append(fresh, oweOne(t, s, f, id+"-next", "ghl-bob", to))
		}
		together(t, s, &p, h, func(i int) (err error) {
			if i%2 == 0 {
				_, err = s.RecordAttempt(t.Context(), arrives(f, told[i/2], noon))
			} else {
				_, err = s.RecordAttempt(t.Context(), tells(arrives(f, fresh[i/2], noon), fmt.Sprint("well-", i), domain.ToldFailing, domain.ToldWell))
			}
			return err
		})
		require.Len(t, due(t, s, warehouse, noon.Add(time.Minute)), 4)
	})

	// The disk or the connection fails at any step: the attempt and what it tells stand together, or not at all.
	for _, step := range h.Steps {
		t.Run("TellsAllOrNothing/"+step, func(t *testing.T) {
			t.Parallel()
			var p trap
			in := h.Open(t, Options{Fail: p.fail})
			s := in.Store
			f := claim(t, s)
			d := oweOne(t, s, f, "a-1", "ghl-ada", crm)
			a := tells(arrives(f, d, noon), "well", domain.ToldWell, domain.ToldFailing)
			p.set(step, 1)
			_, _ = s.RecordAttempt(t.Context(), a) // any answer: what counts is what is there
			p.set("", 0)
			s = in.Crash(t).Store
			there := len(receipts(t, s, d.N))
			require.Len(t, announced(t, s), 1+there)
			require.Len(t, due(t, s, warehouse, noon.Add(time.Minute)), there)
			require.EqualValues(t, there, endpointState(t, s, crm).Told)
			_, err := s.RecordAttempt(t.Context(), a)
			require.NoError(t, err)
			require.Len(t, announced(t, s), 2)
			require.Equal(t, domain.ToldFailing, endpointState(t, s, crm).Told)
		})
	}
}
