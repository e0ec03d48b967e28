package embedded

import (
	"context"
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// fileName is the store's file in its folder. SQLite keeps leadwire.db-wal and leadwire.db-shm beside
// it while it is open.
const fileName = "leadwire.db"

// pragmas hold for every connection that writes.
var pragmas = [...]string{
	// A commit returns after the log is on the disk. NORMAL would lose the last commits in a power cut,
	// and with them events that were answered 200.
	"PRAGMA synchronous = FULL",
	// Checkpoints are ours (see checkpoint.go): by default the commit that happens to pass the limit
	// does the work, and everybody in its batch waits.
	"PRAGMA wal_autocheckpoint = 0",
	// 32 MiB of pages: the inner pages of every index of some ten million rows. Negative means KiB.
	"PRAGMA cache_size = -32768",
	// What is deleted is overwritten with zeros, so that an erasure leaves nothing in the pages it frees; see
	// scrub.go for what this alone would leave. The checkpoint of an erasure moves it into the file.
	"PRAGMA secure_delete = ON",
	// Sorting never writes to the disk: a full disk must not break a read.
	"PRAGMA temp_store = MEMORY",
	// A log that once grew (a long reader, a burst) is cut back to 256 MiB when it starts anew: twice what it is by default
	// when it is moved, as it grows meanwhile.
	"PRAGMA journal_size_limit = 268435456",
}

// readerPragmas keep readers from writing and from holding a cache each of the writer's size.
var readerPragmas = [...]string{
	"PRAGMA query_only = ON",
	"PRAGMA cache_size = -8192",
	"PRAGMA temp_store = MEMORY",
}

// busyTimeout is how long a statement waits for another connection's lock. Within the process only
// checkpoints and recovery ever hold one; from outside, a backup or a curious sqlite3 shell.
const busyTimeout = 5 * time.Second

func openConn(path string, flags sqlite.OpenFlags, pragmas []string) (*sqlite.Conn, error) {
	keepMemory()
	c, err := sqlite.OpenConn(path, flags)
	if err != nil {
		return nil, err
	}
	c.SetBusyTimeout(busyTimeout)
	for _, p := range pragmas {
		if err := sqlitex.ExecuteTransient(c, p, nil); err != nil {
			_ = c.Close()
			return nil, fmt.Errorf("%s: %w", p, err)
		}
	}
	return c, nil
}

// read lends query a connection. Its statements are cached by their text.
func (s *Store) read(ctx context.Context, op string, query func(*sqlite.Conn) error) error {
	if !s.enter() {
		return domain.Fail(op, domain.Unavailable, errClosed)
	}
	defer s.reading.Done()
	c, err := s.readers.take(ctx)
	if err != nil {
		return domain.Fail(op, domain.Unavailable, err)
	}
	defer s.readers.give(c)
	return classify(op, query(c))
}
