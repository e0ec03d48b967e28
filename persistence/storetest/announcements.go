package storetest

import (
	"sync"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func announcements(t *testing.T, h Harness) {
	// What a decision says to the outside is committed with it, whatever it decides.
	t.Run("LeaveWithADecision", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		d := assign(f, receive(t, s, f, event("e-1", "ghl-ada")), "bea")
		d.Announce = []domain.Announcement{announcement("received", "ghl-ada"), announcement("assigned", "ghl-ada")}
		d.Announce[0].Type, d.Announce[1].Type = domain.LeadReceivedEvent, domain.LeadAssignedEvent
		want := d.Announce
		decide(t, s, d)
		d = settle(f, receive(t, s, f, event("e-2", "ghl-ada")), domain.Update)
		d.Expect, d.Announce = 1, []domain.Announcement{announcement("updated", "ghl-ada")}
		decide(t, s, d)
		want = append(want, d.Announce...)
		e := event("e-3", "ghl-bob")
		d = settle(f, domain.Pending{Event: e}, domain.Hold)
		d.Announce = []domain.Announcement{announcement("held", "ghl-bob")}
		require.Equal(t, domain.Done, admit(t, s, e, d).Decided.Outcome)
		want = append(want, d.Announce...)
		s = in.Crash(t).Store
		got := announced(t, s)
		require.Len(t, got, len(want))
		for i := range want {
			require.Positive(t, got[i].Seq)
			want[i].Seq = got[i].Seq
		}
		requireAnnouncements(t, want, got)
	})

	// A decision that does not stand says nothing.
	t.Run("StayWithARefusedDecision", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		assigned(t, s, f, "ada", "bea")
		refused := assign(f, receive(t, s, f, event("e-2", "ghl-ada")), "cid")
		refused.Announce = []domain.Announcement{announcement("stale", "ghl-ada")}
		got, err := s.Decide(t.Context(), refused)
		require.NoError(t, err)
		require.Equal(t, domain.Stale, got.Outcome)
		full := assign(f, receive(t, s, f, event("e-3", "ghl-bob")), "bea")
		full.Cap, full.Announce = 1, []domain.Announcement{announcement("full", "ghl-bob")}
		got, err = s.Decide(t.Context(), full)
		require.NoError(t, err)
		require.Equal(t, domain.CapReached, got.Outcome)
		require.Empty(t, announced(t, s))
	})

	// An account reads its own, page by page and in order.
	t.Run("AreReadInPages", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		for _, id := range names("e", 25) {
			e := event(id, domain.LeadID(id))
			d := riding(f, e, "bea")
			other := announcement("other-"+id, e.Lead)
			other.Account = "globex"
			d.Announce = []domain.Announcement{announcement(id, e.Lead), other}
			admit(t, s, e, d)
		}
		var got []string
		for after, full := int64(0), true; full; {
			page, err := s.Announcements(t.Context(), account, after, 7)
			require.NoError(t, err)
			for _, a := range page {
				require.Greater(t, a.Seq, after)
				got, after = append(got, string(a.ID)), a.Seq
			}
			full = len(page) == 7
		}
		require.Equal(t, names("e", 25), got)
	})

	// A reader that keeps up with a busy writer: what it was shown once is all there was before it, so a place
	// in the list never has to be looked at again.
	t.Run("NoneAppearsBehindAReader", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		const leads = 60
		var wg sync.WaitGroup
		done := make(chan struct{})
		for _, id := range names("e", leads) {
			e := event(id, domain.LeadID(id))
			d := riding(f, e, "bea")
			d.Announce = []domain.Announcement{announcement(id, e.Lead)}
			wg.Go(func() { _, _ = s.Admit(t.Context(), f, e, d) })
		}
		go func() { wg.Wait(); close(done) }()
		var read []domain.Announcement
		for last := false; ; {
			after := int64(0)
			if len(read) > 0 {
				after = read[len(read)-1].Seq
			}
			page, err := s.Announcements(t.Context(), account, after, 5)
			require.NoError(t, err)
			read = append(read, page...)
			if last && len(page) == 0 {
				break
			}
			select {
			case <-done:
				last = len(page) == 0
			default:
			}
		}
		require.Len(t, read, leads)
		requireAnnouncements(t, announced(t, s), read)
	})

	// Numbers go on after everything was removed: a reader's place stays good.
	t.Run("NumbersAreNotReused", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		judge(t, s, judgement(t, s, f, met(t, s, f, "h-1", visit1, ada)))
		last := announced(t, s)[0].Seq
		maintain(t, s, noon.Add(40*day), domain.Retention{})
		require.Empty(t, announced(t, s))
		s = in.Reopen(t).Store
		judge(t, s, judgement(t, s, f, met(t, s, f, "h-2", visit2, bob)))
		require.Greater(t, announced(t, s)[0].Seq, last)
	})
}
