package bench

import (
	"slices"
	"strings"
)

// FailoverFigures are the figures of scenario failover with these parts, in the order they are printed.
func FailoverFigures(parts []string) []Spec {
	if len(parts) == 0 {
		parts = FailoverParts()
	}
	var specs []Spec
	has := func(part string) bool { return slices.Contains(parts, part) }
	if has(partKills) {
		specs = append(specs, killFigures()...)
	}
	if has(partRolling) {
		specs = append(specs, rollingFigures()...)
	}
	if has(partKills) || has(partRolling) {
		specs = append(specs, fleetFigures()...)
	}
	if has(partJoin) {
		specs = append(specs,
			Spec{Name: "join.moved_share", Unit: Fraction, Help: "partitions that have another owner after one more node has joined; the median of the joins"},
			Spec{Name: "join.moved_ratio", Unit: Number, Help: "join.moved_share, times the nodes there are then: 1 when it took exactly its share"},
			Spec{Name: "join.moved_ratio_max", Unit: Number, Help: "likewise of the join that moved the most", Fault: true},
			Spec{Name: "join.strayed", Unit: Number, Help: "partitions that a join moved between nodes that were there before", Fault: true},
		)
	}
	if has(partCost) {
		specs = append(specs,
			Spec{Name: "single.throughput", Unit: PerSecond, Help: "webhooks that one node without --join acks a second when there are always more; the median of the rounds"},
			Spec{Name: "clustered.throughput", Unit: PerSecond, Help: "likewise of a node that joins itself, with encrypted gossip"},
			Spec{Name: "cluster.cost", Unit: Fraction, Help: "1 - clustered / single, of each pair of rounds; the median of the pairs, and below 0 when the machine moved more than it costs"},
		)
	}
	return specs
}

func killFigures() []Spec {
	specs := []Spec{
		{Name: "kills", Unit: Number, Help: "nodes killed, by kill -9"},
		{Name: "moved", Unit: Number, Help: "actors that moved by them and were asked: the lead acked last of each partition that moved, and buyers whose stream is open on another node"},
		{Name: "stuck", Unit: Number, Help: "of them those that had not answered a minute after the kill", Fault: true},
	}
	specs = append(specs,
		Spec{Name: "recovery.p50", Unit: Seconds, Help: "from a kill until the last of the actors that moved by it has answered; the median of the kills"},
		Spec{Name: "recovery.max", Unit: Seconds, Help: "likewise, of the kill that took the longest", Fault: true},
	)
	specs = append(specs, latency("recovery.leads", "from a kill until an update of a lead that moved was acked")...)
	return append(specs, latency("recovery.buyers", "from a kill until the stream of a buyer that moved has shown a lead whose webhook was due after it")...)
}

func rollingFigures() []Spec {
	specs := []Spec{
		{Name: "rolling.seconds", Unit: Seconds, Help: "from the stop of the first node until the cluster was whole after the start of the last"},
		{Name: "rolling.failed", Unit: Number, Help: "webhooks due meanwhile that were not acked within 30s, however often they were sent", Fault: true},
		{Name: "rolling.retried", Unit: Number, Help: "webhooks due meanwhile that were acked, and not at the first try"},
	}
	specs = append(specs, latency("rolling.ack", "from when a webhook was due meanwhile until it was acked, however often it was sent")...)
	specs = append(specs, latency("calm.sse", "from when a webhook was due until its lead was read from a stream that was open all the while, before the restart")...)
	specs = append(specs, latency("rolling.sse", "likewise during it")...)
	specs = append(specs, latency("rolling.sse_all", "likewise of all streams, those included that were closed with their node and came back")...)
	return append(specs,
		Spec{Name: "rolling.p95_ratio", Unit: Number, Help: "rolling.sse.p95 / calm.sse.p95"},
		Spec{Name: "rolling.p95_ratio_all", Unit: Number, Help: "likewise of all streams: the pause that a node asks its pages for at goodbye is in it"},
	)
}

func fleetFigures() []Spec {
	return []Spec{
		{Name: "sent", Unit: Number, Help: "webhooks sent, warm-up included, each counted once"},
		{Name: "acked", Unit: Number, Help: "of them answered 200"},
		{Name: "failed", Unit: Number, Help: "of them not acked within 30s, however often they were sent", Fault: true},
		{Name: "retried", Unit: Number, Help: "of them acked, and not at the first try"},
		{Name: "refused", Unit: Number, Help: "answers 429", Fault: true},
		{Name: "waited", Unit: Number, Help: "times that a webhook found every allowed connection to a node taken", Fault: true},
		{Name: "lost", Unit: Number, Help: "leads and updates that were acked and that the buyers' API does not have at the end", Fault: true},
		{Name: "doubled", Unit: Number, Help: "leads that two buyers have at the end", Fault: true},
		{Name: "unseen", Unit: Number, Help: "leads acked that no stream has shown by the end", Fault: true},
		{Name: "duplicates", Unit: Number, Help: "events shown a second time: a lead on two streams, or a number twice on one", Fault: true},
		{Name: "gaps", Unit: Number, Help: "sequence numbers that streams skipped", Fault: true},
		{Name: "resyncs", Unit: Number, Help: "times a stream was told to refetch", Fault: true},
		{Name: "reconnects", Unit: Number, Help: "times a stream was cut and came back"},
		{Name: "lateness.p50", Unit: Seconds, Help: "how late the harness noticed that a webhook was due; part of ack and sse"},
		{Name: "lateness.p99", Unit: Seconds, Help: "likewise"},
		{Name: "lateness.max", Unit: Seconds, Help: "likewise"},
	}
}

func (r *failoverRun) tell() {
	c := r.cfg
	r.report.tell("nodes", "%d", c.Nodes)
	r.report.tell("parts", "%s", strings.Join(c.Parts, ", "))
	r.report.tell("rate", "%g/s, each webhook of another lead", c.Rate)
	r.report.tell("buyers", "%d, each with a stream", c.Buyers)
	r.report.tell("seed", "%d", c.Seed)
	tellStore(r.report, c.Server)
	r.report.note("nodes, PostgreSQL, sender and streams share this machine: compare figures of one run with one another")
	r.report.note("a webhook that is not acked is sent again with its event id, to the next node at once, and after %s once all have been tried", againAfter)
}

// tellLoad reports what the load knows of itself.
func (r *failoverRun) tellLoad() {
	l := r.load
	var failed, retried int64
	for _, p := range l.phases {
		failed, retried = failed+p.failed, retried+p.retried
	}
	for name, v := range map[string]int64{
		"sent": l.next, "acked": l.ledger.acked, "failed": failed, "retried": retried, "refused": l.refused, "waited": l.waited,
		"unseen": l.ledger.lost(), "duplicates": l.ledger.duplicates, "gaps": l.ledger.gaps, "resyncs": l.resyncs, "reconnects": l.streams.reconnects,
	} {
		r.report.set(name, float64(v))
	}
	tellLateness(r.report, l.late)
	r.tellRolling()
}
