package bench

import (
	"math"
	"time"
)

// Pacer is the plan of an open-loop load: request n (counted from 0) is due at a time that depends on
// nothing but n. All of time is an argument, so the plan is tested as a table.
//
//	rate
//	 ▲      ┌──────────────
//	 │    ╱
//	 │  ╱
//	 └─┴────┴─────────────▶ time
//	      Ramp
type Pacer struct {
	Rate float64       // requests per second after the ramp; above 0
	Ramp time.Duration // the rate rises in a straight line from nothing to Rate; 0: at once
}

// Due is when request n is due, counted from the start.
//
// During the ramp t²·Rate/(2·Ramp) requests are due by time t, and after it they are 1/Rate apart.
func (p Pacer) Due(n int64) time.Duration {
	ramp := p.Ramp.Seconds()
	inRamp := p.Rate * ramp / 2
	if k := float64(n); k < inRamp {
		return seconds(math.Sqrt(2 * ramp * k / p.Rate))
	}
	return seconds(ramp + (float64(n)-inRamp)/p.Rate)
}

// Count is how many requests are due before d: the first that is not has that number.
func (p Pacer) Count(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	t, ramp := d.Seconds(), p.Ramp.Seconds()
	guess := p.Rate * (t - ramp/2)
	if t < ramp {
		guess = p.Rate * t * t / (2 * ramp)
	}
	// Floating point may be one off at the border; Due decides.
	n := max(0, int64(guess)-1)
	for p.Due(n) < d {
		n++
	}
	return n
}

// course is a plan of a load: when each request is due, counted from the start, whatever became of those before.
type course interface {
	Due(n int64) time.Duration
}

// pace is how long to wait before the next request, when elapsed has passed since the start and sent
// requests have gone out. 0: it is due now, or overdue.
func pace(c course, elapsed time.Duration, sent int64) time.Duration {
	return max(0, c.Due(sent)-elapsed)
}

func seconds(s float64) time.Duration {
	if s >= math.MaxInt64/1e9 {
		return math.MaxInt64
	}
	return time.Duration(math.Round(s * 1e9))
}
