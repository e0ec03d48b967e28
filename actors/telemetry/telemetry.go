// Package telemetry turns the marks of a lead's way into segments: seen, not sent, is what counts.
//
//	received ──▶ committed ──▶ published ──▶ client received ──▶ rendered
//	   │ edge, commit │ announcement │    network      │   browser      │
//	   └──────────────┴───────── total ────────────────┴────────────────┘
//
// The server stamps the first three marks, the third only where somebody watches; a dashboard reports the
// last two. They meet here, by buyer and sequence, in a bounded memory of recently published events. What
// has been forgotten, replayed, reported before, or held back for want of a buyer is not measured: it says
// nothing about how fast we are.
package telemetry

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// The segments, in the order of a lead's way. Total runs from received to rendered.
const (
	Committed = "received_committed"
	Published = "committed_published"
	Arrived   = "published_client_received"
	Rendered  = "client_received_rendered"
	Total     = "received_rendered"
)

// names lists the segments in order.
var names = [...]string{Committed, Published, Arrived, Rendered, Total}

// maxMarks bounds the published events remembered for their reports: at 1,000 leads a second the last
// minute, about 8 MB.
const maxMarks = 65536

// longest is the top of the histograms: a segment over ten minutes is recorded as ten minutes.
const longest = 10 * time.Minute

// Segment is one row of the table.
type Segment struct {
	Name          string
	Count         int64
	P50, P95, P99 time.Duration
}

// Recorder gathers marks. It is safe for concurrent use.
type Recorder struct {
	mu       sync.Mutex
	segments map[string]*hdrhistogram.Histogram
	marks    map[markKey]mark
	order    []markKey // ring, oldest at next
	next     int
	exported *prometheus.HistogramVec
}

type markKey struct {
	buyer domain.BuyerKey
	seq   domain.Seq
}

type mark struct{ received, published time.Time }

// New registers the segments' histograms, each born at zero. A nil registerer exports nothing.
func New(reg prometheus.Registerer) *Recorder {
	r := &Recorder{
		segments: make(map[string]*hdrhistogram.Histogram, len(names)),
		marks:    map[markKey]mark{},
		exported: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "leadwire", Subsystem: "segment", Name: "seconds",
			Help:    "Time a lead spends in each segment of its way, from received to rendered.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
		}, []string{"segment"}),
	}
	for _, name := range names {
		r.segments[name] = hdrhistogram.New(1, longest.Microseconds(), 3)
		r.exported.WithLabelValues(name)
	}
	if reg != nil {
		reg.MustRegister(r.exported)
	}
	return r
}

// Committed takes the mark of a lead's decision, whether or not anybody watches its buyer's feed.
func (r *Recorder) Committed(e domain.FeedEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !held(e) {
		r.observe(Committed, e.CommittedAt.Sub(e.ReceivedAt))
	}
}

// heldFor is how late a decision is that waited for a buyer. A decision that waited for a store that was
// away is measured up to this, because that is slowness of ours.
const heldFor = time.Minute

func held(e domain.FeedEvent) bool { return e.DecidedAt.Sub(e.ReceivedAt) > heldFor }

// Published takes the server's marks of live events that are on their way to a watcher.
func (r *Recorder) Published(events []domain.FeedEvent, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		if e.CommittedAt.IsZero() || held(e) { // read back from the store, or late for want of a buyer
			continue
		}
		r.observe(Published, at.Sub(e.CommittedAt))
		r.keep(markKey{e.Key(), e.Seq}, mark{e.ReceivedAt, at})
	}
}

// Seen takes a dashboard's report, its times already on the server's clock.
func (r *Recorder) Seen(seen []domain.Seen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range seen {
		key := markKey{domain.BuyerKey{Account: s.Account, Buyer: s.Buyer}, s.Seq}
		m, ok := r.marks[key]
		if !ok {
			continue
		}
		delete(r.marks, key) // the first report counts
		r.observe(Rendered, s.RenderedAt.Sub(s.ClientReceivedAt))
		r.observe(Arrived, s.ClientReceivedAt.Sub(m.published))
		r.observe(Total, s.RenderedAt.Sub(m.received))
	}
}

// Snapshot is the table so far, a row per segment in order.
func (r *Recorder) Snapshot() []Segment {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Segment, 0, len(names))
	for _, name := range names {
		h := r.segments[name]
		at := func(q float64) time.Duration { return time.Duration(h.ValueAtQuantile(q)) * time.Microsecond }
		out = append(out, Segment{name, h.TotalCount(), at(50), at(95), at(99)})
	}
	return out
}

// observe clamps: clocks differ by a few milliseconds, and a segment cannot be negative.
func (r *Recorder) observe(segment string, d time.Duration) {
	d = min(max(d, 0), longest)
	_ = r.segments[segment].RecordValue(max(d.Microseconds(), 1)) // within the histogram's bounds by the clamp
	r.exported.WithLabelValues(segment).Observe(d.Seconds())
}

func (r *Recorder) keep(key markKey, m mark) {
	if len(r.order) < maxMarks {
		r.order = append(r.order, key)
	} else {
		delete(r.marks, r.order[r.next])
		r.order[r.next] = key
		r.next = (r.next + 1) % maxMarks
	}
	r.marks[key] = m
}
