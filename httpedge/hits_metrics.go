package httpedge

import (
	"sync/atomic"

	"github.com/leadwire/leadwire/httpedge/pixel"
	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/prometheus/client_golang/prometheus"
)

// pixels is what the routes of pixels share.
type pixels struct {
	scripts  *pixel.Scripts
	rates    *pixel.Rates
	inFlight atomic.Int64 // requests whose hits wait for their commits
}

type pixelMetrics struct {
	requests *prometheus.CounterVec // by, outcome, reason
	items    *prometheus.CounterVec // outcome, reason
	scripts  *prometheus.CounterVec
	ack      prometheus.Histogram
	cut      prometheus.Counter
	weak     prometheus.Counter
}

func newPixelMetrics() *pixelMetrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "pixel", Name: name, Help: help}, labels)
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "pixel", Name: name, Help: help})
	}
	m := &pixelMetrics{
		requests: counters("requests_total", "Requests of pixels by the way they came, outcome and reason.", "by", "outcome", "reason"),
		items:    counters("items_total", "Hits by outcome and reason.", "outcome", "reason"),
		scripts:  counters("scripts_total", "Answers to GET /p.js.", "result"),
		ack: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "leadwire", Subsystem: "pixel", Name: "ack_seconds", Buckets: ackBuckets,
			Help: "From a request's headers to its 204 or its image, the commits included.",
		}),
		cut:  counter("cut_values_total", "Values of hits that were cut or left out; their evidence keeps them whole."),
		weak: counter("weak_ids_total", "Hits without an id of their sender."),
	}
	m.born()
	return m
}

func (m *pixelMetrics) born() {
	zero := func(by []string, o outcome, reasons ...string) {
		for _, way := range by {
			for _, reason := range reasons {
				m.requests.WithLabelValues(way, string(o), reason)
			}
		}
	}
	both, post, image := []string{byPost, byImage}, []string{byPost}, []string{byImage}
	zero(both, kept, "")
	zero(both, dropped, append(pixel.Drops(), reasonPaused)...)
	zero(both, refused, reasonPixel, reasonOrigin)
	zero(both, deferred, reasonDraining, reasonOverloaded, reasonQueue, string(pixel.PixelLimit), string(pixel.AddressLimit), reasonUnavailable, reasonInternal)
	zero(post, partial, "")
	zero(post, dropped, reasonForget)
	zero(post, refused, append(source.Rules(), string(bodyLarge), string(bodyAborted))...)
	zero(post, deferred, string(bodyNoRoom), string(bodySlow))
	zero(image, duplicate, "")
	zero(image, dropped, reasonHead, reasonPath, reasonConsent)
	zero(image, refused, reasonRejected)
	zero(image, deferred, reasonTimeout, reasonFenced)
	item := func(o outcome, reasons ...string) {
		for _, reason := range reasons {
			m.items.WithLabelValues(string(o), reason)
		}
	}
	item(kept, "")
	item(duplicate, "")
	item(dropped, reasonPath)
	item(refused, append(pixel.Rules(), reasonRejected)...)
	item(deferred, reasonUnavailable, reasonFenced, reasonTimeout, reasonInternal)
	for _, result := range []string{scriptServed, scriptUnchanged, scriptUnknown} {
		m.scripts.WithLabelValues(result)
	}
}

// collectors lists the metrics, with a gauge beside each limit.
func (m *pixelMetrics) collectors(s *Server) []prometheus.Collector {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: "pixel", Name: name, Help: help}, value)
	}
	return []prometheus.Collector{
		m.requests, m.items, m.scripts, m.ack, m.cut, m.weak,
		gauge("in_flight", "Requests of pixels whose hits wait for their commits.",
			func() float64 { return float64(s.pixels.inFlight.Load()) }),
		gauge("in_flight_max", "Limit of in_flight; beyond it requests are answered 429.",
			func() float64 { return float64(s.cfg.HitsInFlight) }),
		gauge("addresses", "Addresses whose rate is remembered.",
			func() float64 { return float64(s.pixels.rates.Addresses()) }),
		gauge("addresses_max", "Limit of addresses; beyond it those that were quiet longest are forgotten.",
			func() float64 { return float64(s.cfg.HitAddresses) }),
	}
}

// read counts what the reader found in a hit.
func (m *pixelMetrics) read(item *pixel.Item) {
	if item.Cut > 0 {
		m.cut.Add(float64(item.Cut))
	}
	if item.WeakID {
		m.weak.Inc()
	}
}
