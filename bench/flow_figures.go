package bench

// flowFigures are what every such run says of its load.
func flowFigures() []Spec {
	specs := []Spec{
		{Name: "sent", Unit: Number, Help: "page views sent, warm-up included, each of another visitor"},
		{Name: "acked", Unit: Number, Help: "of them answered 204: durable and matched"},
		{Name: "refused", Unit: Number, Help: "of them answered 429"},
		{Name: "failed", Unit: Number, Help: "of them answered otherwise, or not at all", Fault: true},
	}
	return append(specs, latency("ack", "from when a page view was due until its 204 was read")...)
}

// proofFigures are what is proven of the deliveries.
func proofFigures() []Spec {
	return []Spec{
		{Name: "deliveries", Unit: Number, Help: "events that came to their endpoint"},
		{Name: "deliveries.repeated", Unit: Number, Help: "events that came to their endpoint again", Fault: true},
		{Name: "deliveries.strayed", Unit: Number, Help: "events that came to an endpoint that was not owed them", Fault: true},
		{Name: "deliveries.forged", Unit: Number, Help: "requests to an endpoint whose signature is wrong", Fault: true},
		{Name: "connections", Unit: Number, Help: "most connections that were open at once"},
		{Name: "waited", Unit: Number, Help: "requests that waited because every allowed connection was taken", Fault: true},
		roundTripsPerDelivered(),
	}
}

func (f *flow) tellLoad(r *Report, receivers *receivers) {
	r.set("sent", float64(f.sent-f.unsent))
	r.set("acked", float64(f.counts[wasAcked]))
	r.set("refused", float64(f.counts[wasRefused]))
	r.set("failed", float64(f.counts[wasFailed]))
	r.setLatency("ack", f.acks(span{f.planned.warm, f.planned.stairs.end()}).all)
	var came int64
	for i := range f.arrived {
		came += f.arrived[i].Load()
	}
	r.set("deliveries", float64(came))
	r.set("deliveries.repeated", float64(f.repeated.Load()))
	r.set("deliveries.strayed", float64(f.strayed.Load()))
	r.set("deliveries.forged", float64(receivers.forged.Load()))
	f.tell(r)
}
