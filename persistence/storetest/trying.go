package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// trying: what somebody has sent an endpoint to try it out has a receipt, and everything else is as if it had not been sent.
func trying(t *testing.T, h Harness) {
	// Whoever asks what became of it is told as of any other.
	t.Run("LeavesAReceipt", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		var want []domain.Delivery
		for i, class := range []domain.ErrorClass{"", domain.ErrorStatus, domain.ErrorAddress} {
			a, r := tried(fmt.Sprint("t-", i), crm, noon, class)
			got, err := in.Store.KeepTest(t.Context(), a, r, audit("endpoint.test"))
			require.NoError(t, err)
			require.JSONEq(t, string(a.Payload), string(got.Payload))
			d := domain.Delivery{
				N: got.N, Account: account, Endpoint: crm, Announcement: got.Announcement, Event: a.ID, Type: domain.TestEvent, Lead: a.Lead, Class: domain.ClassFirst,
				State: domain.DeliveryDelivered, Revision: 2, Attempts: 1, OwedAt: noon, FirstAt: r.At, EndedAt: r.EndedAt(), Reason: r.Reason,
			}
			if class != "" {
				d.State, d.FailedAt = domain.DeliveryExhausted, r.EndedAt()
			}
			require.Equal(t, d, bare(got))
			want = append(want, d)
		}
		s := in.Crash(t).Store
		for i, d := range want {
			_, r := tried("", crm, noon, []domain.ErrorClass{"", domain.ErrorStatus, domain.ErrorAddress}[i])
			r.Delivery = d.N
			require.Equal(t, d, delivery(t, s, d.N))
			require.Equal(t, []domain.Receipt{r}, receipts(t, s, d.N))
			require.Equal(t, []domain.Delivery{d}, deliveries(t, s, domain.DeliveryFilter{Event: d.Event}))
			require.Equal(t, "endpoint.test", entries(t, s, "")[i].Action)
		}
		slices.Reverse(want)
		require.Equal(t, want, deliveries(t, s, domain.DeliveryFilter{Endpoint: crm, Lead: want[0].Lead}))
		require.Equal(t, want[2:], deliveries(t, s, domain.DeliveryFilter{State: domain.DeliveryDelivered}))
	})

	// A failing endpoint is no better for a test that it takes, nor worse for one that it does not, and nobody's turn comes
	// sooner or later for it: not even if somebody's lead has the name of a test's.
	t.Run("LeavesTheQueueAlone", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		head, behind := oweOne(t, s, f, "a-1", "test", crm), oweOne(t, s, f, "a-2", "test", crm)
		a := fails(f, head, noon)
		a.Disable, a.Told = "410 Gone", domain.Telling{From: domain.ToldWell, To: domain.ToldDisabled}
		record(t, s, a)
		state, waits := endpointState(t, s, crm), deliveries(t, s, domain.DeliveryFilter{State: domain.DeliveryPending})
		queue, err := s.Queue(t.Context(), endpoint(crm))
		require.NoError(t, err)
		for i, class := range []domain.ErrorClass{"", domain.ErrorStatus, ""} {
			try(t, s, fmt.Sprint("t-", i), crm, class)
		}
		require.Equal(t, state, endpointState(t, s, crm))
		require.Equal(t, waits, deliveries(t, s, domain.DeliveryFilter{State: domain.DeliveryPending}))
		is, err := s.Queue(t.Context(), endpoint(crm))
		require.NoError(t, err)
		require.Equal(t, queue, is)
		require.Equal(t, behind.N, record(t, s, arrives(f, delivery(t, s, head.N), noon)).Next)
	})

	// One that was never owed anything is known from its test on, and nothing is to be said of it.
	t.Run("OfAnEndpointThatIsNew", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		d := try(t, s, "t-1", crm, domain.ErrorStatus)
		require.Equal(t, domain.EndpointState{Key: endpoint(crm), Revision: 1}, endpointState(t, s, crm))
		require.Equal(t, []int64{d.N}, numbers(deliveries(t, s, domain.DeliveryFilter{Endpoint: crm})))
		owing, err := s.Owing(t.Context(), []domain.Partition{7}, 0, 10)
		require.NoError(t, err)
		require.Empty(t, owing)
		real := oweOne(t, s, f, "a-1", "ghl-ada", crm)
		require.Greater(t, real.N, d.N)
		require.Equal(t, []int64{real.N}, due(t, s, crm, noon))
		require.Equal(t, 1, int(endpointState(t, s, crm).Revision))
	})

	// It is nobody's event but the one endpoint's.
	t.Run("IsNotAnnounced", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		try(t, s, "t-1", crm, "")
		first := oweOne(t, s, f, "a-1", "ghl-ada", crm)
		try(t, s, "t-2", crm, "")
		second := oweOne(t, s, f, "a-2", "ghl-ada", crm)
		all := announced(t, s)
		require.Len(t, all, 2)
		require.Equal(t, []int64{first.Announcement, second.Announcement}, []int64{all[0].Seq, all[1].Seq})
		page, err := s.Announcements(t.Context(), account, first.Announcement, 1)
		require.NoError(t, err)
		require.Equal(t, second.Announcement, page[0].Seq)
	})

	// Nobody missed it, and whoever wants another sends another.
	t.Run("IsNotReplayed", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		failed := try(t, s, "t-1", crm, domain.ErrorStatus)
		missed := exhaust(t, s, f, "a-1", "ghl-ada", crm)
		arrived := try(t, s, "t-2", crm, "")
		require.Equal(t, 1, countReplay(t, s, crm, domain.ReplayFilter{States: []domain.DeliveryState{domain.DeliveryDelivered, domain.DeliveryExhausted}}))
		try(t, s, "t-3", warehouse, domain.ErrorStatus)
		require.Equal(t, domain.ReplayDone, startReplay(t, s, warehouse, noon).State)
		r := startReplay(t, s, crm, noon)
		try(t, s, "t-4", crm, domain.ErrorStatus)
		r = advance(t, s, r, 10, noon)
		require.Equal(t, domain.ReplayDone, r.State)
		require.Equal(t, 1, r.Done)
		pending := deliveries(t, s, domain.DeliveryFilter{State: domain.DeliveryPending})
		require.Len(t, pending, 1)
		require.Equal(t, missed.Event, pending[0].Event)

		said := len(entries(t, s, ""))
		for _, d := range []domain.Delivery{failed, arrived} {
			_, err := s.Replay(t.Context(), account, d.N, noon, audit("delivery.replay"))
			require.Equal(t, domain.Conflict, domain.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, "it was a test")
			_, err = s.Hasten(t.Context(), account, d.N, noon, audit("delivery.hasten"))
			require.Equal(t, domain.Conflict, domain.CodeOf(err), "%v", err)
			_, err = s.Cancel(t.Context(), account, d.N, noon, audit("delivery.cancel"))
			require.Equal(t, domain.Conflict, domain.CodeOf(err), "%v", err)
			require.Equal(t, d, delivery(t, s, d.N))
		}
		require.Len(t, entries(t, s, ""), said)
	})

	// The answer was lost, and it is asked for again: it was sent once.
	t.Run("IsKeptOnce", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		d := try(t, s, "t-1", crm, "")
		var racing sync.WaitGroup
		for range 4 {
			racing.Go(func() {
				a, r := tried("t-1", crm, noon, "")
				again, err := s.KeepTest(t.Context(), a, r, audit("endpoint.test"))
				if err != nil || again.N != d.N {
					t.Errorf("kept as %d: %v", again.N, err)
				}
			})
		}
		racing.Wait()
		require.Equal(t, []domain.Delivery{d}, deliveries(t, s, domain.DeliveryFilter{}))
		require.Len(t, receipts(t, s, d.N), 1)
		require.Len(t, entries(t, s, ""), 1)
	})

	// It goes beside the traffic of its endpoint and its account, and neither waits for ever nor takes another's number.
	t.Run("BesideTheTraffic", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		const each = 20
		var busy sync.WaitGroup
		for i := range 3 {
			busy.Go(func() {
				for j := range each {
					a, r := tried(fmt.Sprint("t-", i, "-", j), []domain.EndpointID{crm, warehouse}[j%2], noon, "")
					if _, err := s.KeepTest(t.Context(), a, r, audit("endpoint.test")); err != nil {
						t.Errorf("keep test: %v", err)
					}
				}
			})
			busy.Go(func() {
				for j := range each {
					for _, d := range owe(t, s, f, fmt.Sprint("a-", i, "-", j), domain.LeadID(fmt.Sprint("ghl-", i)), crm, warehouse) {
						record(t, s, arrives(f, d, noon))
					}
				}
			})
		}
		busy.Wait()
		require.Len(t, announced(t, s), 3*each)
		require.Len(t, deliveries(t, s, domain.DeliveryFilter{State: domain.DeliveryDelivered}), 3*each*3)
		seqs := map[int64]bool{}
		for _, d := range deliveries(t, s, domain.DeliveryFilter{}) {
			seqs[d.Announcement] = true
		}
		require.Len(t, seqs, 3*each*2)
	})

	// Somebody who shares its name, or an endpoint that has answered with somebody's, is forgotten like anybody; and it is
	// in the way of nobody's erasure.
	t.Run("IsErased", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		ours, other := try(t, s, "t-1", crm, ""), oweOne(t, s, f, "a-1", "ghl-bob", crm)
		a, r := tried("t-2", crm, noon, domain.ErrorStatus)
		r.Body = []byte("no such contact: lovelace@example.com")
		named, err := s.KeepTest(t.Context(), a, r, audit("endpoint.test"))
		require.NoError(t, err)
		_, err = s.Erase(t.Context(), domain.Erasure{Account: account, Leads: []domain.LeadID{"ghl-bob"}, Texts: []string{"lovelace@example.com"}, Audit: audit("erase")})
		require.NoError(t, err)
		require.Equal(t, []int64{named.N, ours.N}, numbers(deliveries(t, s, domain.DeliveryFilter{})))
		require.Empty(t, receipts(t, s, named.N))
		require.Len(t, receipts(t, s, ours.N), 1)
		_, err = s.Delivery(t.Context(), account, other.N)
		require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)

		_, err = s.Erase(t.Context(), domain.Erasure{Account: account, Leads: []domain.LeadID{ours.Lead}, Audit: audit("erase")})
		require.NoError(t, err)
		s = in.Crash(t).Store
		require.Empty(t, deliveries(t, s, domain.DeliveryFilter{}))
		_, err = s.Receipts(t.Context(), account, ours.N, 1)
		require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
	})

	// It goes with the others of its day.
	t.Run("IsMortal", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		now := time.Now().UTC().Truncate(time.Millisecond)
		for i, at := range []time.Time{now, now.Add(20 * day)} {
			a, r := tried(fmt.Sprint("t-", i), crm, at, domain.ErrorStatus)
			_, err := s.KeepTest(t.Context(), a, r, audit("endpoint.test"))
			require.NoError(t, err)
		}
		all := deliveries(t, s, domain.DeliveryFilter{})
		maintain(t, s, now.Add(10*day), domain.Retention{})
		require.Equal(t, all, deliveries(t, s, domain.DeliveryFilter{}))
		maintain(t, s, now.Add(35*day), domain.Retention{})
		require.Equal(t, all[:1], deliveries(t, s, domain.DeliveryFilter{}))
		require.Len(t, receipts(t, s, all[0].N), 1)
		_, err := s.Receipts(t.Context(), account, all[1].N, 1)
		require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
	})

	for _, row := range []struct {
		why  string
		spot func(*domain.Announcement, *domain.Receipt)
	}{
		{"an event of somebody", func(a *domain.Announcement, _ *domain.Receipt) { a.Type = domain.LeadReceivedEvent }},
		{"owed to nobody", func(a *domain.Announcement, _ *domain.Receipt) { a.Owed = nil }},
		{"owed to two", func(a *domain.Announcement, _ *domain.Receipt) { a.Owed = owes(crm, warehouse) }},
		{"a payload that is no text", func(a *domain.Announcement, _ *domain.Receipt) { a.Payload = []byte("\"\xff\"") }},
		{"an endpoint without a name", func(a *domain.Announcement, _ *domain.Receipt) { a.Owed = owes("") }},
		{"an attempt of the queue", func(_ *domain.Announcement, r *domain.Receipt) { r.Trigger = domain.TriggerManual }},
		{"a second attempt", func(_ *domain.Announcement, r *domain.Receipt) { r.Number = 2 }},
		{"no time", func(_ *domain.Announcement, r *domain.Receipt) { r.At = time.Time{} }},
		{"a body that is no excerpt", func(_ *domain.Announcement, r *domain.Receipt) { r.Body = make([]byte, domain.MaxExcerpt+1) }},
	} {
		t.Run("IsInvalid/"+row.why, func(t *testing.T) {
			t.Parallel()
			s := h.Open(t, Options{}).Store
			a, r := tried("t-1", crm, noon, "")
			row.spot(&a, &r)
			_, err := s.KeepTest(t.Context(), a, r, audit("endpoint.test"))
			require.Equal(t, domain.Invalid, domain.CodeOf(err), "%v", err)
			require.Empty(t, deliveries(t, s, domain.DeliveryFilter{}))
			require.Empty(t, entries(t, s, ""))
		})
	}
}

// tried is a test that was sent to an endpoint at a time, and its attempt, which ended with an error or "".
func tried(id string, to domain.EndpointID, at time.Time, class domain.ErrorClass) (domain.Announcement, domain.Receipt) {
	a := announcement(id, "test")
	a.Type, a.At, a.Owed = domain.TestEvent, at, owes(to)
	r := attempt(domain.Fence{}, domain.Delivery{DueAt: at}, at.Add(time.Millisecond), domain.DeliveryDelivered, class).Receipt
	r.Trigger = domain.TriggerTest
	return a, r
}

// try keeps a test of an endpoint, at noon, and insists that it is as it was answered.
func try(t *testing.T, s domain.Store, id string, to domain.EndpointID, class domain.ErrorClass) domain.Delivery {
	t.Helper()
	a, r := tried(id, to, noon, class)
	d, err := s.KeepTest(t.Context(), a, r, audit("endpoint.test"))
	require.NoError(t, err)
	require.Equal(t, delivery(t, s, d.N), bare(d))
	return bare(d)
}
