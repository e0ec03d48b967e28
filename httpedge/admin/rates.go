package admin

import (
	"fmt"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/rate"
	"github.com/leadwire/leadwire/httpedge/source"
)

// What one key may do a second, on each node. A key that is over waits by itself: the others have their room.
const (
	// CallsPerSecond: who asks one call after another over a network makes some tens. More is a program that
	// goes round in a loop, and MaxInFlight is for all.
	CallsPerSecond = 200
	// EventsPerSecond is a fifth of what a pixel may bring by itself (pixel.DefaultRate): a server that sends a
	// year's log leaves room for the browsers, whose hits cannot wait.
	EventsPerSecond = 1000
	// maxBuckets is for how many keys both are remembered: as many as there may be, and as many again that were
	// revoked a moment ago.
	maxBuckets = 2 * maxKeys
)

// The rules of a key's rates, which label the metric.
const (
	ruleCalls  = "rate_calls"
	ruleEvents = "rate_events"
)

// rates are those of the keys that were here in the last second or so.
type rates struct {
	mu   sync.Mutex
	keys map[string]used
}

// used is what a key has taken. Its limits hold a second's worth.
type used struct{ calls, events rate.Bucket }

// takeCall takes room for one call of a key, or says when there will be some.
func (r *rates) takeCall(now time.Time, key string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.keys[key]
	var wait time.Duration
	u.calls, wait = u.calls.Take(now, 1, rate.Limit{PerSecond: CallsPerSecond, Burst: CallsPerSecond})
	r.keep(now, key, u)
	return wait
}

// takeEvents takes room for all of n events, or says when there will be room for all.
func (r *rates) takeEvents(now time.Time, key string, n int) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.keys[key]
	var wait time.Duration
	u.events, wait = u.events.Take(now, n, rate.Limit{PerSecond: EventsPerSecond, Burst: EventsPerSecond})
	r.keep(now, key, u)
	return wait
}

// keep remembers what was taken. Keys that have been quiet are forgotten first; if all are busy, which takes
// thousands of keys made and revoked in a second, everybody begins anew.
func (r *rates) keep(now time.Time, key string, u used) {
	if _, known := r.keys[key]; !known && len(r.keys) >= maxBuckets {
		for id, other := range r.keys {
			if other.calls.Empty(now) && other.events.Empty(now) {
				delete(r.keys, id)
			}
		}
		if len(r.keys) >= maxBuckets {
			clear(r.keys)
		}
	}
	r.keys[key] = u
}

func (r *rates) remembered() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.keys)
}

// tooFast refuses a call that is over a rate of its key.
func (a *API) tooFast(rule string, perSecond int, wait time.Duration) Reply {
	a.metrics.limited.WithLabelValues(rule).Inc()
	return Reply{Wait: wait, Err: domain.Fail("answer call", domain.Unavailable, source.Rule{
		Name: rule, Detail: fmt.Sprintf("the API key may do %d of these a second on each node; please send it again", perSecond),
	})}
}
