package bench

// CrmFigures are the figures of scenario crm, in the order they are printed.
func CrmFigures() []Spec {
	specs := []Spec{
		{Name: "sent", Unit: Number, Help: "webhooks sent, warm-up included"},
		{Name: "acked", Unit: Number, Help: "of them answered 200"},
		{Name: "refused", Unit: Number, Help: "of them answered 429", Fault: true},
		{Name: "failed", Unit: Number, Help: "of them answered otherwise, or not at all", Fault: true},
		{Name: "rate.achieved", Unit: PerSecond, Help: "webhooks acked a second after the warm-up, until the last of them"},
	}
	specs = append(specs, latency("ack", "from when a webhook was due until its 200 was read")...)
	specs = append(specs, latency("sse", "from when a webhook was due until its lead was read from a buyer's stream")...)
	specs = append(specs, latency("received", "part of sse: from due until the edge's mark received_at")...)
	specs = append(specs, latency("committed", "part of sse: received_at until committed_at, the decision durable")...)
	specs = append(specs, latency("published", "part of sse: committed_at until published_at, handed to the streams")...)
	specs = append(specs, latency("client", "part of sse: published_at until read by the client")...)
	return append(specs,
		Spec{Name: "lost", Unit: Number, Help: "webhooks acked whose lead no stream has shown by the end", Fault: true},
		Spec{Name: "duplicates", Unit: Number, Help: "events shown a second time: a lead on two streams, or a number twice on one", Fault: true},
		Spec{Name: "gaps", Unit: Number, Help: "sequence numbers that streams skipped", Fault: true},
		Spec{Name: "unacked", Unit: Number, Help: "leads shown whose webhook was not acked: kept, but the answer came too late", Fault: true},
		Spec{Name: "resyncs", Unit: Number, Help: "times a stream was told to refetch", Fault: true},
		Spec{Name: "reconnects", Unit: Number, Help: "times a stream was cut and came back", Fault: true},
		Spec{Name: "connections", Unit: Number, Help: "most connections that were open for webhooks at once"},
		Spec{Name: "waited", Unit: Number, Help: "webhooks that waited because every allowed connection was taken", Fault: true},
		Spec{Name: "server.cpu_per_lead", Unit: Seconds, Help: "processor time of the server, kernel included, for one acked webhook, its streams included"},
		Spec{Name: "server.cpu", Unit: Fraction, Help: "of one core, used by the server after the warm-up"},
		Spec{Name: "server.rss", Unit: Bytes, Help: "memory of the server at the end of the load"},
		Spec{Name: "server.rss_peak", Unit: Bytes, Help: "the most it ever had"},
		Spec{Name: "store.round_trips_per_lead", Unit: Number, Help: "commits of the server's store for one acked webhook"},
		Spec{Name: "store.batch_ops_mean", Unit: Number, Help: "operations that shared one commit"},
		Spec{Name: "store.commit_mean", Unit: Seconds, Help: "time of one commit, from the batch taken to its answer"},
		Spec{Name: "harness.cpu_per_lead", Unit: Seconds, Help: "processor time of sender, signing and streams for one acked webhook"},
		Spec{Name: "others.cpu", Unit: Fraction, Help: "of one core, taken by everything else on this machine: PostgreSQL, neighbours, the hypervisor"},
		Spec{Name: "lateness.p50", Unit: Seconds, Help: "how late the harness noticed that a webhook was due; part of ack and sse"},
		Spec{Name: "lateness.p99", Unit: Seconds, Help: "likewise"},
		Spec{Name: "lateness.max", Unit: Seconds, Help: "likewise"},
	)
}

func latency(name, help string) []Spec {
	return []Spec{
		{Name: name + ".p50", Unit: Seconds, Help: help}, {Name: name + ".p95", Unit: Seconds, Help: help},
		{Name: name + ".p99", Unit: Seconds, Help: help}, {Name: name + ".max", Unit: Seconds, Help: help},
	}
}
