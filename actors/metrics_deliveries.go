package actors

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/delivery/gate"
	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// Segments of a delivery's way, as label values.
const (
	segmentHeld      = "held"      // behind an earlier one of its person
	segmentGathered  = "gathered"  // due, and waiting for others of its batch
	segmentQueued    = "queued"    // due, until its attempt began
	segmentBlocked   = "blocked"   // of queued, for the endpoint: paused, slowed down, failing, at its rate, or busy
	segmentAttempt   = "attempt"   // until it was answered
	segmentDelivered = "delivered" // owed, until an attempt had succeeded: all of the above, and the retries
)

// deliveryMetrics are the endpoints' part of Metrics.
type deliveryMetrics struct {
	attempts *prometheus.CounterVec
	ended    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	notices  *prometheus.CounterVec
	lost     prometheus.Counter
	found    prometheus.Counter
	stuck    prometheus.Counter
}

func newDeliveryMetrics(reg prometheus.Registerer) *deliveryMetrics {
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "delivery", Name: name, Help: help}
	}
	m := &deliveryMetrics{
		attempts: prometheus.NewCounterVec(opts("attempts_total", "Attempts whose receipt was kept, by why they were made and how they ended."), []string{"trigger", "result"}),
		ended:    prometheus.NewCounterVec(opts("ended_total", "Deliveries that have ended, by how."), []string{"state"}),
		notices:  prometheus.NewCounterVec(opts("endpoint_notices_total", "Changes of endpoints' condition."), []string{"notice"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "leadwire", Subsystem: "delivery", Name: "seconds", Help: "Parts of the way of deliveries whose attempt was recorded.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60, 600, 3600, 86400},
		}, []string{"segment"}),
		lost:  prometheus.NewCounter(opts("hints_lost_total", "Deliveries whose endpoint could not be told; recovery finds them.")),
		found: prometheus.NewCounter(opts("endpoints_found_total", "Endpoints with due deliveries that recovery has woken.")),
		stuck: prometheus.NewCounter(opts("unrecordable_total", "Receipts that the store refuses; each is in the log.")),
	}
	for _, t := range []domain.Trigger{domain.TriggerFirst, domain.TriggerRetry, domain.TriggerManual, domain.TriggerReplay, domain.TriggerProbe, domain.TriggerTest} {
		m.attempts.WithLabelValues(string(t), resultOK)
		for _, class := range domain.ErrorClasses() {
			m.attempts.WithLabelValues(string(t), string(class))
		}
	}
	for _, s := range domain.DeliveryStates() {
		if s != domain.DeliveryPending {
			m.ended.WithLabelValues(string(s))
		}
	}
	for _, n := range queue.Notices() {
		m.notices.WithLabelValues(string(n))
	}
	for _, s := range []string{segmentHeld, segmentGathered, segmentQueued, segmentBlocked, segmentAttempt, segmentDelivered} {
		m.seconds.WithLabelValues(s)
	}
	if reg != nil {
		reg.MustRegister(m.attempts, m.ended, m.seconds, m.notices, m.lost, m.found, m.stuck)
	}
	return m
}

const resultOK = "ok"

// settled counts what was recorded of an attempt, or of an end without one.
func (m *deliveryMetrics) settled(a domain.Attempted, owedAt time.Time) {
	r := &a.Receipt
	if a.State != domain.DeliveryPending {
		m.ended.WithLabelValues(string(a.State)).Inc()
	}
	if r.Number == 0 {
		return
	}
	m.attempts.WithLabelValues(string(r.Trigger), cmp.Or(string(r.Error), resultOK)).Inc()
	m.seconds.WithLabelValues(segmentHeld).Observe(r.Phases.Held.Seconds())
	m.seconds.WithLabelValues(segmentGathered).Observe(r.Phases.Gather.Seconds())
	m.seconds.WithLabelValues(segmentBlocked).Observe(r.Phases.Blocked.Seconds())
	m.seconds.WithLabelValues(segmentQueued).Observe(r.Phases.Queue.Seconds())
	m.seconds.WithLabelValues(segmentAttempt).Observe(r.Phases.Total.Seconds())
	if a.State == domain.DeliveryDelivered && !owedAt.IsZero() {
		m.seconds.WithLabelValues(segmentDelivered).Observe(max(0, r.EndedAt().Sub(owedAt).Seconds()))
	}
}

// tested counts a test whose receipt was kept. It is no delivery of anybody, so its parts are in no histogram.
func (m *deliveryMetrics) tested(r *domain.Receipt) {
	m.attempts.WithLabelValues(string(r.Trigger), cmp.Or(string(r.Error), resultOK)).Inc()
}

// registerGate exports a node's rights.
func registerGate(reg prometheus.Registerer, g *gate.Gate) {
	gauge := func(name, help string, value func() int) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: "delivery", Name: name, Help: help},
			func() float64 { return float64(value()) }))
	}
	rights, repeats := g.Limits()
	gauge("rights", "Attempts that this node makes or is about to.", func() int { all, _ := g.Out(); return all })
	gauge("rights_limit", "Most attempts that this node makes at a time.", func() int { return rights })
	gauge("repeat_rights", "Of them, retries and replays.", func() int { _, r := g.Out(); return r })
	gauge("repeat_rights_limit", "Most of them at a time.", func() int { return repeats })
	gauge("rights_asked", "Attempts that wait for a right.", g.Asked)
}
