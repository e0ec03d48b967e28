package actortest

import (
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Watcher is a dashboard that writes down what it is told.
type Watcher struct {
	mu      sync.Mutex
	began   []domain.Seq
	resyncs []domain.Seq
	events  []domain.FeedEvent
	replays int
	full    bool
	pushed  time.Time
}

// Watch opens a dashboard on a buyer of "acme": from the newest event, or from after last if it is
// given.
func (n *Node) Watch(buyer domain.BuyerID, last ...domain.Seq) (w *Watcher, stop func()) {
	w = &Watcher{}
	key := domain.BuyerKey{Account: "acme", Buyer: buyer}
	if len(last) > 0 {
		stop = n.Runtime.Hub().Watch(key, last[0], true, w)
	} else {
		stop = n.Runtime.Hub().Watch(key, 0, false, w)
	}
	n.Settle()
	return w, stop
}

// Begin is domain.Watcher's.
func (w *Watcher) Begin(at domain.Seq) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = append(w.began, at)
	return !w.full
}

// Push is domain.Watcher's.
func (w *Watcher) Push(b *domain.FeedBatch) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full {
		return false
	}
	w.events = append(w.events, b.Events...)
	w.pushed = b.PublishedAt
	if b.Replay {
		w.replays += len(b.Events)
	}
	return true
}

// Resync is domain.Watcher's.
func (w *Watcher) Resync(head domain.Seq) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resyncs = append(w.resyncs, head)
	return !w.full
}

// Full makes the watcher refuse what comes next, like a socket that is too slow.
func (w *Watcher) Full() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.full = true
}

// Began is where the watcher was told it stands, each time it was told.
func (w *Watcher) Began() []domain.Seq {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.began
}

// Resyncs is every head it was told to refetch up to.
func (w *Watcher) Resyncs() []domain.Seq {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.resyncs
}

// Seqs is what it was handed, in order.
func (w *Watcher) Seqs() []domain.Seq {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []domain.Seq{}
	for _, e := range w.events {
		out = append(out, e.Seq)
	}
	return out
}

// Events is what it was handed, whole.
func (w *Watcher) Events() []domain.FeedEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events
}

// Replays is how many of them were read back from the store.
func (w *Watcher) Replays() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.replays
}
