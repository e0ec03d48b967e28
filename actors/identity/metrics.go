package identity

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// suppressionMetrics say how much is suppressed.
type suppressionMetrics struct {
	held   *prometheus.GaugeVec
	unread prometheus.Gauge
}

func newSuppressionMetrics(reg prometheus.Registerer) *suppressionMetrics {
	m := &suppressionMetrics{
		held: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: "suppression", Name: "entries",
			Help: "Suppressions in force on this node, by scope and kind; an e-mail takes some 170 bytes."}, []string{"scope", "kind"}),
		unread: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: "suppression", Name: "catalog_unread",
			Help: "Suppressions of the catalog that could not be read and are not in force; anything but 0 is a fault."}),
	}
	for _, scope := range scopes() {
		for _, kind := range kinds {
			m.held.WithLabelValues(string(scope), string(kind))
		}
	}
	register(reg, m.held, m.unread)
	return m
}

func (m *suppressionMetrics) entries(lists ...*list) {
	for _, scope := range scopes() {
		for _, kind := range kinds {
			n := 0
			for _, l := range lists {
				n += l.counts[label{scope, kind}]
			}
			m.held.WithLabelValues(string(scope), string(kind)).Set(float64(n))
		}
	}
}

// Metrics of matching.
type Metrics struct {
	matches   *prometheus.CounterVec
	conflicts *prometheus.CounterVec
}

// NewMetrics registers them; a nil registerer exports nothing.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		matches: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "match", Name: "total",
			Help: "Matches of hits, by whom they name and where the link was found; the level none is nobody."}, []string{"level", "from"}),
		conflicts: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "match", Name: "conflicts_total",
			Help: "Matches in which a weaker key named somebody else, by where the link that decided was found."}, []string{"from"}),
	}
	for _, from := range origins {
		m.matches.WithLabelValues(string(domain.PersonMatch), from)
		m.conflicts.WithLabelValues(from)
	}
	m.matches.WithLabelValues(string(domain.CompanyMatch), FromGraph)
	m.matches.WithLabelValues(levelNone, "")
	register(reg, m.matches, m.conflicts)
	return m
}

const levelNone = "none"

func (m *Metrics) count(match domain.Match) {
	if m == nil {
		return
	}
	level := string(match.Level)
	if level == "" {
		level = levelNone
	}
	m.matches.WithLabelValues(level, match.From).Inc()
	if match.Conflict {
		m.conflicts.WithLabelValues(match.From).Inc()
	}
}

func register(reg prometheus.Registerer, all ...prometheus.Collector) {
	if reg != nil {
		reg.MustRegister(all...)
	}
}
