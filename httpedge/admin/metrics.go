package admin

import (
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/apikey"
	"github.com/prometheus/client_golang/prometheus"
)

// reasonUnread is why a key is refused that may be good: the list of keys cannot be read.
const reasonUnread = "unread"

type metrics struct {
	calls   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	refused *prometheus.CounterVec
	items   *prometheus.CounterVec
	imports *prometheus.CounterVec
	limited *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, inFlight, rateKeys func() float64) *metrics {
	const ns, sub = "leadwire", "api"
	m := &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "calls_total", Help: "Calls of /api/v1, by route and what the caller can do about the answer.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: ns, Subsystem: sub, Name: "call_seconds", Help: "How long calls of /api/v1 took.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60},
		}, []string{"route"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "keys_refused_total", Help: "API keys that were refused, by reason.",
		}, []string{"reason"}),
		items: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "events_total", Help: "Hits of POST /api/v1/events, by outcome.",
		}, []string{"outcome"}),
		imports: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "import_lines_total", Help: "Lines of imported suppressions, by outcome.",
		}, []string{"outcome"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "rate_limited_total", Help: "Calls of /api/v1 that were over a rate of their key, by rate.",
		}, []string{"rate"}),
	}
	running := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: ns, Subsystem: sub, Name: "calls_in_flight", Help: "Calls of /api/v1 that run.",
	}, inFlight)
	limit := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: ns, Subsystem: sub, Name: "calls_in_flight_limit", Help: "How many calls of /api/v1 may run at once.",
	})
	limit.Set(MaxInFlight)
	remembered := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: ns, Subsystem: sub, Name: "rate_keys", Help: fmt.Sprintf("API keys whose rates are remembered; at most %d.", maxBuckets),
	}, rateKeys)
	perSecond := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: ns, Subsystem: sub, Name: "rate_limit", Help: "What one API key may do a second on a node, by rate.",
	}, []string{"rate"})
	for rule, n := range map[string]float64{ruleCalls: CallsPerSecond, ruleEvents: EventsPerSecond} {
		perSecond.WithLabelValues(rule).Set(n)
		m.limited.WithLabelValues(rule)
	}
	for _, r := range Routes() {
		m.calls.WithLabelValues(r.Name, "ok")
		m.calls.WithLabelValues(r.Name, string(domain.Forbidden))
		m.calls.WithLabelValues(r.Name, string(domain.Unavailable))
		m.seconds.WithLabelValues(r.Name)
	}
	for _, reason := range apikey.Reasons() {
		m.refused.WithLabelValues(string(reason))
	}
	m.refused.WithLabelValues(reasonUnread)
	for _, o := range []string{kept, duplicate, dropped, refused, deferred} {
		m.items.WithLabelValues(o)
	}
	m.imports.WithLabelValues(lineTaken)
	m.imports.WithLabelValues(lineRejected)
	if reg != nil {
		reg.MustRegister(m.calls, m.seconds, m.refused, m.items, m.imports, m.limited, running, limit, remembered, perSecond)
	}
	return m
}
