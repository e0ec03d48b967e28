package bench

// collectorFigures are of the server's garbage collector.
func collectorFigures() []Spec {
	return []Spec{
		{Name: "server.gc_cycles", Unit: Number, Help: "garbage collections of the server after the warm-up"},
		{Name: "server.gc_pause.mean", Unit: Seconds, Help: "time for which one of them stopped everything"},
		{Name: "server.gc_pause.p50", Unit: Seconds, Help: "likewise, of the server's last 256 collections"},
		{Name: "server.gc_pause.max", Unit: Seconds, Help: "likewise, the longest"},
		{Name: "server.heap_objects", Unit: Number, Help: "objects on the server's heap at the end of the load: what a collection looks at"},
	}
}

// tellCollector fills them in from the server's own /metrics.
func tellCollector(r *Report, before, after snapshot) {
	const pause = "go_gc_duration_seconds"
	if before.metrics == nil || after.metrics == nil {
		return
	}
	cycles := after.metrics[pause+"_count"] - before.metrics[pause+"_count"]
	r.set("server.gc_cycles", cycles)
	if cycles > 0 {
		r.set("server.gc_pause.mean", (after.metrics[pause+"_sum"]-before.metrics[pause+"_sum"])/cycles)
	}
	for figure, name := range map[string]string{
		"server.gc_pause.p50": pause + `{quantile="0.5"}`,
		"server.gc_pause.max": pause + `{quantile="1"}`,
		"server.heap_objects": "go_memstats_heap_objects",
	} {
		if v, there := after.metrics[name]; there {
			r.set(figure, v)
		}
	}
}
