package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/groupcommit"
	"zombiezen.com/go/sqlite"
)

// Store is domain.Store in one SQLite file. Open makes it.
type Store struct {
	dir     string
	opts    Options
	unlock  func() error
	writer  *groupcommit.Writer[op, answer]
	tx      *tx // owned by the writer's goroutine
	readers *readers
	check   *checkpointer
	leases  leases
	metrics *metrics

	epoch    string
	tokenKey []byte

	mu      sync.Mutex
	closed  bool
	reading sync.WaitGroup // reads in flight
	retain  retainer
	erasing sync.Mutex // one erasure at a time
	file    *os.File   // the store's file, for wiping what SQLite has freed

	backlogLimit, queueLimit int64 // tests lower them
}

var _ domain.Store = (*Store)(nil)

// Open opens the store in dir, making both as needed, and migrates it. Only one process can have it
// open: a second one gets Conflict. Close it to release the folder.
func Open(ctx context.Context, dir string, opts Options) (_ *Store, err error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil { // leads are personal data: nobody else's business
		return nil, domain.Fail("open store", domain.Invalid, err)
	}
	s := &Store{dir: dir, opts: opts, backlogLimit: domain.BacklogLimit, queueLimit: domain.QueueLimit}
	if s.unlock, err = lockDir(dir); err != nil {
		return nil, classify("open store", err)
	}
	if err := s.open(ctx); err != nil {
		_ = s.release() // the first error says more
		return nil, classify("open store", fmt.Errorf("%s: %w", dir, err))
	}
	opts.Log.Info("store opened", "store", "embedded", "folder", dir, "epoch", s.epoch, "sqlite", sqlite.Version)
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	path := filepath.Join(s.dir, fileName)
	conn, err := openConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenWAL, pragmas[:])
	if err != nil {
		return err
	}
	s.tx = &tx{conn: conn, fail: s.opts.Fail, clock: s.opts.Clock}
	s.tx.inForce.Store(unread)
	applied, err := migrate(conn, s.opts.Clock.Now())
	if err != nil {
		return err
	}
	if applied > 0 {
		s.opts.Log.Info("store migrated", "folder", s.dir, "migrations", applied)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.file, err = openFile(path); err != nil {
		return err
	}
	if s.epoch, s.tokenKey, err = identity(conn); err != nil {
		return err
	}
	if err := s.tx.prepare(); err != nil {
		return err
	}
	if s.metrics, err = newMetrics(s.opts); err != nil {
		return err
	}
	if s.check, err = newCheckpointer(path, conn, s.opts, s.metrics); err != nil {
		return err
	}
	if s.readers, err = openReaders(path, s.opts.Readers); err != nil {
		return err
	}
	s.opts.Commit.Outcomes = outcomes()
	s.writer, err = groupcommit.New(s.opts.Commit, groupcommit.Deps{
		Log: s.opts.Log, Registerer: s.opts.Registerer, Clock: s.opts.Clock,
	}, groupcommit.Work[op, answer]{Commit: s.commit, Between: s.check.between, Size: op.size, Kind: op.kind})
	return err
}

// commit is the writer's way into the file.
func (s *Store) commit(_ context.Context, ops []op) ([]groupcommit.Result[answer], error) {
	s.check.note(len(ops))
	return s.tx.commit(ops)
}

// enter counts a read in, unless the store is closed.
func (s *Store) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.reading.Add(1)
	return true
}

// QueueWait is how long a write would wait for its commit; see domain.Store.
func (s *Store) QueueWait() time.Duration { return s.writer.Wait() }

// Close stops taking work, finishes what is queued and the reads in flight, and closes the file. Later
// calls answer Unavailable; closing twice is fine.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.writer.Close()
	s.reading.Wait()
	err := s.release()
	s.opts.Log.Info("store closed", "store", "embedded", "folder", s.dir)
	return classify("close store", err)
}

// release gives back whatever has been opened so far. The writer's connection goes last: as the last
// one it moves the log into the file and removes it, so that a closed store is a single file.
func (s *Store) release() error {
	var err error
	if s.readers != nil {
		s.readers.close()
	}
	if s.check != nil {
		s.check.close()
	}
	if s.metrics != nil {
		s.metrics.unregister()
	}
	if s.tx != nil {
		err = s.tx.close()
	}
	if s.file != nil {
		_ = s.file.Close() // after SQLite's: see openFile
	}
	if unlockErr := s.unlock(); err == nil {
		err = unlockErr
	}
	return err
}
