package actors

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/delivery/budget"
	"github.com/leadwire/leadwire/actors/domain"
)

// budgetMetrics are the latency budgets' part of Metrics: how many first attempts each tier's budget is about, how many it
// had to pay for, and how fast that goes on this node.
type budgetMetrics struct {
	reg    prometheus.Registerer
	all    *prometheus.CounterVec
	spent  *prometheus.CounterVec
	meters map[domain.Tier]*budget.Meter
}

func newBudgetMetrics(reg prometheus.Registerer) *budgetMetrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "delivery", Name: name, Help: help}, []string{"tier"})
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: "delivery", Name: name, Help: help}, []string{"tier"})
	}
	m := &budgetMetrics{
		reg:    reg,
		all:    counter("budget_total", "First attempts that a tier's latency budget is about."),
		spent:  counter("budget_spent_total", "Of them, those that waited for us longer than the tier is promised."),
		meters: map[domain.Tier]*budget.Meter{},
	}
	objective := gauge("budget_objective", "Part of the first attempts that is promised to begin in time.")
	within := gauge("budget_seconds", "How long a first attempt may wait for us, of its event's time that neither its person nor its endpoint took.")
	for _, tier := range domain.Tiers() {
		b := budget.Of(tier)
		m.meters[tier] = budget.NewMeter(b.Objective)
		objective.WithLabelValues(string(tier)).Set(b.Objective)
		within.WithLabelValues(string(tier)).Set(b.Within.Seconds())
		m.all.WithLabelValues(string(tier))
		m.spent.WithLabelValues(string(tier))
	}
	if reg != nil {
		reg.MustRegister(m.all, m.spent, objective, within)
	}
	return m
}

// by exports burn rates as of a clock.
func (m *budgetMetrics) by(clock domain.Clock) {
	if m.reg == nil {
		return
	}
	for tier, meter := range m.meters {
		for _, window := range budget.Windows() {
			m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Namespace: "leadwire", Subsystem: "delivery", Name: "budget_burn_rate",
				Help:        "How fast this node uses a tier's latency budget up, over a window that ends now; 1: exactly as fast as it may.",
				ConstLabels: prometheus.Labels{"tier": string(tier), "window": windowName(window)},
			}, func() float64 { return meter.Burn(clock.Now(), window) }))
		}
	}
}

// windowName is "5m" or "6h".
func windowName(d time.Duration) string {
	text := d.String() // "5m0s", "6h0m0s"
	for _, zero := range []string{"0s", "0m"} {
		if n := len(text) - len(zero); n > 0 && text[n:] == zero && (text[n-1] < '0' || text[n-1] > '9') {
			text = text[:n]
		}
	}
	return text
}

// settled counts what was recorded of an attempt, if the budget of its endpoint's tier is about it.
func (m *budgetMetrics) settled(now time.Time, tier domain.Tier, a *domain.Attempted, owedAt time.Time) {
	wait, ok := budget.Wait(&a.Receipt, owedAt)
	meter := m.meters[tier]
	if !ok || meter == nil {
		return
	}
	late := budget.Of(tier).Late(wait)
	m.all.WithLabelValues(string(tier)).Inc()
	if late {
		m.spent.WithLabelValues(string(tier)).Inc()
	}
	meter.Count(now, late)
}
