package cluster

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// metrics are the cluster's series. A gauge of how full something is stands beside one of its limit.
type metrics struct {
	reg prometheus.Registerer

	asks           *prometheus.CounterVec
	askOutcome     map[domain.Code]prometheus.Counter
	askRetries     prometheus.Counter
	dropped        *prometheus.CounterVec
	rejects        *prometheus.CounterVec
	restarts       *prometheus.CounterVec
	panics         *prometheus.CounterVec
	stillborn      *prometheus.CounterVec
	passivated     *prometheus.CounterVec
	swept          prometheus.Counter
	cut            prometheus.Counter
	fenced         prometheus.Counter
	lapsed         prometheus.Counter
	ledgerFailures prometheus.Counter
	topologies     prometheus.Counter
}

type kindMetrics struct{ rejects, restarts, panics, stillborn, passivated prometheus.Counter }

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		reg:            reg,
		asks:           counters("asks_total", "Asks, by outcome: ok, or the code of the error.", "outcome"),
		askRetries:     counter("ask_retries_total", "Tries of an Ask after the first."),
		dropped:        counters("messages_dropped_total", "One-way messages that reached no actor, by reason.", "reason"),
		rejects:        counters("mailbox_rejects_total", "Messages turned away by a full mailbox, by kind.", "kind"),
		restarts:       counters("restarts_total", "Activations restarted after a panic, by kind.", "kind"),
		panics:         counters("panics_total", "Panics in an actor's code, by kind.", "kind"),
		stillborn:      counters("activation_panics_total", "Panics in a kind's New, by kind.", "kind"),
		passivated:     counters("passivations_total", "Activations that left memory because they were idle, by kind.", "kind"),
		swept:          counter("sweeps_total", "Partitions searched for idle activations."),
		cut:            counter("activations_cut_total", "Activations that did not stop in time when their partition moved."),
		fenced:         counter("partitions_fenced_total", "Partitions dropped because another node had claimed them."),
		lapsed:         counter("lease_lapses_total", "Times that our lease ran out and everything was dropped."),
		ledgerFailures: counter("ledger_failures_total", "Calls to the ledger that failed."),
		topologies:     counter("topologies_total", "Changes of the cluster's members."),
		askOutcome:     map[domain.Code]prometheus.Counter{},
	}
	for _, code := range []domain.Code{"", domain.Unavailable, domain.Internal, domain.Invalid} {
		label := string(code)
		if code == "" {
			label = "ok"
		}
		m.askOutcome[code] = m.asks.WithLabelValues(label)
	}
	for _, reason := range dropReasons {
		m.dropped.WithLabelValues(dropReason(reason))
	}
	return m
}

// forKind begins a kind's series at zero.
func (m *metrics) forKind(name string) kindMetrics {
	return kindMetrics{
		rejects: m.rejects.WithLabelValues(name), restarts: m.restarts.WithLabelValues(name),
		panics: m.panics.WithLabelValues(name), stillborn: m.stillborn.WithLabelValues(name),
		passivated: m.passivated.WithLabelValues(name),
	}
}

func (m *metrics) asked(err error) {
	c := m.askOutcome[domain.CodeOf(err)]
	if c == nil {
		c = m.askOutcome[domain.Internal]
	}
	c.Inc()
}

// register shows the series, and those that are read from the node when they are asked for.
func (m *metrics) register(n *Node) error {
	all := []prometheus.Collector{
		m.asks, m.askRetries, m.dropped, m.rejects, m.restarts, m.panics, m.stillborn, m.passivated,
		m.swept, m.cut, m.fenced, m.lapsed, m.ledgerFailures, m.topologies,
		gauge("asks_in_flight", "Asks waiting for their answer.", nil, func() float64 { return float64(n.asks.waiting.Load()) }),
		gauge("asks_in_flight_max", "Limit of asks_in_flight.", nil, func() float64 { return float64(n.cfg.AsksInFlight) }),
		gauge("peer_asks_in_flight", "Asks waiting for the answer of one peer, the most of all peers.", nil, func() float64 { asks, _ := n.roster.fullest(); return asks }),
		gauge("peer_asks_in_flight_max", "Limit of peer_asks_in_flight.", nil, func() float64 { return float64(n.cfg.PeerInFlight) }),
		gauge("peer_tells_unconfirmed", "One-way messages that one peer has not confirmed, the most of all peers.", nil, func() float64 { _, tells := n.roster.fullest(); return tells }),
		gauge("peer_tells_unconfirmed_max", "Limit of peer_tells_unconfirmed.", nil, func() float64 { return float64(n.cfg.TellWindow) }),
		gauge("messages_pending", "Messages in mailboxes, posted and not yet handled.", nil, func() float64 { return float64(n.Pending()) }),
		gauge("lease_seconds_left", "How long this node may still act without hearing from the ledger.", nil, func() float64 { return n.keeper.lease.left().Seconds() }),
		gauge("lease_seconds_max", "Limit of lease_seconds_left: the length of a lease.", nil, func() float64 { return n.cfg.Lease.Seconds() }),
		gauge("outvoted", "1 while this node stands down because more of the living do not see it.", nil, func() float64 { return truth(n.keeper.lease.standsDown()) }),
		gauge("certificate_left_seconds", "How long this node's certificate for the other nodes is good for; +Inf without one.", nil,
			func() float64 { return certificateLeft(n.cfg.ServerTLS, n.deps.Clock.Now()) }),
		gauge("members", "Nodes that this one sees, itself included, whether they take part in partitions or not.", nil, func() float64 { return float64(len(n.router.table.Load().known)) }),
	}
	for s := range states {
		all = append(all, gauge("partitions", "Partitions, by their state on this node.",
			prometheus.Labels{"state": s.String()}, func() float64 { return float64(n.router.count(s)) }))
	}
	for _, k := range n.router.byName {
		labels := prometheus.Labels{"kind": k.Name}
		all = append(all,
			gauge("activations", "Activations in memory, by kind.", labels, func() float64 { return float64(k.live.Load()) }),
			gauge("mailbox_max", "Limit of one activation's mailbox, by kind.", labels, func() float64 { return float64(k.limit) }))
	}
	return m.show(n, all)
}

// show registers series until the node stops.
func (m *metrics) show(n *Node, all []prometheus.Collector) error {
	if m.reg == nil {
		return nil
	}
	for i, c := range all {
		if err := m.reg.Register(c); err != nil {
			m.unregister(all[:i])
			return domain.Fail("register cluster metrics", domain.Internal, err)
		}
	}
	n.onStop = append(n.onStop, func() { m.unregister(all) })
	return nil
}

// collectors are the series of gossip over TLS.
func (w *wire) collectors() (all []prometheus.Collector) {
	count := func(read func() int) func() float64 {
		return func() float64 {
			w.mu.Lock()
			defer w.mu.Unlock()
			return float64(read())
		}
	}
	fullest := func() (most int) {
		for _, l := range w.links {
			most = max(most, len(l.queue))
		}
		return most
	}
	all = append(all,
		gauge("gossip_links", "Nodes that gossip over TLS is sent to.", nil, count(func() int { return len(w.links) })),
		gauge("gossip_links_max", "Limit of gossip_links.", nil, func() float64 { return float64(w.limits.links) }),
		gauge("gossip_handshakes", "Connections to the port of gossip over TLS that have yet to prove to be a node's.", nil, count(func() int { return len(w.greeting) })),
		gauge("gossip_handshakes_max", "Limit of gossip_handshakes.", nil, func() float64 { return float64(w.limits.greeting) }),
		gauge("gossip_inbound", "Connections of nodes that came in for gossip over TLS.", nil, count(func() int { return len(w.coming) })),
		gauge("gossip_inbound_max", "Limit of gossip_inbound.", nil, func() float64 { return float64(w.limits.coming) }),
		gauge("gossip_queue", "Packets that wait to be sent to one node over TLS, the most of all nodes.", nil, count(fullest)),
		gauge("gossip_queue_max", "Limit of gossip_queue.", nil, func() float64 { return float64(w.limits.queue) }))
	for _, why := range wireDrops {
		all = append(all, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "leadwire", Subsystem: "cluster", Name: "gossip_dropped_total", ConstLabels: prometheus.Labels{"reason": string(why)},
			Help: "Packets and connections of gossip over TLS that were given up, by reason.",
		}, func() float64 { return float64(w.dropped[why].Load()) }))
	}
	return all
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func (m *metrics) unregister(all []prometheus.Collector) {
	for _, c := range all {
		m.reg.Unregister(c)
	}
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "cluster", Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "cluster", Name: name, Help: help}, labels)
}

func gauge(name, help string, labels prometheus.Labels, read func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "leadwire", Subsystem: "cluster", Name: name, Help: help, ConstLabels: labels,
	}, read)
}
