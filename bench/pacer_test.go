package bench

import (
	"testing"
	"testing/quick"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPacer_Due(t *testing.T) {
	t.Parallel()
	ramped := Pacer{Rate: 100, Ramp: 2 * time.Second}
	for _, c := range []struct {
		story string
		pacer Pacer
		n     int64
		want  time.Duration
	}{
		{"the first request is due at once", Pacer{Rate: 1000}, 0, 0},
		{"requests are 1/rate apart", Pacer{Rate: 1000}, 1, time.Millisecond},
		{"an hour later they still are: errors do not add up", Pacer{Rate: 1000}, 3_600_000, time.Hour},
		{"a rate that does not divide a second is kept to the nanosecond", Pacer{Rate: 3}, 1, 333_333_333},
		{"a rate below one a second", Pacer{Rate: 0.5}, 3, 6 * time.Second},
		{"the ramp begins at nothing, with its first request", ramped, 0, 0},
		{"a quarter of the ramp's 100 requests are due at half its time", ramped, 25, time.Second},
		{"the ramp ends with its last request", ramped, 100, 2 * time.Second},
		{"after the ramp the rate is constant", ramped, 200, 3 * time.Second},
	} {
		require.Equal(t, c.want, c.pacer.Due(c.n), c.story)
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	p := Pacer{Rate: 10}
	for _, c := range []struct {
		story   string
		elapsed time.Duration
		sent    int64
		want    time.Duration
	}{
		{"nothing sent: now", 0, 0, 0},
		{"ahead of the plan: until the next is due", 250 * time.Millisecond, 3, 50 * time.Millisecond},
		{"exactly due: now", 300 * time.Millisecond, 3, 0},
		{"behind: now, and again now, until the plan is caught up", time.Second, 3, 0},
	} {
		require.Equal(t, c.want, pace(p, c.elapsed, c.sent), c.story)
	}
}

func TestPacer_Count(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		story string
		pacer Pacer
		d     time.Duration
		want  int64
	}{
		{"no time, no request", Pacer{Rate: 1000}, 0, 0},
		{"the request at 0 is due before any other moment", Pacer{Rate: 1000}, 1, 1},
		{"a second at 1000/s", Pacer{Rate: 1000}, time.Second, 1000},
		{"a ramp has half of its steady count", Pacer{Rate: 100, Ramp: 2 * time.Second}, 2 * time.Second, 100},
	} {
		require.Equal(t, c.want, c.pacer.Count(c.d), c.story)
	}
}

// Whatever the plan: requests are due in order, Count and Due agree, and pace never sends early.
func TestPacer_AnyPlan(t *testing.T) {
	t.Parallel()
	agree := func(rate uint16, rampMS uint16, n uint32, elapsedUS uint32) bool {
		p := Pacer{Rate: float64(rate%20000) + 0.5, Ramp: time.Duration(rampMS) * time.Millisecond}
		k := int64(n % 1_000_000)
		due, elapsed := p.Due(k), time.Duration(elapsedUS)*time.Microsecond
		count := p.Count(due)
		return p.Due(k+1) >= due && // in order
			count <= k && (k == 0 || p.Due(count) >= due) && (count == 0 || p.Due(count-1) < due) && // Count is Due's inverse
			elapsed+pace(p, elapsed, k) >= due
	}
	require.NoError(t, quick.Check(agree, &quick.Config{MaxCount: 5000}))
}
