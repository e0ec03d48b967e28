package bench

import (
	"context"
	"strconv"
	"sync"
	"time"
)

// mail is what has come to the endpoints of a pixel run, where visitors come back, and an event may be about several hits
// that were gathered: so each is known by its id.
type mail struct {
	mu       sync.Mutex
	arrivals []arrival
	known    map[string]bool // endpoint and webhook-id of what has come
	repeated int
}

// arrival is an event that has come to an endpoint for the first time.
type arrival struct {
	event int64 // number of the hit that it is about; negative: it names none of this run
	first bool  // a first match; else an update
	at    time.Time
}

func newMail() *mail { return &mail{known: map[string]bool{}} }

func (m *mail) note(d delivery) {
	key := strconv.Itoa(d.to) + " " + d.id
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known[key] {
		m.repeated++
		return
	}
	m.known[key] = true
	m.arrivals = append(m.arrivals, arrival{d.hit, d.first, d.at})
}

// await waits until so many have come, or for so long.
func (m *mail) await(ctx context.Context, want int, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		m.mu.Lock()
		got := len(m.arrivals)
		m.mu.Unlock()
		if got >= want || time.Now().After(deadline) {
			return nil
		}
		if err := until(ctx, time.Now().Add(awaitLook)); err != nil {
			return err
		}
	}
}

// awaitLook is how often somebody who waits for deliveries looks whether all have come.
const awaitLook = 50 * time.Millisecond

// roundTripsPerDelivered is what the store pays for an event on its whole way.
func roundTripsPerDelivered() Spec {
	return Spec{Name: "store.round_trips_per_delivered", Unit: Number, Help: "commits of the server's store for one event that came to an endpoint, from its acceptance to its receipt"}
}

// deliveryFigures are what a run with endpoints also says.
func deliveryFigures() []Spec {
	specs := []Spec{
		{Name: "deliveries", Unit: Number, Help: "events that came to an endpoint, each counted once per endpoint"},
		{Name: "deliveries.lost", Unit: Number, Help: "announced events that an endpoint was owed and that did not come by the end", Fault: true},
		{Name: "deliveries.repeated", Unit: Number, Help: "events that came to an endpoint again", Fault: true},
		{Name: "deliveries.forged", Unit: Number, Help: "requests to an endpoint whose signature is wrong", Fault: true},
		{Name: "deliveries.rate", Unit: PerSecond, Help: "events delivered a second, from the first of the measured part to the last"},
		roundTripsPerDelivered(),
	}
	return append(specs, latency("delivered", "from when the page view of a first match was due until an endpoint had read its event")...)
}

// tell reports what came. owed is how many were announced, times the endpoints.
func (m *mail) tell(report *Report, owed int, l *pixelLoad) {
	m.mu.Lock()
	defer m.mu.Unlock()
	took := NewRecorder()
	var first, last time.Time
	timed := 0
	for _, a := range m.arrivals {
		request := a.event / int64(l.cfg.Batch)
		if a.event < 0 || request < l.plan.warm || request >= l.sent {
			continue
		}
		timed++
		if a.first {
			took.Record(a.at.Sub(l.due(request)))
		}
		if first.IsZero() || a.at.Before(first) {
			first = a.at
		}
		if a.at.After(last) {
			last = a.at
		}
	}
	report.set("deliveries", float64(len(m.arrivals)))
	report.set("deliveries.lost", float64(max(0, owed-len(m.arrivals))))
	report.set("deliveries.repeated", float64(m.repeated))
	if timed > 1 {
		report.set("deliveries.rate", float64(timed-1)/last.Sub(first).Seconds())
	}
	report.setLatency("delivered", took)
}
