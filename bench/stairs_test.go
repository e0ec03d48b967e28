package bench

import (
	"testing"
	"testing/quick"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStairs_Due(t *testing.T) {
	t.Parallel()
	s := NewStairs(Step{10, time.Second}, Step{100, time.Second}, Step{5, 0}, Step{2, time.Second})
	require.EqualValues(t, 112, s.Total())
	for _, c := range []struct {
		story string
		n     int64
		want  time.Duration
	}{
		{"the first is due at once", 0, 0},
		{"at the first rate", 9, 900 * time.Millisecond},
		{"the first of a step is due when it begins", 10, time.Second},
		{"at the second rate", 60, 1500 * time.Millisecond},
		{"a step that lasts no time has none", 110, 2 * time.Second},
		{"the last", 111, 2500 * time.Millisecond},
		{"those after it go on", 112, 3 * time.Second},
	} {
		require.Equal(t, c.want, s.Due(c.n), c.story)
	}
	require.EqualValues(t, 10, s.Count(time.Second))
	require.EqualValues(t, 112, s.Count(time.Hour))
}

// Whatever the steps: requests are due in order, and Count is Due's inverse.
func TestStairs_AnyPlan(t *testing.T) {
	t.Parallel()
	agree := func(a, b, c uint8, long uint16, n uint16) bool {
		step := time.Duration(long) * time.Millisecond
		s := NewStairs(Step{float64(a) + 0.5, step}, Step{float64(b) + 0.5, step / 2}, Step{float64(c) + 0.5, step})
		k := int64(n) % max(1, s.Total())
		count := s.Count(s.Due(k))
		return s.Due(k+1) >= s.Due(k) && count <= k && (count == 0 || s.Due(count-1) < s.Due(k)) && s.Count(s.end()) == s.Total()
	}
	require.NoError(t, quick.Check(agree, &quick.Config{MaxCount: 2000}))
}
