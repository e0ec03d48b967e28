package sse

import (
	"errors"
	"os"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// reason is why a stream ended.
type reason string

const (
	byClient   reason = "client"   // it left, or its network did
	bySlow     reason = "slow"     // it did not read; it resumes from where it got to
	byDrain    reason = "drain"    // this node is being replaced
	byAge      reason = "age"      // it has to authenticate anew
	byShutdown reason = "shutdown" // this node stopped
	byFault    reason = "error"    // the connection could not be set up
)

// refusal is why a stream was not opened.
type refusal string

const (
	atBuyer       refusal = "buyer_limit"
	atNode        refusal = "node_limit"
	whileDraining refusal = "draining"
)

// reasonOf tells a client that did not read in time from one that left.
func reasonOf(err error) reason {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return bySlow
	}
	return byClient
}

type metrics struct {
	pending    atomic.Int64
	open       atomic.Int64
	opened     prometheus.Counter
	closed     *prometheus.CounterVec
	refused    *prometheus.CounterVec
	events     prometheus.Counter
	heartbeats prometheus.Counter
	resyncs    prometheus.Counter
	hints      prometheus.Counter
}

func newMetrics(c Config, to prometheus.Registerer) (*metrics, error) {
	m := &metrics{}
	m.opened = counter("opened_total", "Event streams opened.")
	m.events = counter("events_written_total", "Feed events written to streams, once per stream.")
	m.heartbeats = counter("heartbeats_total", "Heartbeats written to streams.")
	m.resyncs = counter("resyncs_total", "Streams told to refetch by the pull API.")
	m.hints = counter("owner_hints_total", "Streams told that their buyer lives on another node now.")
	m.closed = counters("closed_total", "Event streams ended, by reason.", "reason")
	for _, r := range []reason{byClient, bySlow, byDrain, byAge, byShutdown, byFault} {
		m.closed.WithLabelValues(string(r))
	}
	m.refused = counters("refused_total", "Event streams refused, by reason.", "reason")
	for _, r := range []refusal{atBuyer, atNode, whileDraining} {
		m.refused.WithLabelValues(string(r))
	}
	if to == nil {
		return m, nil
	}
	for _, one := range []prometheus.Collector{
		m.opened, m.closed, m.refused, m.events, m.heartbeats, m.resyncs, m.hints,
		gauge("streams", "Event streams open now.", func() float64 { return float64(m.open.Load()) }),
		gauge("streams_limit", "Most event streams of this node.", fixed(c.PerNode)),
		gauge("streams_per_buyer_limit", "Most event streams of one buyer on this node.", fixed(c.PerBuyer)),
		gauge("pending_bytes", "Bytes that streams' sockets have not taken yet.", func() float64 { return float64(m.pending.Load()) }),
		gauge("pending_bytes_limit", "Pending bytes up to which streams may have more than their own limit.", fixed(c.PendingTotal)),
		gauge("pending_bytes_per_stream_limit", "Pending bytes at which a stream is dropped when the node is at its limit.", fixed(c.MaxPending)),
		gauge("pending_bytes_per_stream_burst_limit", "Pending bytes at which a stream is dropped in any case.", fixed(c.MaxBurst)),
	} {
		if err := to.Register(one); err != nil {
			return nil, domain.Fail("register sse metrics", domain.Internal, err)
		}
	}
	return m, nil
}

func (m *metrics) pendingBytes(n int) { m.pending.Add(int64(n)) }

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "sse", Name: name, Help: help})
}

func counters(name, help, label string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "sse", Name: name, Help: help}, []string{label})
}

func gauge(name, help string, value func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: "sse", Name: name, Help: help}, value)
}

func fixed(n int) func() float64 { return func() float64 { return float64(n) } }
