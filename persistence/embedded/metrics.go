package embedded

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The two steps of a checkpoint, as the metrics name them.
const (
	partBulk = "bulk" // beside the commits
	partRest = "rest" // between two batches
)

type metrics struct {
	registerer prometheus.Registerer
	mine       []prometheus.Collector

	seconds  *prometheus.HistogramVec
	failed   *prometheus.CounterVec
	logPages prometheus.Gauge
}

func newMetrics(o Options) (*metrics, error) {
	const ns, sub = "leadwire", "embedded"
	m := &metrics{
		registerer: o.Registerer,
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: ns, Subsystem: sub, Name: "checkpoint_seconds",
			Help:    "Time of a checkpoint, by part: bulk beside the commits, rest between two batches.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5},
		}, []string{"part"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "checkpoint_failures_total",
			Help: "Checkpoints that ended with an error; the log stays longer until one succeeds.",
		}, []string{"part"}),
		logPages: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: ns, Subsystem: sub, Name: "log_pages",
			Help: "Pages of 4 KiB in the write-ahead log that were not yet in the file at the last checkpoint's end.",
		}),
	}
	for _, part := range []string{partBulk, partRest} {
		m.seconds.WithLabelValues(part)
		m.failed.WithLabelValues(part)
	}
	limit := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: ns, Subsystem: sub, Name: "log_pages_target",
		Help: "Pages at about which the log is moved into the file.",
	})
	limit.Set(float64(o.CheckpointPages))
	if m.registerer == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.seconds, m.failed, m.logPages, limit} {
		if err := m.registerer.Register(c); err != nil {
			m.unregister()
			return nil, fmt.Errorf("register store metrics: %w", err)
		}
		m.mine = append(m.mine, c)
	}
	return m, nil
}

func (m *metrics) checkpointed(part string, took time.Duration, pages, moved int, err error) {
	m.seconds.WithLabelValues(part).Observe(took.Seconds())
	if err != nil {
		m.failed.WithLabelValues(part).Inc()
		return
	}
	m.logPages.Set(float64(max(0, pages-moved)))
}

func (m *metrics) unregister() {
	for _, c := range m.mine {
		m.registerer.Unregister(c)
	}
	m.mine = nil
}
