package outbound

import (
	"fmt"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

const namespace, subsystem = "leadwire", "outbound"

// succeeded is the outcome of an attempt without an error.
const succeeded = "ok"

// classes are those that a Sender answers with.
var classes = []domain.ErrorClass{
	domain.ErrorStatus, domain.ErrorRedirect, domain.ErrorDNS, domain.ErrorAddress, domain.ErrorConnect, domain.ErrorTLS, domain.ErrorTimeout, domain.ErrorCut,
	domain.ErrorProtocol, domain.ErrorURL, domain.ErrorSecret, domain.ErrorStopped,
}

// buckets reach from a neighbour's answer to the longest timeout.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60}

type metrics struct {
	attempts *prometheus.CounterVec   // outcome
	phases   *prometheus.HistogramVec // phase
	given    *prometheus.CounterVec   // connection: new, reused
	refused  *prometheus.CounterVec   // rule
	resent   prometheus.Counter
	inFlight prometheus.Gauge
	open     prometheus.Gauge
}

func newMetrics(to prometheus.Registerer, c Config) (*metrics, error) {
	counters := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
	}
	m := &metrics{
		attempts: counters("attempts_total", "Requests to endpoints by outcome: ok, or the class of their error.", "outcome"),
		phases: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "phase_seconds", Buckets: buckets,
			Help: "Parts of requests to endpoints; slot is the wait for a connection, total the whole.",
		}, []string{"phase"}),
		given:   counters("connections_total", "Connections that requests were given: dialled for them, or used before.", "connection"),
		refused: counters("refused_total", "Addresses and URLs that were not sent to, by rule.", "rule"),
		resent: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "resent_total",
			Help: "Requests that were sent once more at once, because a reused connection was closing.",
		}),
		inFlight: gauge("in_flight", "Requests to endpoints that are under way."),
		open:     gauge("connections_open", "Connections to endpoints, idle ones included."),
	}
	limit := gauge("connections_per_host_limit", "The most connections to one host and port.")
	limit.Set(float64(c.PerHost))
	private := gauge("allow_private", "1: private addresses are sent to, which is for development only.")
	if c.AllowPrivate {
		private.Set(1)
	}
	m.born()
	for _, collector := range []prometheus.Collector{m.attempts, m.phases, m.given, m.refused, m.resent, m.inFlight, m.open, limit, private} {
		if err := to.Register(collector); err != nil {
			return nil, fmt.Errorf("register outbound metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) born() {
	m.attempts.WithLabelValues(succeeded)
	for _, class := range classes {
		m.attempts.WithLabelValues(string(class))
	}
	for _, phase := range []string{"slot", "dns", "connect", "tls", "first", "body", "total"} {
		m.phases.WithLabelValues(phase)
	}
	m.given.WithLabelValues("new")
	m.given.WithLabelValues("reused")
	for _, rule := range append([]Rule{RuleURL}, addressRules...) {
		m.refused.WithLabelValues(string(rule))
	}
}

// connected counts what an attempt needed to get to its host. Phases that did not happen are not counted.
func (m *metrics) connected(r record) {
	if r.conns > 0 {
		given := "new"
		if r.reused {
			given = "reused"
		}
		m.given.WithLabelValues(given).Inc()
	}
	if r.conns > 1 {
		m.resent.Add(float64(r.conns - 1))
	}
	m.observe("slot", r.slot)
}

func (m *metrics) ended(sent domain.Sent) {
	outcome := succeeded
	if sent.Error != "" {
		outcome = string(sent.Error)
	}
	m.attempts.WithLabelValues(outcome).Inc()
	m.observe("dns", sent.Phases.DNS)
	m.observe("connect", sent.Phases.Connect)
	m.observe("tls", sent.Phases.TLS)
	m.observe("first", sent.Phases.First)
	m.observe("body", sent.Phases.Body)
	m.observe("total", sent.Phases.Total)
}

func (m *metrics) observe(phase string, d time.Duration) {
	if d > 0 {
		m.phases.WithLabelValues(phase).Observe(d.Seconds())
	}
}

func (m *metrics) opened(conn net.Conn) net.Conn {
	m.open.Inc()
	return &counted{Conn: conn, open: m.open}
}

// Outcomes of a fetch of a token, beside succeeded.
const (
	fetchRefused = "refused" // the server answered, and not with a token
	fetchFailed  = "failed"  // it did not answer, or may not be sent to
	fetchStopped = "stopped" // by us
)

type tokenMetrics struct {
	fetches *prometheus.CounterVec // outcome
}

func newTokenMetrics(to prometheus.Registerer, kept func() float64) (*tokenMetrics, error) {
	m := &tokenMetrics{fetches: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: subsystem, Name: "token_fetches_total", Help: "Requests for OAuth2 tokens, by outcome.",
	}, []string{"outcome"})}
	for _, outcome := range []string{succeeded, fetchRefused, fetchFailed, fetchStopped} {
		m.fetches.WithLabelValues(outcome)
	}
	have := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "tokens", Help: "OAuth2 tokens that are kept."}, kept)
	most := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "tokens_limit", Help: "The most OAuth2 tokens that are kept."})
	most.Set(maxTokens)
	for _, collector := range []prometheus.Collector{m.fetches, have, most} {
		if err := to.Register(collector); err != nil {
			return nil, fmt.Errorf("register token metrics: %w", err)
		}
	}
	return m, nil
}
