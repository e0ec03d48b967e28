package actors

import (
	"cmp"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/visit"
)

// Metrics of the actors of one node.
type Metrics struct {
	decisions *prometheus.CounterVec
	retries   prometheus.Counter
	fenced    prometheus.Counter
	dropped   prometheus.Counter
	withheld  *prometheus.CounterVec
	refused   prometheus.Counter
	hintsLost prometheus.Counter
	published prometheus.Counter
	unheard   prometheus.Counter
	leases    prometheus.Gauge
	fills     prometheus.Counter
	recovered *prometheus.CounterVec
	found     prometheus.Counter
	watched   prometheus.Gauge
	sessions  *prometheus.GaugeVec
	catchUps  prometheus.Counter
	resyncs   prometheus.Counter
	reading   prometheus.Gauge
	readLimit prometheus.Gauge

	reattached    prometheus.Counter
	reattaching   prometheus.Gauge
	reattachLimit prometheus.Gauge

	matched       *prometheus.CounterVec
	suppressed    *prometheus.CounterVec
	upgraded      prometheus.Counter
	visitsRefused prometheus.Counter
	sightsLost    prometheus.Counter
	sightsFound   prometheus.Counter
	verdicts      *prometheus.CounterVec
	announcements *prometheus.CounterVec
	unjudgeable   prometheus.Counter
	lessons       *prometheus.CounterVec
	guardErrors   prometheus.Counter

	deliveries *deliveryMetrics
	replays    *replayMetrics
	stats      *statsMetrics
	budgets    *budgetMetrics
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
		unheard:   counter("buyer", "publications_dropped_total", "Publications not sent to a node that is gone or reads too slowly; it catches up by itself."),
		leases:    gauge("buyer", "leases", "Nodes that watch the feeds of buyers who live here."),
		fills:     counter("buyer", "gap_reads_total", "Times a feed's gap was read from the store because an announcement was late or lost."),
		recovered: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "recovery", Name: "events_total",
			Help: "Pending events handed to their leads again, by whether they were held."}, []string{"held"}),
		found:   counter("recovery", "unannounced_total", "Feeds found to go further than was announced."),
		watched: gauge("hub", "feeds", "Feeds watched from this node."),
		sessions: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: "hub", Name: "sessions",
			Help: "Dashboards watching from this node, by where the feed's owner is: here, elsewhere, or being asked."}, []string{"owner"}),
		catchUps:  counter("hub", "catch_ups_total", "Times a watcher was brought up to date from the store."),
		resyncs:   counter("hub", "resyncs_total", "Times a watcher was told to refetch."),
		reading:   gauge("hub", "catch_up_reads", "Catch-up reads under way."),
		readLimit: gauge("hub", "catch_up_reads_max", "Most catch-up reads under way at a time."),

		reattached:    counter("hub", "reattached_total", "Times a feed was watched anew because its owner had changed."),
		reattaching:   gauge("hub", "reattaching", "New owners that are being asked."),
		reattachLimit: gauge("hub", "reattaching_max", "Most new owners that are asked at a time."),
	}
	vec := func(sub, name, label, help string, values ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: sub, Name: name, Help: help}, []string{label})
		for _, value := range values {
			v.WithLabelValues(value)
		}
		return v
	}
	m.matched = vec("visitor", "matches_total", "level", "Hits and late answers that were observed, by whom they name; suppressed ones are not among them.", "none", "company", "person", "late")
	m.suppressed = vec("visitor", "suppressed_total", "rule", "Hits and late answers that were kept from being matched, by rule.", rules()...)
	m.upgraded = counter("visitor", "upgraded_views_total", "Page views that went along with a later identification.")
	m.visitsRefused = counter("visitor", "refused_total", "Hits refused because too many of the same visitor were waiting; their sender tries again.")
	m.sightsLost = counter("visitor", "sightings_lost_total", "Sightings that could not be sent to their lead; recovery finds them.")
	m.sightsFound = counter("recovery", "sightings_total", "Sightings handed to their leads again.")
	m.verdicts = vec("judge", "sightings_total", "verdict", "Sightings that were settled, by what the rules made of them.", names(delivery.Verdicts())...)
	m.announcements = vec("judge", "announcements_total", "type", "Announcements of identified visitors that were committed.",
		string(domain.VisitorIdentifiedEvent), string(domain.VisitorUpdatedEvent))
	m.withheld = vec("lead", "withheld_total", "rule", "Identified visitors who objected before they had a buyer, and were not routed, by rule.", rules()...)
	m.unjudgeable = counter("judge", "unjudgeable_total", "Sightings that no judgement could be made for; each is in the log.")
	m.lessons = vec("lead", "lessons_total", "outcome", "Contacts of CRM leads whose keys were to be learned.", "learned", "failed")
	m.guardErrors = counter("guard", "errors_total", "Times suppressions or links could not be read; what was known stays in force.")
	m.deliveries, m.replays = newDeliveryMetrics(reg), newReplayMetrics(reg)
	m.stats, m.budgets = newStatsMetrics(reg), newBudgetMetrics(reg)
	for _, verb := range []domain.Verb{domain.Assign, domain.Update, domain.Hold, domain.Ignore} {
		m.decisions.WithLabelValues(string(verb))
	}
	for _, where := range []whereabouts{ownedHere, ownedElsewhere, ownerAsked} {
		m.sessions.WithLabelValues(string(where))
	}
	m.recovered.WithLabelValues("false")
	m.recovered.WithLabelValues("true")
	if reg != nil {
		reg.MustRegister(m.decisions, m.retries, m.fenced, m.dropped, m.refused, m.hintsLost, m.published, m.unheard, m.leases, m.fills,
			m.recovered, m.found, m.watched, m.sessions, m.catchUps, m.resyncs, m.reading, m.readLimit, m.reattached, m.reattaching, m.reattachLimit,
			m.matched, m.suppressed, m.upgraded, m.visitsRefused, m.sightsLost, m.sightsFound, m.verdicts, m.announcements,
			m.unjudgeable, m.lessons, m.withheld, m.guardErrors)
	}
	return m
}

// whereabouts is where the owner of a watched feed is.
type whereabouts string

const (
	ownerAsked     whereabouts = "asked" // no lease now
	ownedHere      whereabouts = "here"
	ownedElsewhere whereabouts = "elsewhere"
)

// census is what a feed adds to the gauge of sessions.
type census struct {
	sessions int
	where    whereabouts
}

// resolved counts what became of a hit or a late answer.
func (m *Metrics) resolved(r visit.Resolved) {
	m.upgraded.Add(float64(r.Upgraded))
	switch {
	case r.Suppressed != "":
		m.suppressed.WithLabelValues(r.Suppressed).Inc()
	case r.Late:
		m.matched.WithLabelValues("late").Inc()
	default:
		m.matched.WithLabelValues(cmp.Or(string(r.Match.Level), "none")).Inc()
	}
}

func names[T ~string](values []T) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

// rules lists every name of a rule that identity.Suppressions.Check answers with.
func rules() []string {
	out := []string{"gpc"}
	for _, scope := range []domain.SuppressionScope{domain.GlobalScope, domain.AccountScope, domain.PixelScope} {
		for _, kind := range domain.SuppressionKinds() {
			out = append(out, string(scope)+":"+string(kind))
		}
	}
	return out
}
