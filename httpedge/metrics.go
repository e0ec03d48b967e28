package httpedge

import (
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/leadwire/leadwire/httpedge/token"
	"github.com/prometheus/client_golang/prometheus"
)

// Why a request could not be read at all.
const (
	brokenMalformed = "malformed"
	brokenHeaders   = "headers_too_large"
	brokenSlow      = "slow"
)

// What happened for want of connections.
const (
	crowdedUnkept = "not_kept" // a connection was closed after its answer
	crowdedWaited = "waited"   // accepting stopped until another connection closed
)

// noRoute is the label of requests that no route takes.
const noRoute = "none"

type metrics struct {
	requests      *prometheus.CounterVec // source, scheme, outcome, reason
	ack           *prometheus.HistogramVec
	age           *prometheus.HistogramVec
	cut           *prometheus.CounterVec
	weak          *prometheus.CounterVec
	unknownSource prometheus.Counter

	responses    *prometheus.CounterVec // route, class
	broken       *prometheus.CounterVec
	panics       prometheus.Counter
	unauthorized *prometheus.CounterVec
	seen         *prometheus.CounterVec
	crowded      *prometheus.CounterVec

	pixel *pixelMetrics
}

// A webhook is acked within 50 ms, or something is wrong; the upper buckets say how wrong, up to
// Config.IngestTimeout.
var ackBuckets = []float64{.0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// An event is seconds old when it is sent, and up to two hours when it is a retry.
var ageBuckets = []float64{.1, .5, 1, 5, 30, 60, 600, 1800, 3600, 7200, 86400}

func newMetrics(reg prometheus.Registerer, s *Server) (*metrics, error) {
	counters := func(subsystem, name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "leadwire", Subsystem: subsystem, Name: name, Help: help,
		}, labels)
	}
	seconds := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "leadwire", Subsystem: "ingest", Name: name, Help: help, Buckets: buckets,
		}, []string{"source"})
	}
	one := func(subsystem, name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "leadwire", Subsystem: subsystem, Name: name, Help: help,
		})
	}
	m := &metrics{
		requests: counters("ingest", "requests_total",
			"Inbound webhooks by source, signature scheme, outcome and reason.", "source", "scheme", "outcome", "reason"),
		ack: seconds("ack_seconds", "From a webhook's headers to its 200, the commit included.", ackBuckets),
		age: seconds("event_age_seconds", "How long before its arrival an event happened, by the sender's clock.", ageBuckets),
		cut: counters("ingest", "cut_values_total",
			"Values of contacts that were cut or left out; bodies keep them whole.", "source"),
		weak:          counters("ingest", "weak_ids_total", "Events without an id of their source.", "source"),
		unknownSource: one("ingest", "unknown_source_total", "Webhooks to a source that is not configured."),
		responses:     counters("http", "responses_total", "Responses by route and class of status.", "route", "class"),
		broken:        counters("http", "broken_requests_total", "What arrived and could not be read as a request.", "reason"),
		panics:        one("http", "panics_total", "Handlers that panicked."),
		unauthorized:  counters("buyer", "unauthorized_total", "Requests without a good buyer's token, by reason.", "reason"),
		seen:          counters("buyer", "seen_total", "Reports of rows seen: new ones, and repeats of known ones.", "result"),
		crowded: counters("http", "crowded_total",
			"Connections not kept alive because few were left, and times that accepting waited for one.", "result"),
	}
	m.pixel = newPixelMetrics()
	m.born(s.routes())
	return m, m.register(reg, s)
}

func (m *metrics) born(routes []route) {
	for _, one := range append(routes, route{name: noRoute}) {
		for _, class := range classes {
			m.responses.WithLabelValues(one.name, class)
		}
	}
	for _, result := range []string{crowdedUnkept, crowdedWaited} {
		m.crowded.WithLabelValues(result)
	}
	for _, reason := range []string{brokenMalformed, brokenHeaders, brokenSlow} {
		m.broken.WithLabelValues(reason)
	}
	for _, reason := range token.Reasons() {
		m.unauthorized.WithLabelValues(string(reason))
	}
	for _, result := range []string{seenNew, seenRepeat} {
		m.seen.WithLabelValues(result)
	}
}

func (m *metrics) register(reg prometheus.Registerer, s *Server) error {
	if reg == nil {
		return nil
	}
	gauge := func(subsystem, name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "leadwire", Subsystem: subsystem, Name: name, Help: help,
		}, value)
	}
	for _, c := range append(m.pixel.collectors(s),
		m.requests, m.ack, m.age, m.cut, m.weak, m.unknownSource,
		m.responses, m.broken, m.panics, m.unauthorized, m.seen, m.crowded,
		gauge("ingest", "in_flight", "Webhooks waiting for their commit.",
			func() float64 { return float64(s.inFlight.Load()) }),
		gauge("ingest", "in_flight_max", "Limit of in_flight; beyond it webhooks are answered 429.",
			func() float64 { return float64(s.cfg.InFlight) }),
		gauge("ingest", "queue_seconds", "How long what comes now would wait for its commit, about.",
			func() float64 { return s.deps.Reader.QueueWait().Seconds() }),
		gauge("ingest", "queue_seconds_max", "Limit of queue_seconds; beyond it webhooks and requests of pixels are answered 429.",
			func() float64 { return s.cfg.queueMost().Seconds() }),
		gauge("ingest", "verifying", "Webhooks whose signature is being checked.",
			func() float64 { return float64(len(s.verifying)) }),
		gauge("ingest", "verifying_max", "Limit of verifying; beyond it webhooks wait their turn.",
			func() float64 { return float64(cap(s.verifying)) }),
		gauge("ingest", "body_bytes", "Bytes of webhook bodies held.",
			func() float64 { return float64(s.bodyBytes.Load()) }),
		gauge("ingest", "body_bytes_max", "Limit of body_bytes; beyond it webhooks are answered 429.",
			func() float64 { return float64(s.cfg.BodyBytes) }),
		gauge("http", "open_connections", "Open connections, streams not included.",
			func() float64 { return float64(s.conns.count()) }),
		gauge("http", "open_connections_max", "Limit of open_connections; beyond it they wait to be accepted.",
			func() float64 { return float64(s.cfg.Connections) }),
	) {
		if err := reg.Register(c); err != nil {
			return fmt.Errorf("register the edge's metrics: %w", err)
		}
	}
	return nil
}

// source brings a source's series into being, so that "every signature fails" never looks like "no
// traffic".
func (m *metrics) source(in inbound) {
	label := in.label
	m.ack.WithLabelValues(label)
	m.age.WithLabelValues(label)
	m.cut.WithLabelValues(label)
	m.weak.WithLabelValues(label)
	zero := func(scheme signature.Scheme, o outcome, reasons ...string) {
		for _, reason := range reasons {
			m.requests.WithLabelValues(label, string(scheme), string(o), reason)
		}
	}
	zero(signature.None, unverified, string(signature.Missing), string(signature.Malformed))
	zero(signature.None, refused, string(bodyLarge), string(bodyAborted))
	zero(signature.None, deferred, reasonDraining, reasonOverloaded, reasonQueue, reasonMisconfigured, string(bodyNoRoom), string(bodySlow))
	if in.Inbound == nil {
		return
	}
	for _, scheme := range in.Schemes() {
		if scheme == signature.None {
			continue
		}
		zero(scheme, kept, "")
		zero(scheme, duplicate, "")
		zero(scheme, unverified, string(signature.Mismatch), string(signature.Disabled))
		zero(scheme, refused, source.Rules()...)
		zero(scheme, refused, reasonTenant, reasonRejected)
		zero(scheme, deferred, reasonUnavailable, reasonFenced, reasonTimeout, reasonInternal)
	}
}

// kept observes an event that was kept or known.
func (m *metrics) kept(label string, d source.Draft, received time.Time) {
	if d.Cut > 0 {
		m.cut.WithLabelValues(label).Add(float64(d.Cut))
	}
	if d.WeakID {
		m.weak.WithLabelValues(label).Inc()
	}
	if !d.OccurredAt.IsZero() {
		m.age.WithLabelValues(label).Observe(max(0, received.Sub(d.OccurredAt).Seconds()))
	}
}

// response counts an answer; a stream counts when it is taken over.
func (m *metrics) response(route string, status int) {
	m.responses.WithLabelValues(route, class(status)).Inc()
}

var classes = [...]string{"2xx", "3xx", "4xx", "5xx", "other"}

func class(status int) string {
	if status < 200 || status > 599 {
		return "other"
	}
	return classes[status/100-2]
}
