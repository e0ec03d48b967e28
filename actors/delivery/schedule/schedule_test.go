package schedule_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/schedule"
	"github.com/leadwire/leadwire/actors/domain"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const (
	s = time.Second
	m = time.Minute
	h = time.Hour
)

func owed(event string) domain.Delivery {
	return domain.Delivery{
		N: 1, Account: "acme", Endpoint: "crm", Event: domain.EventID(event), State: domain.DeliveryPending,
		Revision: 1, OwedAt: noon, DueAt: noon,
	}
}

// tried is a delivery whose first attempt began at noon and failed after a while.
func tried(after time.Duration) domain.Delivery {
	d := owed("ev-1")
	d.Attempts, d.Revision, d.FirstAt, d.FailedAt = 1, 2, noon, noon.Add(after)
	return d
}

func rounded(times []time.Time) (all []string) {
	for _, at := range times {
		all = append(all, at.Sub(noon).Round(time.Millisecond).String())
	}
	return all
}

// The times of one event, for ever: a release that moves them breaks what was shown before it.
func TestForecast_OfTheDefaultSchedule(t *testing.T) {
	t.Parallel()
	plain := schedule.Of(domain.Endpoint{})
	require.Equal(t, []string{
		"0s", "5.456s", "36.073s", "2m45.355s", "12m59.198s", "43m8.728s", "1h48m37.757s", "3h51m34.813s",
		"7h56m7.475s", "14h25m16.976s", "22h48m22.718s", "24h0m0s",
	}, rounded(plain.Forecast(owed("ev-1"), noon)))
}

func TestNext(t *testing.T) {
	t.Parallel()
	exact := func(pauses ...time.Duration) schedule.Schedule {
		return schedule.Schedule{Pauses: pauses, Terminal: h} // jitter of these is checked below
	}
	for _, row := range []struct {
		name       string
		s          schedule.Schedule
		d          domain.Delivery
		end        time.Duration
		retryAfter time.Duration
		from, to   time.Duration // zero: there is none
	}{
		{"the first pause counts from the failure, not from the beginning", exact(10*s, m), tried(3 * s), 3 * s, 0, 13 * s, 14 * s},
		{"the second is added to the first", exact(10*s, m), tried(3 * s), 14 * s, 0, 73 * s, 80 * s},
		{"an attempt that came late skips what it missed", exact(10*s, 10*s, 10*s, m), tried(0), 35 * s, 0, 90 * s, 99 * s},
		{"after the pauses comes the terminal time", exact(10 * s), tried(3 * s), 14 * s, 0, h, h},
		{"no pauses within the terminal time: only that", exact(2 * h), tried(3 * s), 3 * s, 0, h, h},
		{"a slot at the terminal time is the terminal attempt", exact(h), tried(0), 0, 0, h, h},
		{"the terminal time counts from the first attempt, not from its failure", exact(2 * h), tried(30 * s), 30 * s, 0, h, h},
		{"a Retry-After that is later than the slot is kept", exact(10*s, m), tried(0), 0, 30 * s, 30 * s, 30 * s},
		{"one that is earlier changes nothing", exact(10*s, m), tried(0), 0, 3 * s, 10 * s, 11 * s},
		{"one past the terminal time leads to it", exact(10*s, m), tried(0), 0, 2 * h, h, h},
		{"after the terminal attempt there is none", exact(10 * s), tried(0), h + s, 0, 0, 0},
		{"nor at its very time", exact(10 * s), tried(0), h, 0, 0, 0},
		{"nor if the endpoint asks for one", exact(10 * s), tried(0), h + s, 2 * h, 0, 0},
		{"an attempt that is under way at the terminal time is the last", exact(59*m + 50*s), tried(0), h + 5*s, 0, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var after time.Time
			if row.retryAfter > 0 {
				after = noon.Add(row.retryAfter)
			}
			at, ok := row.s.Next(row.d, noon.Add(row.end), after)
			require.Equal(t, row.to > 0, ok)
			if ok {
				require.GreaterOrEqual(t, at.Sub(noon), row.from)
				require.LessOrEqual(t, at.Sub(noon), row.to)
			}
		})
	}
}

func TestForecast(t *testing.T) {
	t.Parallel()
	own := schedule.Schedule{Pauses: []time.Duration{10 * s, 10 * s, 10 * s}, Terminal: m}
	for _, row := range []struct {
		name  string
		d     domain.Delivery
		due   time.Duration // after noon; negative: behind
		now   time.Duration
		times int
		first time.Duration
		last  time.Duration
	}{
		{"untried: as if it failed when it is due", owed("ev-1"), 5 * s, 0, 5, 5 * s, m + 5*s},
		{"untried and overdue: as if it failed now", owed("ev-1"), 0, 7 * s, 5, 7 * s, m + 7*s},
		{"tried: what is left", tried(0), 22 * s, 15 * s, 3, 22 * s, m},
		{"hastened: now, and the rest as it was", tried(0), 4 * s, 4 * s, 5, 4 * s, m},
		{"at the terminal time: that alone", tried(0), m, 50 * s, 1, m, m},
		{"past it, because it could not be tried: at once, and no more", tried(0), m, 3 * m, 1, 3 * m, 3 * m},
		{"behind: nobody can tell", owed("ev-1"), -1, 0, 0, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.d.DueAt = time.Time{}
			if row.due >= 0 {
				row.d.DueAt = noon.Add(row.due)
			}
			times := own.Forecast(row.d, noon.Add(row.now))
			require.Len(t, times, row.times, "%v", rounded(times))
			if row.times > 0 {
				require.Equal(t, row.first, times[0].Sub(noon))
				require.Equal(t, row.last, times[len(times)-1].Sub(noon))
			}
		})
	}
	done := tried(0)
	done.State = domain.DeliveryDelivered
	require.Empty(t, own.Forecast(done, noon), "what has ended has no future")
}

// An update at an endpoint that asks for batches is forecast for when it leaves at the latest.
func TestForecast_OfABatch(t *testing.T) {
	t.Parallel()
	gathering := schedule.Of(domain.Endpoint{Batch: domain.Batch{Count: 2, Delay: 30 * s}, Schedule: []time.Duration{10 * s}, Terminal: 2 * m})
	d := owed("ev-1")
	d.OwedAt = d.DueAt
	require.Equal(t, noon, gathering.Forecast(d, noon)[0], "a first match does not wait for others")
	d.Class = domain.ClassUpdate
	require.Equal(t, noon.Add(30*s), gathering.Forecast(d, noon)[0], "an update does, so long at most")
	times := gathering.Forecast(d, noon)
	require.Equal(t, noon.Add(30*s+2*m), times[len(times)-1])
	require.Equal(t, noon.Add(m), gathering.Forecast(d, noon.Add(m))[0], "it is overdue")
	d.Attempts, d.FirstAt, d.FailedAt, d.Class = 1, noon, noon, domain.ClassRetry
	require.Equal(t, d.DueAt, gathering.Forecast(d, noon)[0], "a retry does not")
}

// Whatever is forecast comes true, for any schedule that an endpoint may have, however often it is asked on the way.
func TestForecast_ComesTrue(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		e := domain.Endpoint{ID: "crm"}
		if seed%4 > 0 {
			e.Terminal = domain.MinTerminal + time.Duration(rng.Int64N(int64(domain.MaxTerminal-domain.MinTerminal))).Truncate(time.Millisecond)
			for range 1 + rng.IntN(domain.MaxPauses) {
				e.Schedule = append(e.Schedule, (domain.MinPause + time.Duration(rng.Int64N(int64(e.Terminal)/4))).Truncate(time.Millisecond))
			}
		}
		own := schedule.Of(e)
		d := owed(fmt.Sprint("ev-", seed))
		told := own.Forecast(d, noon)
		require.Equal(t, own.TerminalAt(d), told[len(told)-1], "seed %d", seed)
		for i := 0; ; i++ {
			require.Equal(t, told[i:], own.Forecast(d, d.DueAt.Add(-time.Duration(rng.IntN(1000))*time.Millisecond)), "seed %d", seed)
			at := d.DueAt // the attempt is made, and fails at once
			if d.FirstAt.IsZero() {
				d.FirstAt, d.FailedAt = at, at
			}
			next, ok := own.Next(d, at, time.Time{})
			if !ok {
				require.Len(t, told, i+1, "seed %d", seed)
				require.Equal(t, noon.Add(own.Terminal), at, "seed %d: the last is exact", seed)
				break
			}
			require.True(t, next.After(at), "seed %d: time goes on", seed)
			if next != noon.Add(own.Terminal) {
				pause := own.Pauses[i]
				require.GreaterOrEqual(t, next.Sub(at), pause, "seed %d: a retry is never early", seed)
				require.LessOrEqual(t, next.Sub(at), pause+pause/schedule.Spread, "seed %d", seed)
			}
			d.DueAt = next
		}
	}
}

// A store may keep microseconds, or milliseconds: a delivery that was read back has the times it had in memory, and an
// attempt at such a time does not find the same slot once more.
func TestNext_SurvivesStores(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 3))
		own := schedule.Of(domain.Endpoint{})
		d := owed(fmt.Sprint("ev-", seed))
		d.FirstAt = noon.Add(time.Duration(rng.Int64N(int64(s))))
		d.FailedAt = d.FirstAt.Add(time.Duration(rng.Int64N(int64(s))))
		kept := d
		kept.FirstAt, kept.FailedAt = d.FirstAt.Truncate(time.Microsecond), d.FailedAt.Truncate(time.Microsecond)
		at, ok := own.Next(d, d.FailedAt, time.Time{})
		for ok {
			again, _ := own.Next(kept, at.Add(-1), time.Time{})
			require.Equal(t, at, again, "seed %d", seed)
			at, ok = own.Next(kept, at, time.Time{})
			require.False(t, ok && !at.After(again), "seed %d", seed)
		}
	}
}

// Late attempts, and endpoints that ask for more time than there is: every delivery has an end, and no attempt is
// planned past the terminal time.
func TestNext_Ends(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 2))
		own := schedule.Of(domain.Endpoint{})
		d := tried(time.Duration(rng.IntN(60_000)) * time.Millisecond)
		at, ok := own.Next(d, d.FailedAt, time.Time{})
		for tries := 1; ok; tries++ {
			require.LessOrEqual(t, tries, len(own.Pauses)+1+tries/2, "seed %d", seed)
			require.False(t, at.After(noon.Add(own.Terminal)), "seed %d: nothing is planned past the terminal time", seed)
			end := at.Add(time.Duration(rng.Int64N(int64(h)))) // late, slow, or both
			var after time.Time
			if rng.IntN(3) == 0 {
				after = end.Add(time.Duration(rng.Int64N(int64(48 * h))))
			}
			var next time.Time
			next, ok = own.Next(d, end, after)
			if ok {
				require.True(t, next.After(end), "seed %d: no bursts", seed)
				require.False(t, next.Before(after) && next.Before(noon.Add(own.Terminal)), "seed %d: Retry-After is kept", seed)
			}
			at = next
		}
	}
}

// Jitter takes events apart that failed at the same moment: their second attempts spread over all of the tenth.
func TestJitter_Spreads(t *testing.T) {
	t.Parallel()
	own := schedule.Schedule{Pauses: []time.Duration{1000 * s}, Terminal: h}
	var tenths [10]int
	for i := range 5000 {
		d := owed(fmt.Sprint("ev-", i))
		d.FirstAt, d.FailedAt = noon, noon
		at, _ := own.Next(d, noon, time.Time{})
		tenths[int((at.Sub(noon)-1000*s)/(10*s))]++
	}
	for _, n := range tenths {
		require.InDelta(t, 500, n, 120, "%v", tenths)
	}
}
