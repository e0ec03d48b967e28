package graph

import "github.com/prometheus/client_golang/prometheus"

// metrics of a node's library.
type metrics struct {
	swaps   prometheus.Counter
	refused prometheus.Counter
	closing prometheus.Gauge
	size    prometheus.Gauge
	memory  prometheus.Gauge
	built   prometheus.Gauge
	holds   *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer, damaged func() float64) *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: "graph", Name: name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "graph", Name: name, Help: help})
	}
	m := &metrics{
		swaps:   counter("swaps_total", "Graph files taken into use."),
		refused: counter("refused_total", "Graph files that could not be opened; the one before stayed in use."),
		closing: gauge("files_replaced_open", "Files no longer in use that a borrower still reads: more than 0 for long is a borrower that does not give back."),
		size:    gauge("file_bytes", "Size of the graph file in use; 0: none."),
		memory:  gauge("resident_bytes", "Bytes of the graph in use that were copied into memory with large pages; 0: the mapping answers."),
		built:   gauge("built_seconds", "When the file in use was built, in seconds since 1970; 0: none."),
		holds: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: "graph", Name: "entries",
			Help: "What the file in use holds, by kind."}, []string{"kind"}),
	}
	m.hold(Info{})
	if reg != nil {
		reg.MustRegister(m.swaps, m.refused, m.closing, m.size, m.memory, m.built, m.holds, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "leadwire", Subsystem: "graph", Name: "damaged_reads_total",
			Help: "Reads answered with \"not found\" because the file was damaged there: replace it.",
		}, damaged))
	}
	return m
}

// hold shows the file in use.
func (m *metrics) hold(i Info) {
	m.size.Set(float64(i.Size))
	m.memory.Set(0)
	m.built.Set(0)
	if !i.BuiltAt.IsZero() {
		m.built.Set(float64(i.BuiltAt.UnixMilli()) / 1000)
	}
	for _, name := range kindNames {
		if name != "" {
			m.holds.WithLabelValues(name).Set(float64(i.Kinds[name]))
		}
	}
	m.holds.WithLabelValues("network").Set(float64(i.Networks))
}
