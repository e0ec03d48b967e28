package postgres

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are this package's own; those of the batches are the group commit's.
type metrics struct {
	registerer prometheus.Registerer
	mine       []prometheus.Collector

	connected  prometheus.Gauge
	lost       prometheus.Counter
	retries    *prometheus.CounterVec
	recognised prometheus.Counter
	netRows    *prometheus.GaugeVec
	unerased   prometheus.Gauge
}

// Why a batch was run again.
const (
	retryUnknown  = "unknown_outcome"
	retryRollback = "rolled_back"
	retryFeed     = "new_feed"
)

func newMetrics(r prometheus.Registerer, readers int) (*metrics, error) {
	const ns, sub = "leadwire", "postgres"
	m := &metrics{
		registerer: r,
		connected: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: ns, Subsystem: sub, Name: "connected",
			Help: "1 while the writer has its connection."}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{Namespace: ns, Subsystem: sub, Name: "connections_lost_total",
			Help: "Times the writer's connection broke."}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: ns, Subsystem: sub, Name: "retries_total",
			Help: "Batches run again, by reason."}, []string{"reason"}),
		recognised: prometheus.NewCounter(prometheus.CounterOpts{Namespace: ns, Subsystem: sub, Name: "recognised_total",
			Help: "Operations found to have been committed by a run whose answer was lost."}),
		netRows: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: ns, Subsystem: sub, Name: "default_partition_rows",
			Help: "Rows in the default partitions when last maintained, by table; above zero a day's partition was missing."}, []string{"table"}),
		unerased: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: ns, Subsystem: sub, Name: "tables_to_rewrite",
			Help: "Tables in whose files bytes of somebody erased are left, when last maintained."}),
	}
	for _, reason := range []string{retryUnknown, retryRollback, retryFeed} {
		m.retries.WithLabelValues(reason)
	}
	for _, t := range dayTables {
		m.netRows.WithLabelValues(t.name)
	}
	limit := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: ns, Subsystem: sub, Name: "readers_limit",
		Help: "Most connections for reads."})
	limit.Set(float64(readers))
	return m, m.register(m.connected, m.lost, m.retries, m.recognised, m.netRows, m.unerased, limit)
}

func (m *metrics) register(all ...prometheus.Collector) error {
	if m.registerer == nil {
		return nil
	}
	for _, c := range all {
		if err := m.registerer.Register(c); err != nil {
			m.unregister()
			return fmt.Errorf("register postgres metrics: %w", err)
		}
		m.mine = append(m.mine, c)
	}
	return nil
}

// unregister makes room for the next store: one can be closed and opened again.
func (m *metrics) unregister() {
	for _, c := range m.mine {
		m.registerer.Unregister(c)
	}
}
