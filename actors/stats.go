package actors

import (
	"cmp"
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/delivery/stats"
	"github.com/leadwire/leadwire/actors/domain"
)

const (
	// statsEvery is how often figures are written: how old an answer may be, and how much of them a crash loses.
	statsEvery = 10 * time.Second
	// statsBite is how many rows one commit has: 7 ms of the embedded store's, between the traffic's (go test -bench Stats
	// ./persistence/embedded).
	statsBite = 250
)

// statistics writes what this node has counted of its endpoints' deliveries. It is one for the node and not one for each
// endpoint: an attempt costs it no trip to the store, and an endpoint that leaves has nothing to hand over, since whoever
// has it next writes rows of its own.
type statistics struct {
	rt     *Runtime
	ledger *stats.Ledger
	pulse  *pulse

	writing sync.Mutex // the newer of two rows has to be written last
}

func newStatistics(rt *Runtime) *statistics {
	s := &statistics{rt: rt, ledger: stats.NewLedger(rand.Text()[:10]), pulse: newPulse(rt.deps.Clock, statsEvery, &rt.looking)}
	rt.deps.Metrics.stats.of(s.ledger)
	rt.deps.Metrics.budgets.by(rt.deps.Clock)
	return s
}

// settled counts what was recorded of an attempt, or of an end without one.
func (s *statistics) settled(tier domain.Tier, a *domain.Attempted, d domain.Delivery) {
	now, tier := s.rt.deps.Clock.Now(), cmp.Or(tier, domain.TierStandard) // one that is gone from the catalog has none
	var happened time.Time
	if a.State == domain.DeliveryDelivered {
		if happened = delivery.OccurredAt(d.Payload); happened.IsZero() {
			happened = d.OwedAt
		}
	}
	s.ledger.Settled(now, tier, a, happened)
	s.rt.deps.Metrics.budgets.settled(now, tier, a, d.OwedAt)
}

func (s *statistics) run(ctx context.Context) {
	s.pulse.run(ctx, func(ctx context.Context) { s.write(ctx, false) })
}

// write brings what has changed to the store. What the store does not take comes again with the next writing; until
// then it is counted on.
func (s *statistics) write(ctx context.Context, everything bool) {
	s.writing.Lock()
	defer s.writing.Unlock()
	metrics := s.rt.deps.Metrics.stats
	// So many commits write whatever there is. An endpoint that is busy has counted on by then, which waits for the next time:
	// else there would always be something to write.
	for range s.ledger.Slots()/statsBite + 1 {
		due, err := s.ledger.Due(s.rt.deps.Clock.Now(), everything, statsBite)
		if err != nil {
			s.rt.deps.Log.Error("figures cannot be written", "error", err)
		}
		if len(due) == 0 {
			return
		}
		rows := make([]domain.StatsRow, 0, len(due))
		for _, w := range due {
			rows = append(rows, w.Row)
		}
		switch err := s.rt.deps.Store.KeepStats(ctx, rows); {
		case err == nil:
			metrics.rows.Add(float64(len(rows)))
		case domain.CodeOf(err) == domain.Invalid: // it will not be taken the next time either, and the others wait
			metrics.failed.Inc()
			s.rt.deps.Log.Error("figures that the store refuses are left out", "rows", len(rows), "error", err)
		default:
			metrics.failed.Inc()
			return
		}
		s.ledger.Written(s.rt.deps.Clock.Now(), due)
	}
}

// statsMetrics are the figures' part of Metrics.
type statsMetrics struct {
	reg    prometheus.Registerer
	rows   prometheus.Counter
	failed prometheus.Counter
}

func newStatsMetrics(reg prometheus.Registerer) *statsMetrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "stats", Name: name, Help: help})
	}
	m := &statsMetrics{
		reg:    reg,
		rows:   counter("rows_written_total", "Rows of endpoints' figures that were written, most of them again and again."),
		failed: counter("write_errors_total", "Times that the store did not take figures; unless the log says otherwise they are written with the next ones."),
	}
	limit := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: "stats", Name: "slots_limit", Help: "Most slots that this node counts in at a time."})
	limit.Set(stats.MaxSlots)
	if reg != nil {
		reg.MustRegister(m.rows, m.failed, limit)
	}
	return m
}

// of exports a node's ledger.
func (m *statsMetrics) of(l *stats.Ledger) {
	if m.reg == nil {
		return
	}
	m.reg.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "leadwire", Subsystem: "stats", Name: "slots", Help: "Slots that this node counts in: a minute and an hour for each endpoint, and for each tier of an account.",
		}, func() float64 { return float64(l.Slots()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "leadwire", Subsystem: "stats", Name: "lost_total", Help: "Recorded attempts that endpoints' figures do not have, because there was no room for their slot.",
		}, func() float64 { return float64(l.Lost()) }),
	)
}
