package actors

import (
	"context"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	// lookoutEvery is how late an event may be seen whose announcement was lost. Two seconds keeps a
	// lost hint within what a person notices, at one small read for each 500 watched buyers.
	lookoutEvery = 2 * time.Second
	lookoutPage  = 500
)

// lookout finds events that were committed and not announced, for the buyers that live on this node
// and are watched by somebody.
type lookout struct {
	rt    *Runtime
	pulse *pulse
	mu    sync.Mutex
	heads map[domain.BuyerKey]domain.Seq // newest published

	// One look's lists, kept for the next: with ten thousand watched buyers they are a megabyte.
	keys   []domain.BuyerKey
	before []domain.Seq
}

func newLookout(rt *Runtime) *lookout {
	return &lookout{rt: rt, pulse: newPulse(rt.deps.Clock, lookoutEvery, &rt.looking), heads: map[domain.BuyerKey]domain.Seq{}}
}

func (l *lookout) watch(key domain.BuyerKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.heads[key]; !ok {
		l.heads[key] = 0
	}
}

func (l *lookout) forget(key domain.BuyerKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.heads, key)
}

func (l *lookout) published(key domain.BuyerKey, head domain.Seq) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.heads[key]; ok {
		l.heads[key] = head
	}
}

func (l *lookout) run(ctx context.Context) {
	l.pulse.run(ctx, l.look)
}

// look compares what was published with how far the store's feeds go. An event committed a moment
// ago, whose announcement is on its way, is told twice: the buyer ignores what it has published.
func (l *lookout) look(ctx context.Context) {
	l.mu.Lock()
	keys, before := l.keys[:0], l.before[:0]
	for key, head := range l.heads {
		keys, before = append(keys, key), append(before, head)
	}
	l.mu.Unlock()
	l.keys, l.before = keys, before
	for at := 0; at < len(keys); at += lookoutPage {
		page := keys[at:min(at+lookoutPage, len(keys))]
		heads, err := l.rt.deps.Store.Heads(ctx, page)
		if err != nil {
			return // the store is away; the next look finds the same
		}
		for i, head := range heads {
			if head.Seq <= before[at+i] {
				continue
			}
			l.tell(page[i], head.Seq)
		}
	}
}

func (l *lookout) tell(key domain.BuyerKey, head domain.Seq) {
	l.mu.Lock()
	published, watched := l.heads[key]
	behind := watched && published < head // unless the announcement has come meanwhile
	l.mu.Unlock()
	if behind && l.rt.node.Tell(checked{key: key, head: head}) == nil {
		l.rt.deps.Metrics.found.Inc()
	}
}
