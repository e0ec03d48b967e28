package bench

import (
	"iter"
	"slices"
	"time"
)

// window is a stretch of a run during which something was done to the server, or, as its control, nothing.
type window struct {
	from, until time.Duration // since the run's start
	control     bool
}

// windowed are a run's latencies by what went on while they passed. A request belongs to every window that it
// was due or under way in; to the calm, if there is none.
type windowed struct {
	done, control, calm *Recorder
	worst               []time.Duration // of each window, its slowest request
	doneSlow            int64           // of done, those over the limit
	controlSlow         int64           // likewise of control
}

// request is when one was due since the run's start, and how long its answer took from then.
type request struct{ due, took time.Duration }

// sortByWindow reads requests in the order they were due, and windows that follow one another. Requests over slow
// are counted.
func sortByWindow(windows []window, slow time.Duration, requests iter.Seq[request]) windowed {
	s := windowed{done: NewRecorder(), control: NewRecorder(), calm: NewRecorder(), worst: make([]time.Duration, len(windows))}
	first := 0
	for r := range requests {
		for first < len(windows) && windows[first].until < r.due {
			first++
		}
		calm := true
		for i := first; i < len(windows) && windows[i].from <= r.due+r.took; i++ {
			calm = false
			s.worst[i] = max(s.worst[i], r.took)
			to, over := s.done, &s.doneSlow
			if windows[i].control {
				to, over = s.control, &s.controlSlow
			}
			to.Record(r.took)
			if r.took > slow {
				*over++
			}
		}
		if calm {
			s.calm.Record(r.took)
		}
	}
	return s
}

// pairs tells the slowest request of each window, with that of the control that follows it.
func pairs(windows []window, worst []time.Duration) (done, control []time.Duration) {
	for i := 1; i < len(windows); i++ {
		if windows[i].control && !windows[i-1].control {
			done, control = append(done, worst[i-1]), append(control, worst[i])
		}
	}
	return done, control
}

// middle is the median; of an even number the upper of the middle two, as everywhere here.
func middle(of []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}
