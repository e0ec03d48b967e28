package embedded

import (
	"context"
	"fmt"
	"sync"

	"zombiezen.com/go/sqlite"
)

// readers is a fixed set of connections that only read. The queries are bounded by their limits, so a
// caller that stops waiting is not worth interrupting them.
//
// The one that was given back last is taken first. A connection forgets its pages with each commit of the writer, and until
// the next one those who read after each other find in it what they have in common: the upper pages of every index.
type readers struct {
	places chan struct{} // one for each that is free
	mu     sync.Mutex
	free   []*sqlite.Conn // the last is taken first
}

func openReaders(path string, n int) (*readers, error) {
	r := &readers{places: make(chan struct{}, n)}
	for range n {
		// Read-write, kept from writing by query_only: a read-only handle cannot recover the log of a
		// crashed process.
		c, err := openConn(path, sqlite.OpenReadWrite, readerPragmas[:])
		if err != nil {
			r.close()
			return nil, fmt.Errorf("open reader: %w", err)
		}
		r.give(c)
	}
	return r, nil
}

// take waits for a free connection, as long as ctx does.
func (r *readers) take(ctx context.Context) (*sqlite.Conn, error) {
	select {
	case <-r.places:
		r.mu.Lock()
		defer r.mu.Unlock()
		last := len(r.free) - 1
		c := r.free[last]
		r.free = r.free[:last]
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// give gives one back.
func (r *readers) give(c *sqlite.Conn) {
	r.mu.Lock()
	r.free = append(r.free, c)
	r.mu.Unlock()
	r.places <- struct{}{}
}

// close closes every connection; nobody reads any more.
func (r *readers) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.free {
		_ = c.Close()
	}
	r.free = nil
}
