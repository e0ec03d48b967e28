package storetest

import (
	"sync"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func observing(t *testing.T, h Harness) {
	// A page view of somebody new: the evidence, the visit, what was learned and what is owed are one commit.
	t.Run("KeepsAllOfAHit", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		o := meeting(t, s, f, hit("h-1", visit1), ada)
		o.Learn = []domain.Link{link(adaKey, ada)}
		got := observe(t, s, o)
		require.Len(t, got.Seqs, 1)
		require.Positive(t, got.Seqs[0])
		require.Len(t, got.Owed, 1)
		require.Positive(t, got.Owed[0])
		require.EqualValues(t, 1, got.Visit.Revision)
		require.Equal(t, got.Seqs[0], got.Visit.EventSeq)
		s = in.Crash(t).Store
		want := o.Visit
		want.Revision, want.EventSeq = 1, got.Seqs[0]
		require.Equal(t, want, got.Visit)
		requireVisit(t, s, want)
		require.Equal(t, stored(o, got), owed(t, s))
		require.Len(t, got.Links, 1)
		require.Positive(t, got.Links[0].Seq)
		require.Equal(t, got.Links, links(t, s))
		require.Empty(t, undecided(t, s, false), "a hit is evidence: nobody has to decide it")
	})

	// The next hit of the same visitor rewrites the one row.
	t.Run("RewritesTheVisit", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		first := observe(t, s, observation(t, s, f, hit("h-1", visit1)))
		o := meeting(t, s, f, hit("h-2", visit1), ada)
		o.Visit.Views, o.Expect = 2, 1
		o.Visit.Revision, o.Visit.EventSeq = 77, 77 // the store's to set, whatever they say
		second := observe(t, s, o)
		require.Greater(t, second.Seqs[0], first.Seqs[0])
		require.EqualValues(t, 2, second.Visit.Revision)
		require.Equal(t, second.Seqs[0], second.Visit.EventSeq)
		requireVisit(t, s, second.Visit)
		o = observation(t, s, f, hit("h-3", visit1)) // nobody any more, say because of GPC
		o.Visit.Suppressed, o.Expect = "gpc", 2
		third := observe(t, s, o)
		require.Empty(t, third.Visit.Person)
		requireVisit(t, s, third.Visit)
		none, err := s.VisitorsOf(t.Context(), account, []domain.PersonID{ada})
		require.NoError(t, err)
		require.Empty(t, none)
	})

	// An answer of the slow tier comes after its hit: the visit changes and a sighting is owed, and there is no
	// new event.
	t.Run("ALateAnswerHasNoHit", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		first := observe(t, s, observation(t, s, f, hit("h-1", visit1)))
		o := meeting(t, s, f, hit("h-1", visit1), ada)
		o.Hits, o.Expect, o.Owed[0].Upgraded = nil, 1, 1
		got := observe(t, s, o)
		require.Empty(t, got.Seqs)
		require.EqualValues(t, 2, got.Visit.Revision)
		require.Equal(t, first.Seqs[0], got.Visit.EventSeq, "the newest event is still the first")
		requireVisit(t, s, got.Visit)
		waiting := owed(t, s)
		require.Len(t, waiting, 1)
		require.Equal(t, first.Seqs[0], waiting[0].EventSeq)
		require.Equal(t, 1, waiting[0].Upgraded)
	})

	// A browser sends a hit again whenever it did not see our 204. It is known by its key, whatever else it says.
	t.Run("ARepeatIsADuplicate", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		o := meeting(t, s, f, hit("h-1", visit1), ada)
		o.Learn = []domain.Link{link(adaKey, ada)}
		first := observe(t, s, o)
		suppress(t, s, suppression("s-1", bob))
		for _, change := range []func(*domain.Observation){
			func(*domain.Observation) {},                                       // also stale, and outdated
			func(o *domain.Observation) { o.Basis = basis(t, s) },              // also stale
			func(o *domain.Observation) { o.Basis, o.Expect = basis(t, s), 1 }, // nothing else is wrong
			func(o *domain.Observation) { o.Expect = 1 },                       // also outdated
		} {
			again := o
			change(&again)
			got, err := s.Observe(t.Context(), again)
			require.NoError(t, err)
			require.Equal(t, domain.Duplicated, got.Outcome)
			require.Equal(t, []bool{true}, got.Known)
			require.Empty(t, got.Seqs)
			require.Empty(t, got.Owed)
		}
		requireVisit(t, s, first.Visit)
		require.Len(t, owed(t, s), 1)
		require.Equal(t, first.Links, links(t, s))
		event := event("h-1", "")
		event.Source, event.Effect = domain.PixelSource, domain.Record
		got, err := s.Receive(t.Context(), f, event)
		require.NoError(t, err)
		require.True(t, got.Duplicate, "the key is that of any event of the source pixel")
	})

	// Somebody was suppressed between the look and the commit: nothing of what was seen is written.
	t.Run("IsRefusedUnderNewSuppressions", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		o := meeting(t, s, f, hit("h-1", visit1), ada)
		o.Learn = []domain.Link{link(adaKey, ada)}
		o.Expect = 9 // stale too: the basis is asked first
		revision := suppress(t, s, suppression("s-1", ada))
		got, err := s.Observe(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, domain.Outdated, got.Outcome)
		require.Equal(t, revision, got.Basis)
		requireNoVisit(t, s, visit1)
		require.Empty(t, owed(t, s))
		require.Empty(t, links(t, s))
		o.Basis, o.Expect = got.Basis, 0
		require.Equal(t, revision, observe(t, s, o).Basis)
	})

	// The lane was alive on two nodes for a moment: who commits second learns how the visit stands.
	t.Run("IsStaleWhenTheVisitHasMovedOn", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		o := meeting(t, s, f, hit("h-0", visit1), ada)
		o.Learn, o.Expect = []domain.Link{link(adaKey, ada)}, 3
		none, err := s.Observe(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, domain.Stale, none.Outcome)
		require.Equal(t, domain.Visit{}, none.Visit, "there is none")

		first := observe(t, s, observation(t, s, f, hit("h-1", visit1)))
		for _, expect := range []int64{0, 2} {
			o = meeting(t, s, f, hit("h-2", visit1), ada)
			o.Learn, o.Expect = []domain.Link{link(adaKey, ada)}, expect
			got, err := s.Observe(t.Context(), o)
			require.NoError(t, err)
			require.Equal(t, domain.Stale, got.Outcome)
			require.Equal(t, first.Visit, got.Visit)
		}
		requireVisit(t, s, first.Visit)
		require.Empty(t, owed(t, s))
		require.Empty(t, links(t, s))
		o.Expect = 1
		observe(t, s, o) // its key was not taken by the tries
	})

	t.Run("IsFenced", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		old := claim(t, s)
		now := claim(t, s)
		first := observe(t, s, observation(t, s, now, hit("h-1", visit1)))
		suppress(t, s, suppression("s-1", ada))
		_, err := s.Observe(t.Context(), observation(t, s, old, hit("h-1", visit1))) // a duplicate, and stale
		require.ErrorIs(t, err, domain.ErrFenced)
		_, err = s.Observe(t.Context(), meeting(t, s, old, hit("h-2", visit2), ada))
		require.ErrorIs(t, err, domain.ErrFenced)
		requireVisit(t, s, first.Visit)
		requireNoVisit(t, s, visit2)
	})

	// Two accounts may know the same browser id; their visits are two.
	t.Run("VisitsAreTheAccounts", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		mine := observe(t, s, observation(t, s, f, hit("h-1", visit1)))
		other := hit("h-1", visit1)
		other.Account = "globex"
		theirs := observe(t, s, observation(t, s, f, other))
		requireVisit(t, s, mine.Visit)
		requireVisit(t, s, theirs.Visit)
	})

	// A retry storm: every hit four times and every visitor's hits at once. Each key is written once, no
	// revision is lost, and each sighting is owed once.
	t.Run("HoldsUnderConcurrency", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		const hits, copies = 24, 4
		var wg sync.WaitGroup
		for i := range hits * copies {
			id := names("h", hits)[i/copies]
			v := []domain.VisitorID{visit1, visit2}[(i/copies)%2]
			o := meeting(t, s, f, hit(id, v), ada)
			wg.Go(func() {
				for {
					got, err := s.Observe(t.Context(), o)
					if !assert.NoError(t, err) || got.Outcome != domain.Stale {
						return
					}
					o.Expect = got.Visit.Revision
				}
			})
		}
		wg.Wait()
		for _, v := range []domain.VisitorID{visit1, visit2} {
			got, err := s.Visit(t.Context(), domain.VisitorKey{Account: account, Visitor: v})
			require.NoError(t, err)
			require.EqualValues(t, hits/2, got.Revision)
		}
		once := map[domain.EventID]bool{}
		for _, sighting := range owed(t, s) {
			require.False(t, once[sighting.EventID])
			once[sighting.EventID] = true
		}
		require.Len(t, once, hits)
	})

	// An observation and a suppression share a batch. Whichever comes first, no sighting made before the
	// suppression is written after it.
	t.Run("ASuppressionInTheSameBatchCounts", func(t *testing.T) {
		t.Parallel()
		var p trap
		s := h.Open(t, Options{Fail: p.fail}).Store
		f := claim(t, s)
		outcomes, revision := make([]domain.Observed, 8), int64(0)
		prepared := make([]domain.Observation, 8)
		for i, id := range names("h", 8) {
			prepared[i] = meeting(t, s, f, hit(id, domain.VisitorID("v-"+id)), ada)
		}
		together(t, s, &p, h, func(i int) (err error) {
			if i == 3 {
				revision, err = s.Suppress(t.Context(), []domain.Suppression{suppression("s-1", ada)}, nil, audit("suppress"))
				return err
			}
			outcomes[i], err = s.Observe(t.Context(), prepared[i])
			return err
		})
		written := map[domain.EventID]bool{}
		for _, sighting := range owed(t, s) {
			written[sighting.EventID] = true
		}
		for i, got := range outcomes {
			switch {
			case i == 3:
			case written[prepared[i].Hits[0].ID]:
				require.Equal(t, domain.Done, got.Outcome)
				require.Less(t, got.Basis, revision)
			default:
				require.Equal(t, domain.Outdated, got.Outcome)
				require.Equal(t, revision, got.Basis)
			}
		}
	})

	for _, row := range []struct {
		why  string
		spot func(*domain.Observation)
	}{
		{"a NUL in the hit's id", func(o *domain.Observation) { o.Hits[0].ID = "a\x00" }},
		{"no visitor", func(o *domain.Observation) { o.Visit.Visitor, o.Hits[0].Visitor = "", "" }},
		{"a hit of another visitor", func(o *domain.Observation) { o.Hits[0].Visitor = visit2 }},
		{"a link that is not UTF-8", func(o *domain.Observation) {
			o.Learn = []domain.Link{link(domain.Key{Kind: "click", Value: "\xff"}, ada)}
		}},
		{"the second hit of another visitor", func(o *domain.Observation) { o.Hits = append(o.Hits, hit("h-2", visit2)) }},
		{"a hit that comes twice", func(o *domain.Observation) {
			o.Hits = append(o.Hits, hit("h-2", visit1), o.Hits[0])
			o.Hits[2].Type = domain.PageLeave
		}},
		{"more hits than a request may carry", func(o *domain.Observation) {
			for _, id := range names("more", domain.MaxHits) {
				o.Hits = append(o.Hits, hit(id, visit1))
			}
		}},
		{"a sighting of another account", func(o *domain.Observation) { o.Owed[0].Account = "globex" }},
	} {
		t.Run("IsRefusedFor/"+row.why, func(t *testing.T) {
			t.Parallel()
			s := h.Open(t, Options{}).Store
			o := meeting(t, s, claim(t, s), hit("h-1", visit1), ada)
			row.spot(&o)
			_, err := s.Observe(t.Context(), o)
			require.Equal(t, domain.Invalid, domain.CodeOf(err), "%v", err)
			requireNoVisit(t, s, visit1)
		})
	}

	// The disk or the connection fails at any step: all of the hit is there or nothing, and sending it again
	// completes it.
	for _, step := range h.Steps {
		t.Run("AllOrNothing/"+step, func(t *testing.T) {
			t.Parallel()
			var p trap
			in := h.Open(t, Options{Fail: p.fail})
			s := in.Store
			f := claim(t, s)
			observe(t, s, observation(t, s, f, hit("h-1", visit1)))
			o := meeting(t, s, f, hit("h-2", visit1), ada)
			o.Expect, o.Learn = 1, []domain.Link{link(adaKey, ada)}
			p.set(step, 1)
			_, _ = s.Observe(t.Context(), o) // any answer: what counts is what is there
			p.set("", 0)
			s = in.Crash(t).Store
			visit, err := s.Visit(t.Context(), o.Visit.Key())
			require.NoError(t, err)
			there := int(visit.Revision) - 1
			require.Len(t, owed(t, s), there)
			require.Len(t, links(t, s), there)
			again, err := s.Observe(t.Context(), o)
			require.NoError(t, err)
			require.Equal(t, map[int]domain.Outcome{0: domain.Done, 1: domain.Duplicated}[there], again.Outcome)
			require.Len(t, owed(t, s), 1)
			require.Len(t, links(t, s), 1)
		})
	}
}
