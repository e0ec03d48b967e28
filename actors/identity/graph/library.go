package graph

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// Library lends the graph in use, and changes it while it is lent.
//
//	Use(new) ──▶ open: header, places, table of sums ──▶ in use ──▶ the old one: closed when nobody has it any more
//	                                                       └──▶ copied into memory, each block verified ──▶ the copy answers
//
// A block that no copy was made of, and every block until then, is verified when it is first read.
//
// A file counts who has it, the library included. The count starts at one and never leaves zero again: a
// borrower who comes too late for a file does not get it, and looks for the one in its place.
type Library struct {
	cfg     LibraryConfig
	log     *slog.Logger
	metrics *metrics
	inUse   atomic.Pointer[shared]
	// damaged adds up what was found broken in files that are closed, so that the metric does not fall.
	damaged atomic.Int64

	resides context.Context // ends with Close: copies under way are given up
	leave   context.CancelFunc
	using   sync.Mutex     // one change at a time
	open    sync.WaitGroup // files that are not closed yet
}

// LibraryConfig is how a library keeps its graph.
type LibraryConfig struct {
	// Resident is the largest file, in bytes, that is copied into memory with large pages once it is in use: a
	// lookup at 20 million keys then takes three quarters of what the mapping takes, or less (docs/graph.md). 0: none.
	Resident int64
}

// NewLibrary returns a library with no graph.
func NewLibrary(cfg LibraryConfig, log *slog.Logger, reg prometheus.Registerer) *Library {
	l := &Library{cfg: cfg, log: log}
	l.resides, l.leave = context.WithCancel(context.Background())
	l.metrics = newMetrics(reg, func() float64 {
		n := l.damaged.Load()
		if s := l.acquire(); s != nil {
			n += s.file.Damaged()
			s.release()
		}
		return float64(n)
	})
	return l
}

// Use opens a file and puts it in the place of the one in use; "" puts none there. Lookups go on all the
// while: those that began with the old file end with it. If the file cannot be used, the old one stays.
func (l *Library) Use(path string) (Info, error) {
	l.using.Lock()
	defer l.using.Unlock()
	var next *shared
	var info Info
	if path != "" {
		file, err := Open(path)
		if err != nil {
			l.metrics.refused.Inc()
			return Info{}, err
		}
		file.warmKeys()
		info, next = file.Info(), &shared{file: file, library: l}
		next.count.Store(1)
		l.open.Add(1)
	}
	if next != nil && info.Size <= l.cfg.Resident {
		l.reside(next, info)
	}
	old := l.inUse.Swap(next)
	l.metrics.hold(info)
	l.metrics.swaps.Inc()
	if old != nil {
		l.metrics.closing.Inc()
		old.release()
	}
	return info, nil
}

// reside copies a file into memory, beside its lookups; it holds the file like any borrower.
func (l *Library) reside(s *shared, info Info) {
	s.acquire()
	go func() {
		defer s.release()
		if err := s.file.Reside(l.resides); err != nil {
			if l.resides.Err() == nil {
				l.log.Warn("graph stays on the disk's pages: lookups take longer", "path", info.Path, "error", err)
			}
			return
		}
		l.using.Lock()
		defer l.using.Unlock()
		if l.inUse.Load() == s {
			l.metrics.memory.Set(float64(info.Size))
			l.log.Info("graph is in memory", "path", info.Path, "bytes", info.Size)
		}
	}()
}

// Borrow lends the graph in use; nil when there is none. Whoever has it gives it back with Release, once and
// soon: until then an old file stays mapped.
func (l *Library) Borrow() identity.Graph {
	s := l.acquire()
	if s == nil {
		return nil
	}
	b := new(loan)
	b.of.Store(s)
	return b
}

// Info tells of the graph in use; the zero Info when there is none.
func (l *Library) Info() Info {
	s := l.acquire()
	if s == nil {
		return Info{}
	}
	defer s.release()
	return s.file.Info()
}

// Close puts no graph in use and waits until the last one is given back.
func (l *Library) Close() error {
	l.leave()
	_, err := l.Use("")
	l.open.Wait()
	return err
}

func (l *Library) acquire() *shared {
	for {
		s := l.inUse.Load()
		if s == nil || s.acquire() {
			return s
		}
		// Replaced between the two looks: the next look finds another.
	}
}

// shared is a file and who has it.
type shared struct {
	file    *File
	library *Library
	count   atomic.Int64
}

// acquire adds a borrower, unless the last one has gone: zero is for ever.
func (s *shared) acquire() bool {
	for {
		n := s.count.Load()
		if n == 0 {
			return false
		}
		if s.count.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release takes a borrower away. The last one's own work is not held up by the unmapping of gigabytes.
func (s *shared) release() {
	if s.count.Add(-1) > 0 {
		return
	}
	l := s.library
	go func() {
		defer l.open.Done()
		l.damaged.Add(s.file.Damaged())
		info := s.file.Info()
		if err := s.file.Close(); err != nil {
			l.log.Error("close graph", "path", info.Path, "err", err)
		}
		l.metrics.closing.Dec()
		l.log.Info("graph closed", "path", info.Path, "checksum", info.Checksum)
	}()
}

// loan is a borrower's hold on a file. After Release it finds nothing, so that a late reader is wrong and not
// dead.
type loan struct{ of atomic.Pointer[shared] }

func (b *loan) Person(k domain.Key) (domain.PersonID, bool) {
	if s := b.of.Load(); s != nil {
		return s.file.Person(k)
	}
	return "", false
}

func (b *loan) Record(p domain.PersonID) (domain.Person, bool) {
	if s := b.of.Load(); s != nil {
		return s.file.Record(p)
	}
	return domain.Person{}, false
}

func (b *loan) Company(name string) (domain.Company, bool) {
	if s := b.of.Load(); s != nil {
		return s.file.Company(name)
	}
	return domain.Company{}, false
}

func (b *loan) Network(a netip.Addr) (string, bool) {
	if s := b.of.Load(); s != nil {
		return s.file.Network(a)
	}
	return "", false
}

// Release gives the file back; a second time does nothing.
func (b *loan) Release() {
	if s := b.of.Swap(nil); s != nil {
		s.release()
	}
}
