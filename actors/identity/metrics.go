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
			Help: "Suppressions in force on this node, by scope and kind; an e-mail takes some 210 bytes."}, []string{"scope", "kind"}),
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

func (m *suppressionMetrics) entries(lists ...*blocklist) {
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

// overlayMetrics say how full the overlay is.
type overlayMetrics struct {
	links   prometheus.Gauge
	evicted prometheus.Counter
}

func newOverlayMetrics(reg prometheus.Registerer, limit int) *overlayMetrics {
	m := &overlayMetrics{
		links: gauge("overlay", "links", "Links that accounts have learned, in memory."),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "overlay", Name: "evicted_total",
			Help: "Links dropped from memory because there were too many; the store still has them."}),
	}
	most := gauge("overlay", "links_max", "Most links in memory; the oldest go.")
	most.Set(float64(limit))
	register(reg, m.links, m.evicted, most)
	return m
}

// What became of a call of Slow.Lookup, or of the lookup itself.
const (
	outcomeRemembered = "remembered" // answered from memory
	outcomeNegative   = "negative"   // nobody knew it lately
	outcomeCoalesced  = "coalesced"  // waits for a lookup of the same keys
	outcomeRefused    = "refused"    // too many under way
	outcomeLeft       = "left"       // whoever asked did not wait
	outcomeFound      = "found"
	outcomeUnknown    = "unknown"
	outcomeDeadline   = "deadline"
	outcomeFailed     = "failed"
	outcomeForgot     = "forgot" // answered, and not to be remembered
)

type slowMetrics struct {
	outcomes *prometheus.CounterVec
	took     prometheus.Histogram
	open     prometheus.Gauge
	people   prometheus.Gauge
	unknown  prometheus.Gauge
}

func newSlowMetrics(reg prometheus.Registerer, cfg SlowConfig) *slowMetrics {
	m := &slowMetrics{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "slow_tier", Name: "lookups_total",
			Help: "Questions to the slow identity tier, by what became of them."}, []string{"outcome"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "leadwire", Subsystem: "slow_tier", Name: "lookup_seconds",
			Help:    "Time of a lookup in the slow identity tier, its wait for a turn included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .2, .3, .5, 1}}),
		open:    gauge("slow_tier", "lookups", "Lookups that run or wait for their turn."),
		people:  gauge("slow_tier", "people", "People remembered of the slow tier's answers."),
		unknown: gauge("slow_tier", "unknown_keys", "Keys remembered that nobody knew."),
	}
	for _, outcome := range []string{
		outcomeRemembered, outcomeNegative, outcomeCoalesced, outcomeRefused, outcomeLeft,
		outcomeFound, outcomeUnknown, outcomeDeadline, outcomeFailed, outcomeForgot,
	} {
		m.outcomes.WithLabelValues(outcome)
	}
	openMax := gauge("slow_tier", "lookups_max", "Most lookups that run or wait; more are refused.")
	peopleMax := gauge("slow_tier", "people_max", "Most people remembered; the least recently used go.")
	unknownMax := gauge("slow_tier", "unknown_keys_max", "Most unknown keys remembered; the oldest go.")
	openMax.Set(float64(cfg.Concurrency + cfg.Queue))
	peopleMax.Set(float64(cfg.PersonMax))
	unknownMax.Set(float64(cfg.NegativeMax))
	register(reg, m.outcomes, m.took, m.open, m.people, m.unknown, openMax, peopleMax, unknownMax)
	return m
}

func (m *slowMetrics) outcome(o string) { m.outcomes.WithLabelValues(o).Inc() }

func gauge(sub, name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: sub, Name: name, Help: help})
}
