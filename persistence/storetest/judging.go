package storetest

import (
	"sync"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func judging(t *testing.T, h Harness) {
	// A first match: the sighting is settled, the acquaintance made, the event announced, in one commit.
	t.Run("SettlesAndAnnouncesInOne", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		j := judgement(t, s, f, met(t, s, f, "h-1", visit1, ada), met(t, s, f, "h-2", visit2, ada))
		got := judge(t, s, j)
		require.EqualValues(t, 1, got.Acquaintance.Revision)
		require.Len(t, got.Announced, 1)
		require.Positive(t, got.Announced[0].Seq)
		s = in.Crash(t).Store
		want := j.After
		want.Revision = 1
		require.Equal(t, want, got.Acquaintance)
		requireAcquaintance(t, s, want)
		require.Empty(t, owed(t, s))
		requireAnnouncements(t, got.Announced, announced(t, s))
		require.Empty(t, undecided(t, s, false))
	})

	// Later sightings change the acquaintance, and may be settled without a word.
	t.Run("ASightingMaySayNothing", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		judge(t, s, judgement(t, s, f, met(t, s, f, "h-1", visit1, ada)))
		j := judgement(t, s, f, met(t, s, f, "h-2", visit2, ada))
		j.Expect, j.After.Sightings, j.Announce = 1, 2, nil
		got := judge(t, s, j)
		require.EqualValues(t, 2, got.Acquaintance.Revision)
		require.Empty(t, got.Announced)
		requireAcquaintance(t, s, got.Acquaintance)
		require.Len(t, announced(t, s), 1)
		require.Empty(t, owed(t, s))
	})

	// Somebody suppressed since they were sighted leaves no trace of having been met, and who was met before is
	// left as they were.
	t.Run("NobodyIsRememberedWhoMayNotBe", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		j := judgement(t, s, f, met(t, s, f, "h-1", visit1, ada))
		j.Unmet, j.Announce = true, nil
		require.Zero(t, judge(t, s, j).Acquaintance)
		require.Empty(t, owed(t, s))
		_, err := s.Acquaintance(t.Context(), j.Lead)
		require.Equal(t, domain.NotFound, domain.CodeOf(err))
		before := judge(t, s, judgement(t, s, f, met(t, s, f, "h-2", visit2, ada))).Acquaintance
		j = judgement(t, s, f, met(t, s, f, "h-3", "visitor-3", ada))
		j.Expect, j.Unmet, j.Announce = 1, true, nil
		judge(t, s, j)
		requireAcquaintance(t, s, before)
		require.Len(t, announced(t, s), 1)
		j = judgement(t, s, f, met(t, s, f, "h-4", "visitor-4", ada))
		j.Expect, j.Unmet = 1, true
		_, err = s.Judge(t.Context(), j)
		require.Equal(t, domain.Invalid, domain.CodeOf(err), "an announcement of somebody who is not to be remembered")
	})

	// The visitor enters a campaign: its event waits to be decided like any lead's, until it is.
	t.Run("EntersACampaign", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		sighting := met(t, s, f, "h-1", visit1, ada)
		j := judgement(t, s, f, sighting)
		j.Enter = entry("h-1", j)
		judge(t, s, j)
		waiting := undecided(t, s, false)
		require.Len(t, waiting, 1)
		requirePending(t, *j.Enter, waiting[0])
		require.Equal(t, domain.Seq(1), decide(t, s, assign(f, waiting[0], "bea")).Event.Seq)
		require.Empty(t, undecided(t, s, false))
	})

	// The actor judged from memory what another activation has judged already, or only a part of it.
	t.Run("EverySightingHasToBeThere", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		first, second := met(t, s, f, "h-1", visit1, ada), met(t, s, f, "h-2", visit2, ada)
		j := judgement(t, s, f, first)
		judge(t, s, j)
		suppress(t, s, suppression("s-1", bob))
		for _, again := range []domain.Judgement{j, judgement(t, s, f, second, first)} { // outdated and stale, too
			got, err := s.Judge(t.Context(), again)
			require.NoError(t, err)
			require.Equal(t, domain.AlreadyDecided, got.Outcome)
			require.Empty(t, got.Announced)
		}
		require.Len(t, owed(t, s), 1)
		require.Len(t, announced(t, s), 1)
	})

	// A number of another lead's sighting settles nothing.
	t.Run("ASightingIsItsLeads", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		met(t, s, f, "h-1", visit1, ada)
		theirs := met(t, s, f, "h-2", visit2, bob)
		j := judgement(t, s, f, theirs)
		j.Lead = domain.LeadKey{Account: account, Lead: domain.LeadOfPerson(ada)}
		j.After.Lead = j.Lead.Lead
		got, err := s.Judge(t.Context(), j)
		require.NoError(t, err)
		require.Equal(t, domain.AlreadyDecided, got.Outcome)
		require.Len(t, owed(t, s), 2)
	})

	// A number is never used twice: an old judgement that comes late must not settle a new sighting.
	t.Run("NumbersAreNotReused", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		first := met(t, s, f, "h-1", visit1, ada)
		judge(t, s, judgement(t, s, f, first))
		s = in.Reopen(t).Store
		require.Greater(t, met(t, s, f, "h-2", visit2, ada).N, first.N)
	})

	t.Run("IsRefusedUnderNewSuppressions", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		j := judgement(t, s, f, met(t, s, f, "h-1", visit1, ada))
		j.Expect = 9 // stale too
		revision := suppress(t, s, suppression("s-1", ada))
		got, err := s.Judge(t.Context(), j)
		require.NoError(t, err)
		require.Equal(t, domain.Outdated, got.Outcome)
		require.Equal(t, revision, got.Basis)
		require.Len(t, owed(t, s), 1)
		require.Empty(t, announced(t, s))
		_, err = s.Acquaintance(t.Context(), j.Lead)
		require.Equal(t, domain.NotFound, domain.CodeOf(err))
	})

	t.Run("IsFenced", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		old := claim(t, s)
		sighting := met(t, s, old, "h-1", visit1, ada)
		now := claim(t, s)
		_, err := s.Judge(t.Context(), judgement(t, s, old, sighting))
		require.ErrorIs(t, err, domain.ErrFenced)
		require.Empty(t, announced(t, s))
		judge(t, s, judgement(t, s, now, sighting))
	})

	// The lead is alive twice, and each has a sighting nobody else has: there is one first match.
	t.Run("TwoFirstMatchesAtOnceAreOne", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		js := []domain.Judgement{
			judgement(t, s, f, met(t, s, f, "h-1", visit1, ada)), judgement(t, s, f, met(t, s, f, "h-2", visit2, ada)),
		}
		results, errs := make([]domain.Judged, 2), make([]error, 2)
		var wg sync.WaitGroup
		for i := range js {
			wg.Go(func() { results[i], errs[i] = s.Judge(t.Context(), js[i]) })
		}
		wg.Wait()
		require.NoError(t, errs[0])
		require.NoError(t, errs[1])
		won, lost := results[0], results[1]
		if won.Outcome != domain.Done {
			won, lost = lost, won
		}
		require.Equal(t, domain.Done, won.Outcome)
		require.Equal(t, domain.Stale, lost.Outcome)
		require.Equal(t, won.Acquaintance, lost.Acquaintance, "the loser learns whom the account knows")
		requireAnnouncements(t, won.Announced, announced(t, s))
		require.Len(t, owed(t, s), 1)
	})

	// Nobody made the acquaintance that the judgement builds on.
	t.Run("IsStaleWithoutTheAcquaintance", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		j := judgement(t, s, f, met(t, s, f, "h-1", visit1, ada))
		j.Expect = 4
		got, err := s.Judge(t.Context(), j)
		require.NoError(t, err)
		require.Equal(t, domain.Stale, got.Outcome)
		require.Equal(t, domain.Acquaintance{}, got.Acquaintance)
		require.Len(t, owed(t, s), 1)
	})

	// The disk or the connection fails at any step: nothing stands by halves, and judging again completes it.
	for _, step := range h.Steps {
		t.Run("AllOrNothing/"+step, func(t *testing.T) {
			t.Parallel()
			var p trap
			in := h.Open(t, Options{Fail: p.fail})
			s := in.Store
			f := claim(t, s)
			sighting := met(t, s, f, "h-1", visit1, ada)
			j := judgement(t, s, f, sighting)
			j.Enter = &domain.Pending{Seq: sighting.EventSeq, Event: event("h-1", sighting.Lead)}
			p.set(step, 1)
			_, _ = s.Judge(t.Context(), j) // any answer: what counts is what is there
			p.set("", 0)
			s = in.Crash(t).Store
			_, err := s.Acquaintance(t.Context(), j.Lead)
			there := 0
			if err == nil {
				there = 1
			}
			require.Len(t, announced(t, s), there)
			require.Len(t, undecided(t, s, false), there)
			require.Len(t, owed(t, s), 1-there)
			again, err := s.Judge(t.Context(), j)
			require.NoError(t, err)
			require.Equal(t, map[int]domain.Outcome{0: domain.Done, 1: domain.AlreadyDecided}[there], again.Outcome)
			require.Len(t, announced(t, s), 1)
			require.Len(t, undecided(t, s, false), 1)
			require.Empty(t, owed(t, s))
		})
	}
}

func requireAcquaintance(t *testing.T, s domain.Store, want domain.Acquaintance) {
	t.Helper()
	got, err := s.Acquaintance(t.Context(), want.Key())
	require.NoError(t, err)
	require.Equal(t, want, got)
}
