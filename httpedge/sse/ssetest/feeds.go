package ssetest

import (
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Feeds keeps feeds and their watchers in memory, as the owner of a buyer does: events are numbered,
// a watcher resumes from history, and a place that history has lost is answered with Resync.
type Feeds struct {
	// MaxReplay is the most events that are replayed; 0: 500.
	MaxReplay int

	mu    sync.Mutex
	feeds map[domain.BuyerKey]*feed
}

type feed struct {
	events   []domain.FeedEvent // all since floor
	floor    domain.Seq         // newest that is forgotten
	watchers map[int]domain.Watcher
	next     int
	changed  chan struct{}
}

// NewFeeds starts with every feed empty.
func NewFeeds() *Feeds { return &Feeds{feeds: map[domain.BuyerKey]*feed{}} }

func (f *Feeds) of(key domain.BuyerKey) *feed {
	if f.feeds[key] == nil {
		f.feeds[key] = &feed{watchers: map[int]domain.Watcher{}, changed: make(chan struct{})}
	}
	return f.feeds[key]
}

func (d *feed) head() domain.Seq { return d.floor + domain.Seq(len(d.events)) }

func (d *feed) notify() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// Watch is sse.Feeds.
func (f *Feeds) Watch(key domain.BuyerKey, last domain.Seq, hasLast bool, w domain.Watcher) (stop func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.of(key)
	id := d.next
	d.next++
	d.watchers[id] = w
	d.notify()
	if !f.greet(d, last, hasLast, w) {
		delete(d.watchers, id)
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(d.watchers, id)
		d.notify()
	}
}

func (f *Feeds) greet(d *feed, last domain.Seq, hasLast bool, w domain.Watcher) bool {
	most := f.MaxReplay
	if most == 0 {
		most = 500
	}
	switch behind := d.head() - last; {
	case !hasLast:
		return w.Begin(d.head())
	case last < d.floor || behind < 0 || behind > domain.Seq(most):
		return w.Resync(d.head())
	case behind == 0:
		return w.Begin(last)
	default:
		missed := d.events[last-d.floor:]
		return w.Begin(last) && w.Push(&domain.FeedBatch{Events: missed, PublishedAt: time.Now(), Replay: true})
	}
}

// Keep numbers the events and keeps them, and tells nobody: as if every message of them was lost.
func (f *Feeds) Keep(key domain.BuyerKey, events ...domain.FeedEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.of(key).keep(key, events)
}

func (d *feed) keep(key domain.BuyerKey, events []domain.FeedEvent) {
	for i := range events {
		events[i].Account, events[i].Buyer = key.Account, key.Buyer
		events[i].Seq = d.head() + 1
		d.events = append(d.events, events[i])
	}
}

// Publish numbers the events, keeps them, and pushes them as one batch. It returns the new head.
func (f *Feeds) Publish(key domain.BuyerKey, events ...domain.FeedEvent) domain.Seq {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.of(key)
	d.keep(key, events)
	fresh := d.events[len(d.events)-len(events):]
	batch := &domain.FeedBatch{Events: fresh[:len(fresh):len(fresh)], PublishedAt: time.Now()}
	for id, w := range d.watchers {
		if !w.Push(batch) {
			delete(d.watchers, id)
			d.notify()
		}
	}
	return d.head()
}

// Resync tells every watcher that its place is lost.
func (f *Feeds) Resync(key domain.BuyerKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.of(key)
	for _, w := range d.watchers {
		w.Resync(d.head())
	}
}

// Forget drops history up to the head, as retention does.
func (f *Feeds) Forget(key domain.BuyerKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.of(key)
	d.floor, d.events = d.head(), nil
}

// Events lists what history has, oldest first.
func (f *Feeds) Events(key domain.BuyerKey) []domain.FeedEvent {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]domain.FeedEvent(nil), f.of(key).events...)
}

// Head is the newest event's place.
func (f *Feeds) Head(key domain.BuyerKey) domain.Seq {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.of(key).head()
}

// Watching says how many watch a feed.
func (f *Feeds) Watching(key domain.BuyerKey) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.of(key).watchers)
}

// WaitWatching waits until n watch a feed. False: it did not come to it within Patience.
func (f *Feeds) WaitWatching(key domain.BuyerKey, n int) bool {
	timeout := time.After(Patience)
	for {
		f.mu.Lock()
		d := f.of(key)
		now, changed := len(d.watchers), d.changed
		f.mu.Unlock()
		if now == n {
			return true
		}
		select {
		case <-changed:
		case <-timeout:
			return false
		}
	}
}
