package groupcommit

import (
	"errors"
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/prometheus/client_golang/prometheus"
)

// outcomeRefused is an operation turned away at the door: queue full, or writer closed.
const outcomeRefused = "refused"

func outcomeOf(code domain.Code) string { return string(code) }

// failures are the outcomes any kind can have.
var failures = [...]string{
	outcomeRefused, outcomeWithdrawn, string(domain.Invalid), string(domain.Fenced), string(domain.Unavailable), string(domain.Internal),
}

type metrics struct {
	registerer prometheus.Registerer
	mine       []prometheus.Collector

	size       prometheus.Histogram
	seconds    prometheus.Histogram
	commits    map[bool]prometheus.Counter
	queueOps   prometheus.Gauge
	queueBytes prometheus.Gauge
	operations *prometheus.CounterVec
	byKind     map[[2]string]prometheus.Counter // resolved once: a look-up by labels costs more than the count
}

// newMetrics makes the series of one writer. Every one of them exists, at zero, before the first
// operation.
func newMetrics(cfg Config, r prometheus.Registerer) (*metrics, error) {
	labels := prometheus.Labels{"writer": cfg.Name}
	const ns, sub = "leadwire", "commit"
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: ns, Subsystem: sub, Name: name, Help: help, ConstLabels: labels})
	}
	m := &metrics{
		registerer: r,
		size: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: ns, Subsystem: sub, Name: "batch_operations", ConstLabels: labels,
			Help:    "Operations that shared one commit.",
			Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024},
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: ns, Subsystem: sub, Name: "seconds", ConstLabels: labels,
			Help:    "Time of one commit, from the batch taken to its answer.",
			Buckets: []float64{.00025, .0005, .001, .002, .004, .008, .016, .032, .064, .128, .256, .512, 1, 2, 5, 10},
		}),
		queueOps:   gauge("queue_operations", "Operations that wait for the next commit."),
		queueBytes: gauge("queue_bytes", "Bytes that wait for the next commit."),
		byKind:     map[[2]string]prometheus.Counter{},
	}
	commits := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: ns, Subsystem: sub, Name: "total", ConstLabels: labels,
		Help: "Commits tried (round trips to the store), by whether they succeeded.",
	}, []string{"result"})
	m.commits = map[bool]prometheus.Counter{true: commits.WithLabelValues("ok"), false: commits.WithLabelValues("error")}
	m.operations = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: ns, Subsystem: sub, Name: "operations_total", ConstLabels: labels,
		Help: "Operations answered, by kind and outcome.",
	}, []string{"kind", "outcome"})
	for kind, outcomes := range cfg.Outcomes {
		for _, o := range append(failures[:], outcomes...) {
			m.byKind[[2]string{kind, o}] = m.operations.WithLabelValues(kind, o)
		}
	}
	opsLimit := gauge("queue_operations_limit", "Operations at which new ones are refused.")
	opsLimit.Set(float64(cfg.QueueOps))
	bytesLimit := gauge("queue_bytes_limit", "Bytes at which new operations are refused.")
	bytesLimit.Set(float64(cfg.QueueBytes))
	batchLimit := gauge("batch_operations_limit", "Most operations in one commit.")
	batchLimit.Set(float64(cfg.MaxOps))
	return m, m.register(m.size, m.seconds, commits, m.queueOps, m.queueBytes, m.operations, opsLimit, bytesLimit, batchLimit)
}

func (m *metrics) register(all ...prometheus.Collector) error {
	if m.registerer == nil {
		return nil
	}
	for _, c := range all {
		if err := m.registerer.Register(c); err != nil {
			m.unregister()
			var twice prometheus.AlreadyRegisteredError
			if errors.As(err, &twice) {
				return domain.FailField("register group commit metrics", "name", "another writer of this process has it")
			}
			return fmt.Errorf("register group commit metrics: %w", err)
		}
		m.mine = append(m.mine, c)
	}
	return nil
}

// unregister makes room for the next writer of the same name: a store can be closed and opened again.
func (m *metrics) unregister() {
	for _, c := range m.mine {
		m.registerer.Unregister(c)
	}
}

func (m *metrics) count(kind, outcome string) {
	if c, ok := m.byKind[[2]string{kind, outcome}]; ok {
		c.Inc()
		return
	}
	m.operations.WithLabelValues(kind, outcome).Inc()
}

func (m *metrics) committed(ops int, took time.Duration, ok bool) {
	m.size.Observe(float64(ops))
	m.seconds.Observe(took.Seconds())
	m.commits[ok].Inc()
}

func (m *metrics) depth(ops, bytes int) {
	m.queueOps.Set(float64(ops))
	m.queueBytes.Set(float64(bytes))
}
