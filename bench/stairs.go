package bench

import (
	"sort"
	"time"
)

// Step is a stretch of a load at one rate.
type Step struct {
	Rate float64       // requests a second; above 0
	For  time.Duration // above 0
}

// Stairs is the plan of an open-loop load whose rate changes from one stretch to the next. As with Pacer, when a request
// is due depends on nothing but its number.
//
//	rate
//	 ▲          ┌────┐
//	 │     ┌────┘    │
//	 │ ────┘         └────────
//	 └─┴───┴────┴────┴───────▶ time
type Stairs struct {
	steps []Step
	from  []time.Duration // of each step, and at last the end of all
	first []int64         // request of each step, and at last how many there are
}

// NewStairs lays the steps one after the other.
func NewStairs(steps ...Step) *Stairs {
	s := &Stairs{steps: steps, from: []time.Duration{0}, first: []int64{0}}
	for i, step := range steps {
		count := Pacer{Rate: step.Rate}.Count(step.For)
		s.from = append(s.from, s.from[i]+step.For)
		s.first = append(s.first, s.first[i]+count)
	}
	return s
}

// Total is how many requests there are.
func (s *Stairs) Total() int64 { return s.first[len(s.steps)] }

// Due is when request n is due, counted from the start. Those after the last go on at its rate.
func (s *Stairs) Due(n int64) time.Duration {
	k := len(s.steps) - 1
	for k > 0 && s.first[k] > n {
		k--
	}
	return s.from[k] + Pacer{Rate: s.steps[k].Rate}.Due(n-s.first[k])
}

// Count is how many requests are due before d.
func (s *Stairs) Count(d time.Duration) int64 {
	return int64(sort.Search(int(s.Total()), func(n int) bool { return s.Due(int64(n)) >= d }))
}

// end is when the last step is over, and begin when step k begins.
func (s *Stairs) end() time.Duration        { return s.from[len(s.steps)] }
func (s *Stairs) begin(k int) time.Duration { return s.from[k] }
