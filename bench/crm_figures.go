package bench

// CrmFigures are the figures of scenario crm, in the order they are printed.
func CrmFigures() []Spec {
	specs := []Spec{
		{"sent", Number, "webhooks sent, warm-up included"},
		{"acked", Number, "of them answered 200"},
		{"refused", Number, "of them answered 429"},
		{"failed", Number, "of them answered otherwise, or not at all"},
		{"rate.achieved", PerSecond, "webhooks acked a second after the warm-up, until the last of them"},
	}
	specs = append(specs, latency("ack", "from when a webhook was due until its 200 was read")...)
	specs = append(specs, latency("sse", "from when a webhook was due until its lead was read from a buyer's stream")...)
	specs = append(specs, latency("received", "part of sse: from due until the edge's mark received_at")...)
	specs = append(specs, latency("committed", "part of sse: received_at until committed_at, the decision durable")...)
	specs = append(specs, latency("published", "part of sse: committed_at until published_at, handed to the streams")...)
	specs = append(specs, latency("client", "part of sse: published_at until read by the client")...)
	return append(specs,
		Spec{"lost", Number, "webhooks acked whose lead no stream has shown by the end"},
		Spec{"duplicates", Number, "events shown a second time: a lead on two streams, or a number twice on one"},
		Spec{"gaps", Number, "sequence numbers that streams skipped"},
		Spec{"unacked", Number, "leads shown whose webhook was not acked: kept, but the answer came too late"},
		Spec{"resyncs", Number, "times a stream was told to refetch"},
		Spec{"reconnects", Number, "times a stream was cut and came back"},
		Spec{"connections", Number, "most connections that were open for webhooks at once"},
		Spec{"waited", Number, "webhooks that waited because every allowed connection was taken"},
		Spec{"server.cpu_per_lead", Seconds, "processor time of the server, kernel included, for one acked webhook, its streams included"},
		Spec{"server.cpu", Fraction, "of one core, used by the server after the warm-up"},
		Spec{"server.rss", Bytes, "memory of the server at the end of the load"},
		Spec{"server.rss_peak", Bytes, "the most it ever had"},
		Spec{"store.round_trips_per_lead", Number, "commits of the server's store for one acked webhook"},
		Spec{"store.batch_ops_mean", Number, "operations that shared one commit"},
		Spec{"harness.cpu_per_lead", Seconds, "processor time of sender, signing and streams for one acked webhook"},
		Spec{"lateness.p50", Seconds, "how late the harness noticed that a webhook was due; part of ack and sse"},
		Spec{"lateness.p99", Seconds, "likewise"},
		Spec{"lateness.max", Seconds, "likewise"},
	)
}

func latency(name, help string) []Spec {
	return []Spec{
		{name + ".p50", Seconds, help}, {name + ".p95", Seconds, help},
		{name + ".p99", Seconds, help}, {name + ".max", Seconds, help},
	}
}
