package bench

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A latency is kept to three digits between a microsecond and ten minutes. Longer ones count as ten
// minutes in the quantiles: no run waits that long for an answer.
const (
	shortest = int64(1)
	longest  = int64(10 * time.Minute / time.Microsecond)
	digits   = 3
)

// Recorder gathers latencies in constant memory (about 250 KiB). It belongs to one goroutine; several
// are merged at the end.
type Recorder struct {
	hist *hdrhistogram.Histogram
	max  time.Duration
	sum  time.Duration
}

// NewRecorder makes an empty Recorder.
func NewRecorder() *Recorder {
	return &Recorder{hist: hdrhistogram.New(shortest, longest, digits)}
}

// Record adds one latency. A negative one counts as 0: two marks of one event can come from two clock
// readings that raced within a microsecond.
func (r *Recorder) Record(d time.Duration) {
	d = max(d, 0)
	r.max = max(r.max, d)
	r.sum += d
	us := min(int64((d+time.Microsecond/2)/time.Microsecond), longest)
	_ = r.hist.RecordValue(us) // within bounds by the line above, the only reason to refuse
}

// Merge adds everything other has recorded. other is not changed.
func (r *Recorder) Merge(other *Recorder) {
	r.hist.Merge(other.hist)
	r.max = max(r.max, other.max)
	r.sum += other.sum
}

// Count is how many latencies were recorded.
func (r *Recorder) Count() int64 { return r.hist.TotalCount() }

// Quantile is the latency that the fraction q of all stayed within, to three digits; 0 when there are
// none. It is never more than Max.
func (r *Recorder) Quantile(q float64) time.Duration {
	if r.Count() == 0 {
		return 0
	}
	us := r.hist.ValueAtQuantile(q * 100)
	return min(time.Duration(us)*time.Microsecond, r.max)
}

// Max is the longest latency, exactly.
func (r *Recorder) Max() time.Duration { return r.max }

// Mean is the mean, exactly; 0 when there are none.
func (r *Recorder) Mean() time.Duration {
	if n := r.Count(); n > 0 {
		return r.sum / time.Duration(n)
	}
	return 0
}
