package domain

import (
	"sync"
	"time"
)

// Watcher is one open dashboard: whatever holds its connection. Its methods are called one at a time,
// never block, and answer false when the connection is gone or too slow, after which no call follows.
type Watcher interface {
	// Begin comes first: events after at will follow. The watcher tells its client, so that a client
	// which never got an event still resumes from the right place.
	Begin(at Seq) bool
	// Push hands over the next events: consecutive, and consecutive to what came before. The batch is
	// shared by all watchers of the feed and must not be changed.
	Push(b *FeedBatch) bool
	// Resync says that the place the client asked to resume from is unknown or too old: it has to
	// refetch by the pull API; events after head will follow. It stands in place of Begin, or comes
	// later when the feed has been lost from under the watcher.
	Resync(head Seq) bool
}

// FeedBatch is a run of consecutive events of one feed on its way to its watchers.
type FeedBatch struct {
	Events      []FeedEvent
	PublishedAt time.Time
	Replay      bool // read back from the store for a resuming watcher: its marks measure nothing

	once  sync.Once
	frame []byte
}

// Encoded returns encode(b), computed once for all the watchers that share the batch.
func (b *FeedBatch) Encoded(encode func(*FeedBatch) []byte) []byte {
	b.once.Do(func() { b.frame = encode(b) })
	return b.frame
}
