package storetest

import (
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// delivering: what is announced is owed to endpoints, in the order of each lead.
func delivering(t *testing.T, h Harness) {
	// The delivery is there with the fact that it announces, whichever operation that was, and a crash keeps both.
	t.Run("IsOwedInTheCommitOfItsAnnouncement", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		with := func(id string, lead domain.LeadID) []domain.Announcement {
			a := announcement(id, lead)
			a.Owed = owes(crm, warehouse)
			a.Owed[1].Class = domain.ClassUpdate
			return []domain.Announcement{a}
		}
		var want []domain.Delivery
		expect := func(announced []domain.Announcement) {
			t.Helper()
			require.Len(t, announced, 1)
			a := announced[0]
			require.Len(t, a.Deliveries, 2)
			for i, d := range a.Deliveries {
				require.Positive(t, d.N)
				require.Equal(t, domain.Delivery{
					N: d.N, Account: account, Endpoint: []domain.EndpointID{crm, warehouse}[i], Announcement: a.Seq, Event: a.ID, Type: a.Type,
					Lead: a.Lead, Class: domain.Class(i), State: domain.DeliveryPending, Revision: 1, OwedAt: noon, DueAt: noon,
				}, bare(d))
				want = append(want, bare(d))
			}
		}
		d := assign(f, receive(t, s, f, event("e-1", "ghl-ada")), "bea")
		d.Announce = with("by-decide", "ghl-ada")
		expect(decide(t, s, d).Announced)
		e := event("e-2", "ghl-bob")
		d = riding(f, e, "bea")
		d.Announce = with("by-admit", "ghl-bob")
		expect(admit(t, s, e, d).Decided.Announced)
		j := judgement(t, s, f, met(t, s, f, "h-1", visit1, ada))
		j.Announce = with("by-judge", j.Lead.Lead)
		expect(judge(t, s, j).Announced)

		s = in.Crash(t).Store
		for i, d := range want {
			require.Equal(t, d, delivery(t, s, d.N))
			require.Equal(t, announced(t, s)[i/2].Seq, d.Announcement)
		}
		require.Equal(t, []int64{want[0].N, want[2].N, want[4].N}, due(t, s, crm, noon))
		require.Equal(t, []int64{want[1].N, want[3].N, want[5].N}, due(t, s, warehouse, noon))
	})

	// What does not stand owes nothing, and an endpoint that nothing was owed to is not known.
	t.Run("IsNotOwedByWhatIsRefused", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		assigned(t, s, f, "ada", "bea")
		refused := assign(f, receive(t, s, f, event("e-2", "ghl-ada")), "cid")
		full := assign(f, receive(t, s, f, event("e-3", "ghl-bob")), "bea")
		full.Cap = 1
		for _, d := range []domain.Decision{refused, full} {
			d.Announce = []domain.Announcement{announcement("refused", d.Lead.Lead)}
			d.Announce[0].Owed = owes(crm)
			got, err := s.Decide(t.Context(), d)
			require.NoError(t, err)
			require.NotEqual(t, domain.Done, got.Outcome)
			require.Empty(t, got.Announced)
		}
		j := judgement(t, s, f, met(t, s, f, "h-1", visit1, ada))
		j.Expect, j.Announce[0].Owed = 9, owes(crm)
		judged, err := s.Judge(t.Context(), j)
		require.NoError(t, err)
		require.Equal(t, domain.Stale, judged.Outcome)
		require.Empty(t, deliveries(t, s, domain.DeliveryFilter{}))
		require.Equal(t, domain.EndpointState{Key: endpoint(crm)}, endpointState(t, s, crm))
		owing, err := s.Owing(t.Context(), []domain.Partition{7}, 0, 10)
		require.NoError(t, err)
		require.Empty(t, owing)
	})

	// Of one lead only the head is due. The next one is when the head has ended, however it ends.
	for _, row := range []struct {
		how string
		end func(t *testing.T, s domain.Store, f domain.Fence, head domain.Delivery, at time.Time) (next int64)
	}{
		{"delivered", func(t *testing.T, s domain.Store, f domain.Fence, head domain.Delivery, at time.Time) int64 {
			return record(t, s, arrives(f, head, at.Add(-40*time.Millisecond))).Next
		}},
		{"exhausted", func(t *testing.T, s domain.Store, f domain.Fence, head domain.Delivery, at time.Time) int64 {
			return record(t, s, attempt(f, head, at.Add(-40*time.Millisecond), domain.DeliveryExhausted, domain.ErrorTimeout)).Next
		}},
		{"suppressed without an attempt", func(t *testing.T, s domain.Store, f domain.Fence, head domain.Delivery, at time.Time) int64 {
			a := attempt(f, head, at.Add(-40*time.Millisecond), domain.DeliverySuppressed, domain.ErrorSuppressed)
			a.Receipt.Number = 0
			return record(t, s, a).Next
		}},
		{"cancelled", func(t *testing.T, s domain.Store, _ domain.Fence, head domain.Delivery, at time.Time) int64 {
			d, err := s.Cancel(t.Context(), account, head.N, at, audit("delivery.cancel"))
			require.NoError(t, err)
			require.Equal(t, domain.DeliveryCancelled, d.State)
			next, err := s.Due(t.Context(), endpoint(crm), at, 1)
			require.NoError(t, err)
			return next.Deliveries[0].N
		}},
	} {
		t.Run("TheNextGoesWhenTheHeadHasEnded/"+row.how, func(t *testing.T) {
			t.Parallel()
			s := h.Open(t, Options{}).Store
			f := claim(t, s)
			first, second, third := oweOne(t, s, f, "a-1", "ghl-ada", crm), oweOne(t, s, f, "a-2", "ghl-ada", crm), oweOne(t, s, f, "a-3", "ghl-ada", crm)
			require.False(t, first.Behind)
			require.True(t, second.Behind && third.Behind)
			require.Zero(t, second.DueAt)
			require.Equal(t, bare(second), delivery(t, s, second.N))
			require.Equal(t, []int64{first.N}, due(t, s, crm, noon.Add(day)), "those behind are never due by themselves")
			at := noon.Add(time.Minute)
			require.Equal(t, second.N, row.end(t, s, f, first, at))
			require.Empty(t, due(t, s, crm, at.Add(-time.Millisecond)))
			require.Equal(t, []int64{second.N}, due(t, s, crm, at))
			got := delivery(t, s, second.N)
			require.False(t, got.Behind)
			require.Equal(t, at, got.DueAt)
			require.EqualValues(t, 1, got.Revision, "it was not tried")
			require.Equal(t, bare(third), delivery(t, s, third.N))
			ended := delivery(t, s, first.N)
			require.Equal(t, at, ended.EndedAt)
			require.Zero(t, ended.DueAt)
			record(t, s, arrives(f, got, at))
			require.Equal(t, []int64{third.N}, due(t, s, crm, at.Add(time.Second)))
			require.Zero(t, record(t, s, arrives(f, third, at.Add(time.Second))).Next)
			require.Empty(t, due(t, s, crm, noon.Add(day)))
			require.False(t, oweOne(t, s, f, "a-4", "ghl-ada", crm).Behind, "the line is empty: it begins anew")
		})
	}

	// A head that fails holds the others up only for so long: they get a time when it first fails, those that come
	// while it does as well, and its later failures do not move it.
	t.Run("AFailingHeadReleasesThoseBehind", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		head, behind := oweOne(t, s, f, "a-1", "ghl-ada", crm), oweOne(t, s, f, "a-2", "ghl-ada", crm)
		a := fails(f, head, noon)
		require.Zero(t, record(t, s, a).Next)
		release := a.ReleaseAt
		later := oweOne(t, s, f, "a-3", "ghl-ada", crm)
		require.True(t, later.Behind)
		require.True(t, release.Equal(later.DueAt), "its answer says so already")
		head = delivery(t, s, head.N)
		require.Equal(t, release, head.ReleaseAt)
		record(t, s, fails(f, head, a.NextAt))
		for _, n := range []int64{behind.N, later.N} {
			d := delivery(t, s, n)
			require.True(t, d.Behind)
			require.Equal(t, release, d.DueAt)
			require.Equal(t, domain.ClassFirst, d.Class)
		}
		require.Equal(t, []int64{behind.N, later.N, head.N}, due(t, s, crm, release), "by class")

		// One that went ahead and arrived promotes nobody; one that failed goes its own way.
		require.Zero(t, record(t, s, arrives(f, behind, release)).Next)
		require.False(t, delivery(t, s, behind.N).Behind)
		record(t, s, fails(f, later, release))
		tried := delivery(t, s, later.N)
		require.True(t, tried.Behind)
		require.Equal(t, release.Add(40*time.Millisecond+pause), tried.DueAt)
		head = delivery(t, s, head.N)
		require.Equal(t, release, head.ReleaseAt)

		// The head's end lets it go at once, and its own release holds for who comes now.
		end := release.Add(time.Second)
		require.Equal(t, later.N, record(t, s, arrives(f, head, end.Add(-40*time.Millisecond))).Next)
		tried = delivery(t, s, later.N)
		require.False(t, tried.Behind)
		require.Equal(t, end, tried.DueAt)
		require.True(t, tried.ReleaseAt.Equal(oweOne(t, s, f, "a-4", "ghl-ada", crm).DueAt))
	})

	// A time to go that has come is not put off by the head's end.
	t.Run("APromotionNeverDelays", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		head, behind := oweOne(t, s, f, "a-1", "ghl-ada", crm), oweOne(t, s, f, "a-2", "ghl-ada", crm)
		a := fails(f, head, noon)
		record(t, s, a)
		require.Equal(t, behind.N, record(t, s, arrives(f, delivery(t, s, head.N), a.ReleaseAt.Add(time.Minute))).Next)
		require.Equal(t, a.ReleaseAt, delivery(t, s, behind.N).DueAt)
	})

	// A line is of one lead, to one endpoint, in one account.
	t.Run("LinesAreIndependent", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		both := owe(t, s, f, "a-1", "ghl-ada", crm, warehouse)
		other := oweOne(t, s, f, "a-2", "ghl-bob", crm)
		theirs := announcement("a-3", "ghl-ada")
		theirs.Account, theirs.Owed = "globex", owes(crm)
		foreign := announce(t, s, f, theirs)[0]
		for _, d := range append(both, other, foreign) {
			require.False(t, d.Behind)
		}
		record(t, s, fails(f, both[0], noon))
		record(t, s, arrives(f, both[1], noon))
		require.Equal(t, []int64{other.N}, due(t, s, crm, noon))
		require.False(t, oweOne(t, s, f, "a-4", "ghl-ada", warehouse).Behind)
		got, err := s.Due(t.Context(), foreign.Key(), noon, 10)
		require.NoError(t, err)
		require.Equal(t, []int64{foreign.N}, numbers(got.Deliveries))
		require.Equal(t, domain.EndpointState{Key: foreign.Key(), Revision: 1}, got.State)
	})

	// The step that owes fails, again and again: neither the fact nor what it owes is there.
	for _, step := range h.Steps {
		t.Run("IsAllOrNothing/"+step, func(t *testing.T) {
			t.Parallel()
			var p trap
			in := h.Open(t, Options{Fail: p.fail})
			s := in.Store
			f := claim(t, s)
			head := oweOne(t, s, f, "a-1", "ghl-ada", crm)
			e := event("e-1", "ghl-ada")
			d := riding(f, e, "bea")
			d.Announce = []domain.Announcement{announcement("a-2", "ghl-ada")}
			d.Announce[0].Owed = owes(crm, warehouse)
			p.set(step, 1<<30)
			_, admitErr := s.Admit(t.Context(), f, e, d)
			_, attemptErr := s.RecordAttempt(t.Context(), fails(f, head, noon))
			p.set("", 0)
			s = in.Crash(t).Store
			all := deliveries(t, s, domain.DeliveryFilter{})
			_, err := s.Lead(t.Context(), d.Lead)
			require.Equal(t, err == nil, len(all) == 3, "%v", err)
			if admitErr == nil {
				require.NoError(t, err)
			}
			was := delivery(t, s, head.N)
			require.Len(t, receipts(t, s, head.N), was.Attempts)
			require.EqualValues(t, was.Attempts+1, was.Revision)
			require.Equal(t, was.Attempts == 0, was.ReleaseAt.IsZero())
			require.Equal(t, was.Attempts == 0, endpointState(t, s, crm).FailingSince.IsZero())
			if attemptErr == nil {
				require.Equal(t, 1, was.Attempts)
			}
			for _, one := range all { // what was lost is asked for again
				require.Equal(t, one.Behind, one.Endpoint == crm && one.N != head.N)
			}
			again, err := s.RecordAttempt(t.Context(), fails(f, head, noon))
			require.NoError(t, err)
			require.Equal(t, was.Attempts == 0, again.Outcome == domain.Done)
			require.Len(t, receipts(t, s, head.N), 1)
		})
	}
}
