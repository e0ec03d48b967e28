package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// steering: what somebody does by hand, and that the audit says so.
func steering(t *testing.T, h Harness) {
	// A replay is a new delivery of the same event, behind whatever the lead has under way.
	t.Run("AReplayIsADeliveryOfItsOwn", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		d := oweOne(t, s, f, "a-1", "ghl-ada", crm)
		record(t, s, arrives(f, d, noon))
		was := delivery(t, s, d.N)
		at := noon.Add(time.Hour)
		again, err := s.Replay(t.Context(), account, d.N, at, audit("delivery.replay"))
		require.NoError(t, err)
		require.Greater(t, again.N, d.N)
		want := domain.Delivery{
			N: again.N, Account: account, Endpoint: crm, Announcement: d.Announcement, Event: d.Event, Type: d.Type, Lead: d.Lead,
			Class: domain.ClassReplay, Replay: true, State: domain.DeliveryPending, Revision: 1, OwedAt: at, DueAt: at,
		}
		require.Equal(t, want, bare(again))
		s = in.Crash(t).Store
		require.Equal(t, want, delivery(t, s, again.N))
		require.Equal(t, was, delivery(t, s, d.N), "the first one stays as it ended")
		require.Equal(t, "delivery.replay", entries(t, s, "")[0].Action)

		second, err := s.Replay(t.Context(), account, d.N, at, audit("delivery.replay"))
		require.NoError(t, err)
		require.True(t, second.Behind, "it keeps the order of its lead")
		require.Zero(t, second.DueAt)
		require.True(t, oweOne(t, s, f, "a-2", "ghl-ada", crm).Behind)
		a := fails(f, again, at)
		a.Class = domain.ClassReplay
		record(t, s, a)
		require.Equal(t, a.ReleaseAt, delivery(t, s, second.N).DueAt)
		third, err := s.Replay(t.Context(), account, d.N, at, audit("delivery.replay"))
		require.NoError(t, err)
		require.True(t, a.ReleaseAt.Equal(third.DueAt))
		require.Equal(t, second.N, record(t, s, arrives(f, delivery(t, s, again.N), at)).Next)
		require.Len(t, receipts(t, s, again.N), 2)
		require.Len(t, receipts(t, s, d.N), 1, "receipts are a delivery's own")
	})

	// Nobody has to wait for a schedule.
	t.Run("HasteMakesItDue", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		d, behind := oweOne(t, s, f, "a-1", "ghl-ada", crm), oweOne(t, s, f, "a-2", "ghl-ada", crm)
		a := fails(f, d, noon)
		record(t, s, a)
		at := a.NextAt.Add(-time.Second)
		want := delivery(t, s, d.N)
		want.DueAt = at
		got, err := s.Hasten(t.Context(), account, d.N, at, audit("delivery.hasten"))
		require.NoError(t, err)
		require.Equal(t, want, bare(got), "its revision is its attempts': one that is under way can be recorded")
		require.Equal(t, want, delivery(t, s, d.N))
		got, err = s.Hasten(t.Context(), account, d.N, at.Add(time.Hour), audit("delivery.hasten"))
		require.NoError(t, err)
		require.Equal(t, want, bare(got), "what is due stays due")

		waits := delivery(t, s, behind.N)
		got, err = s.Hasten(t.Context(), account, behind.N, at, audit("delivery.hasten"))
		require.NoError(t, err)
		require.Equal(t, waits, bare(got), "its order is not overridden")
		record(t, s, fails(f, waits, a.ReleaseAt)) // released, it failed on its own
		got, err = s.Hasten(t.Context(), account, behind.N, a.ReleaseAt.Add(time.Second), audit("delivery.hasten"))
		require.NoError(t, err)
		require.True(t, got.Behind)
		require.True(t, a.ReleaseAt.Add(time.Second).Equal(got.DueAt))
		require.Len(t, entries(t, s, ""), 4)
	})

	// An attempt that is under way when its delivery is cancelled finds that out.
	t.Run("CancellingEndsIt", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		d := oweOne(t, s, f, "a-1", "ghl-ada", crm)
		record(t, s, fails(f, d, noon))
		want := delivery(t, s, d.N)
		want.State, want.DueAt, want.EndedAt = domain.DeliveryCancelled, time.Time{}, noon.Add(time.Second)
		got, err := s.Cancel(t.Context(), account, d.N, noon.Add(time.Second), audit("delivery.cancel"))
		require.NoError(t, err)
		s = in.Crash(t).Store
		now := delivery(t, s, d.N)
		require.Equal(t, now, bare(got))
		now.Revision = want.Revision // moves on with it, or not: it is for ever
		require.Equal(t, want, now)
		late, err := s.RecordAttempt(t.Context(), arrives(f, want, noon))
		require.NoError(t, err)
		require.Equal(t, domain.AlreadyDecided, late.Outcome)
		require.Empty(t, due(t, s, crm, noon.Add(day)))
		require.Len(t, receipts(t, s, d.N), 1)
		require.Equal(t, "delivery.cancel", entries(t, s, "")[0].Action)
	})

	// One behind is taken out of the line; the line stays as it is.
	t.Run("CancellingOneBehind", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		var line []domain.Delivery
		for _, id := range names("a", 3) {
			line = append(line, oweOne(t, s, f, id, "ghl-ada", crm))
		}
		_, err := s.Cancel(t.Context(), account, line[1].N, noon, audit("delivery.cancel"))
		require.NoError(t, err)
		require.True(t, delivery(t, s, line[2].N).Behind)
		require.Equal(t, line[2].N, record(t, s, arrives(f, line[0], noon)).Next)
	})

	// What cannot be done is refused, and not in the audit. Another account's number is nobody's.
	t.Run("IsRefused", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		pending, ended := oweOne(t, s, f, "a-1", "ghl-ada", crm), oweOne(t, s, f, "a-2", "ghl-bob", crm)
		record(t, s, arrives(f, ended, noon))
		was := deliveries(t, s, domain.DeliveryFilter{})
		for name, act := range map[string]func(context.Context, domain.AccountID, int64, time.Time, domain.AuditEntry) (domain.Delivery, error){
			"replay": s.Replay, "hasten": s.Hasten, "cancel": s.Cancel,
		} {
			wrong := ended.N
			if name == "replay" {
				wrong = pending.N
			}
			_, err := act(t.Context(), account, wrong, noon, audit("delivery."+name))
			require.Equal(t, domain.Conflict, domain.CodeOf(err), "%s: %v", name, err)
			for _, n := range []int64{pending.N, ended.N} {
				_, err = act(t.Context(), "globex", n, noon, audit("delivery."+name))
				require.Equal(t, domain.NotFound, domain.CodeOf(err), "%s: %v", name, err)
			}
			_, err = act(t.Context(), account, ended.N+1000, noon, audit("delivery."+name))
			require.Equal(t, domain.NotFound, domain.CodeOf(err), "%s: %v", name, err)
		}
		require.Equal(t, was, deliveries(t, s, domain.DeliveryFilter{}))
		require.Empty(t, entries(t, s, ""))
	})

	// An endpoint that was disabled is given another chance, from the beginning.
	t.Run("AnEndpointIsEnabledAgain", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		record(t, s, arrives(f, oweOne(t, s, f, "a-1", "ghl-ada", crm), noon))
		a := fails(f, oweOne(t, s, f, "a-2", "ghl-bob", crm), noon)
		a.Disable = "410 Gone"
		record(t, s, a)
		was := endpointState(t, s, crm)
		require.False(t, was.DisabledAt.IsZero())
		require.NoError(t, s.EnableEndpoint(t.Context(), endpoint(crm), audit("endpoint.enable")))
		s = in.Crash(t).Store
		is := endpointState(t, s, crm)
		require.Greater(t, is.Revision, was.Revision)
		is.Revision = 0
		require.Equal(t, domain.EndpointState{Key: was.Key, SucceededAt: was.SucceededAt}, is)
		require.Equal(t, a.NextAt, delivery(t, s, a.Delivery).DueAt, "its queue stays as it is")
		require.NoError(t, s.EnableEndpoint(t.Context(), endpoint("unknown"), audit("endpoint.enable")), "it was never disabled")
		require.Equal(t, domain.EndpointState{Key: endpoint("unknown")}, endpointState(t, s, "unknown"))
		require.Equal(t, "endpoint.enable", entries(t, s, "")[0].Action)
	})
}
