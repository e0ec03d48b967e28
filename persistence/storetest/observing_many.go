package storetest

import (
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// observingMany: a page's script sends several hits in one request, and they are one step of the lane.
func observingMany(t *testing.T, h Harness) {
	// All are kept, in the order they came, behind one revision; what each owes goes by its own event.
	t.Run("KeepsAllInOrder", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		f := claim(t, s)
		observe(t, s, observation(t, s, f, hit("h-0", visit1)))
		o := burst(t, s, f, visit1, ada, "h-3", "h-1", "h-2", "h-4")
		o.Expect = 1
		o.Owed = append(o.Owed[:1], o.Owed[2:]...) // a page that was left owes nothing
		got := observe(t, s, o)
		require.Len(t, got.Seqs, 4)
		require.IsIncreasing(t, got.Seqs)
		require.Len(t, got.Owed, 3)
		require.IsIncreasing(t, got.Owed)
		require.Empty(t, got.Known)
		require.EqualValues(t, 2, got.Visit.Revision, "one step")
		require.Equal(t, got.Seqs[3], got.Visit.EventSeq)
		require.Len(t, got.Links, 1)
		s = in.Crash(t).Store
		requireVisit(t, s, got.Visit)
		require.Equal(t, stored(o, got), owed(t, s))
		require.Equal(t, got.Seqs[2], owed(t, s)[1].EventSeq)
		f = claim(t, s)
		for _, id := range []string{"h-1", "h-2", "h-3", "h-4"} {
			event := event(id, "")
			event.Source, event.Effect = domain.PixelSource, domain.Record
			again, err := s.Receive(t.Context(), f, event)
			require.NoError(t, err)
			require.True(t, again.Duplicate, id)
		}
	})

	t.Run("TakesAsManyAsARequestMayCarry", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		o := burst(t, s, claim(t, s), visit1, ada, names("h", domain.MaxHits)...)
		got := observe(t, s, o)
		require.Len(t, got.Seqs, domain.MaxHits)
		require.Equal(t, stored(o, got), owed(t, s))
	})

	// A late answer may share its step with hits: its sighting is of an event of before.
	t.Run("OwesForAnEarlierEventToo", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		observe(t, s, observation(t, s, f, hit("h-1", visit1)))
		o := burst(t, s, f, visit1, ada, "h-2", "h-3")
		o.Expect, o.Owed[0].EventID = 1, "h-1"
		got := observe(t, s, o)
		require.Equal(t, got.Visit.EventSeq, owed(t, s)[0].EventSeq, "the visit's, for want of its own")
		require.Equal(t, stored(o, got), owed(t, s))
	})

	// One of them was there, wherever it stands: nothing is written, and the others go through without it.
	for _, row := range []struct {
		why   string
		there []string // observed before, by somebody else
		known []bool
	}{
		{"the first", []string{"h-1"}, []bool{true, false, false, false}},
		{"one in the middle", []string{"h-3"}, []bool{false, false, true, false}},
		{"the last", []string{"h-4"}, []bool{false, false, false, true}},
		{"two", []string{"h-2", "h-4"}, []bool{false, true, false, true}},
		{"all", []string{"h-1", "h-2", "h-3", "h-4"}, []bool{true, true, true, true}},
	} {
		t.Run("IsADuplicateWhenOneWasThere/"+row.why, func(t *testing.T) {
			t.Parallel()
			s := h.Open(t, Options{}).Store
			f := claim(t, s)
			observe(t, s, observation(t, s, f, hit("h-0", visit1)))
			o := burst(t, s, f, visit1, ada, "h-1", "h-2", "h-3", "h-4")
			o.Expect = 1
			there := observation(t, s, f, hit(row.there[0], visit2))
			for _, id := range row.there[1:] {
				there.Hits = append(there.Hits, hit(id, visit2))
			}
			observe(t, s, there)
			suppress(t, s, suppression("s-1", bob))
			for _, change := range []func(*domain.Observation){
				func(*domain.Observation) {},                                       // also outdated
				func(o *domain.Observation) { o.Basis = basis(t, s) },              // nothing else is wrong
				func(o *domain.Observation) { o.Basis, o.Expect = basis(t, s), 9 }, // also stale
			} {
				again := o
				change(&again)
				got, err := s.Observe(t.Context(), again)
				require.NoError(t, err)
				require.Equal(t, domain.Duplicated, got.Outcome)
				require.Equal(t, row.known, got.Known)
				require.Empty(t, got.Seqs)
				require.Empty(t, got.Owed)
				require.Empty(t, got.Links)
			}
			requireRevision(t, s, visit1, 1)
			require.Empty(t, owed(t, s))
			require.Empty(t, links(t, s))
			rest := o
			rest.Basis, rest.Hits, rest.Owed = basis(t, s), nil, nil
			for i, known := range row.known {
				if !known {
					rest.Hits, rest.Owed = append(rest.Hits, o.Hits[i]), append(rest.Owed, o.Owed[i])
				}
			}
			got := observe(t, s, rest) // their keys were not taken by the tries
			require.Len(t, got.Seqs, len(rest.Hits))
			waiting := owed(t, s)
			require.Len(t, waiting, len(rest.Owed))
			for i, sighting := range stored(rest, got) {
				require.Equal(t, sighting, waiting[i])
			}
		})
	}

	// Bursts that share a hit meet in one batch: one is kept whole, and the others leave nothing.
	t.Run("OneOfManyWinsASharedHit", func(t *testing.T) {
		t.Parallel()
		var p trap
		s := h.Open(t, Options{Fail: p.fail}).Store
		f := claim(t, s)
		var bursts [8]domain.Observation
		for i, id := range names("own", 8) {
			bursts[i] = burst(t, s, f, domain.VisitorID("v-"+id), ada, id+"-a", "shared", id+"-b")
		}
		var got [8]domain.Observed
		together(t, s, &p, h, func(i int) (err error) {
			got[i], err = s.Observe(t.Context(), bursts[i])
			return err
		})
		done := 0
		for i, one := range got {
			if one.Outcome == domain.Done {
				done++
				require.Equal(t, stored(bursts[i], one), owed(t, s))
				continue
			}
			require.Equal(t, domain.Duplicated, one.Outcome)
			require.Equal(t, []bool{false, true, false}, one.Known)
			requireNoVisit(t, s, bursts[i].Visit.Visitor)
		}
		require.Equal(t, 1, done)
		for i := range bursts {
			if got[i].Outcome == domain.Duplicated {
				bursts[i].Hits, bursts[i].Owed = []domain.Hit{bursts[i].Hits[0], bursts[i].Hits[2]}, nil
				observe(t, s, bursts[i])
			}
		}
	})

	// The store fails at any step, at the first hit or at a later one: all of the burst is there or nothing.
	for _, step := range h.Steps {
		for nth := range 2 {
			t.Run([]string{"AllOrNothing/", "AllOrNothingLater/"}[nth]+step, func(t *testing.T) {
				t.Parallel()
				var p trap
				skip := nth
				in := h.Open(t, Options{Fail: func(at string) error {
					if at == p.armed() && skip > 0 {
						skip--
						return nil
					}
					return p.fail(at)
				}})
				s := in.Store
				f := claim(t, s)
				observe(t, s, observation(t, s, f, hit("h-1", visit1)))
				o := burst(t, s, f, visit1, ada, "h-2", "h-3", "h-4")
				o.Expect = 1
				p.set(step, 1)
				_, _ = s.Observe(t.Context(), o) // any answer: what counts is what is there
				p.set("", 0)
				s = in.Crash(t).Store
				visit, err := s.Visit(t.Context(), o.Visit.Key())
				require.NoError(t, err)
				there := int(visit.Revision) - 1
				require.Len(t, owed(t, s), 3*there)
				require.Len(t, links(t, s), there)
				again, err := s.Observe(t.Context(), o)
				require.NoError(t, err)
				require.Equal(t, map[int]domain.Outcome{0: domain.Done, 1: domain.Duplicated}[there], again.Outcome)
				if there == 1 {
					require.Equal(t, []bool{true, true, true}, again.Known)
				}
				require.Len(t, owed(t, s), 3)
				require.Len(t, links(t, s), 1)
			})
		}
	}
}

// requireRevision insists that the visitor's row was written so many times.
func requireRevision(t *testing.T, s domain.Store, v domain.VisitorID, revision int64) {
	t.Helper()
	got, err := s.Visit(t.Context(), domain.VisitorKey{Account: account, Visitor: v})
	require.NoError(t, err)
	require.Equal(t, revision, got.Revision)
}
