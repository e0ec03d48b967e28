package storetest

import (
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// owing: recovery finds the sightings that nobody judged in time.
func owing(t *testing.T, h Harness) {
	// What is not due yet is in its actor's hands.
	t.Run("ComesWhenItIsDue", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		first := meeting(t, s, f, hit("h-1", visit1), ada)
		later := meeting(t, s, f, hit("h-2", visit2), ada)
		later.Owed[0].DueAt = noon.Add(time.Minute)
		observe(t, s, first)
		observe(t, s, later)
		for due, want := range map[time.Duration]int{-time.Second: 0, 0: 1, time.Minute - time.Millisecond: 1, time.Minute: 2} {
			got, err := s.Owed(t.Context(), []domain.Partition{7}, noon.Add(due), 0, 10)
			require.NoError(t, err)
			require.Len(t, got, want, due)
		}
	})

	// Recovery reads page by page, for the partitions its node has: each sighting once and in order.
	t.Run("IsPaged", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		var want []int64
		for i, id := range names("h", 40) {
			o := meeting(t, s, f, hit(id, domain.VisitorID("v-"+id)), ada)
			o.Owed[0].Partition = []domain.Partition{3, 7, 250}[i%3]
			if i%5 == 0 {
				o.Owed[0].DueAt = noon.Add(time.Hour)
			}
			got := observe(t, s, o)
			if i%3 != 1 && i%5 != 0 {
				want = append(want, got.Owed...)
			}
		}
		var got []int64
		for after, full := int64(0), true; full; {
			page, err := s.Owed(t.Context(), []domain.Partition{250, 3, 250}, noon, after, 4)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page), 4)
			for _, sighting := range page {
				got, after = append(got, sighting.N), sighting.N
			}
			full = len(page) == 4
		}
		require.Equal(t, want, got)
		none, err := s.Owed(t.Context(), nil, noon, 0, 10)
		require.NoError(t, err)
		require.Empty(t, none, "no partitions, no sightings")
	})

	// The sighting says how the visit stood then, however it went on.
	t.Run("KeepsTheVisitOfItsMoment", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		first := observe(t, s, meeting(t, s, f, hit("h-1", visit1), ada))
		o := meeting(t, s, f, hit("h-2", visit1), ada)
		o.Expect, o.Visit.Views = 1, 2
		second := observe(t, s, o)
		waiting := owed(t, s)
		require.Len(t, waiting, 2)
		require.Equal(t, first.Visit, waiting[0].Visit)
		require.Equal(t, second.Visit, waiting[1].Visit)
	})
}
