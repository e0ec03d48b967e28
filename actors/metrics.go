package actors

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// Metrics of the actors of one node.
type Metrics struct {
	decisions *prometheus.CounterVec
	retries   prometheus.Counter
	fenced    prometheus.Counter
	dropped   prometheus.Counter
	refused   prometheus.Counter
	hintsLost prometheus.Counter
	published prometheus.Counter
	leases    prometheus.Gauge
	fills     prometheus.Counter
	recovered *prometheus.CounterVec
	found     prometheus.Counter
	watched   prometheus.Gauge
	sessions  prometheus.Gauge
	catchUps  prometheus.Counter
	resyncs   prometheus.Counter
	reading   prometheus.Gauge
	readLimit prometheus.Gauge
}

// NewMetrics registers the actors' metrics; a nil registerer exports nothing.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(sub, name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: sub, Name: name, Help: help})
	}
	gauge := func(sub, name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: sub, Name: name, Help: help})
	}
	m := &Metrics{
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "lead", Name: "decisions_total",
			Help: "Decisions sent to the store, by what they would do."}, []string{"verb"}),
		retries:   counter("lead", "decision_retries_total", "Decisions that the store could not make and that are tried again after a pause."),
		fenced:    counter("lead", "fenced_total", "Commits refused because another node owns the partition."),
		dropped:   counter("lead", "undecidable_total", "Pending events that no decision could be made for; each is in the log."),
		refused:   counter("lead", "refused_total", "Events refused because too many of the same lead were waiting; their source sends them again."),
		hintsLost: counter("lead", "announcements_lost_total", "Announcements that could not be sent; the lookout finds their events."),
		published: counter("buyer", "published_events_total", "Feed events published to watching nodes."),
		leases:    gauge("buyer", "leases", "Nodes that watch the feeds of buyers who live here."),
		fills:     counter("buyer", "gap_reads_total", "Times a feed's gap was read from the store because an announcement was late or lost."),
		recovered: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "recovery", Name: "events_total",
			Help: "Pending events handed to their leads again, by whether they were held."}, []string{"held"}),
		found:     counter("recovery", "unannounced_total", "Feeds found to go further than was announced."),
		watched:   gauge("hub", "feeds", "Feeds watched from this node."),
		sessions:  gauge("hub", "sessions", "Dashboards watching from this node."),
		catchUps:  counter("hub", "catch_ups_total", "Times a watcher was brought up to date from the store."),
		resyncs:   counter("hub", "resyncs_total", "Times a watcher was told to refetch."),
		reading:   gauge("hub", "catch_up_reads", "Catch-up reads under way."),
		readLimit: gauge("hub", "catch_up_reads_max", "Most catch-up reads under way at a time."),
	}
	for _, verb := range []domain.Verb{domain.Assign, domain.Update, domain.Hold, domain.Ignore} {
		m.decisions.WithLabelValues(string(verb))
	}
	m.recovered.WithLabelValues("false")
	m.recovered.WithLabelValues("true")
	if reg != nil {
		reg.MustRegister(m.decisions, m.retries, m.fenced, m.dropped, m.refused, m.hintsLost, m.published, m.leases, m.fills,
			m.recovered, m.found, m.watched, m.sessions, m.catchUps, m.resyncs, m.reading, m.readLimit)
	}
	return m
}
