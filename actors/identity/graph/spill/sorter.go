package spill

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"os"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	// chunkSize is how memory is taken: in pieces that are never moved, so that growing copies nothing.
	chunkSize = 1 << 20
	// MaxEntry is the longest entry.
	MaxEntry = chunkSize - headSize
	headSize = 8 // lengths of key and value
	refSize  = 16
	// maxRuns are merged at once, each through a buffer of its own; more are merged into one first.
	maxRuns = 64
)

// Sorter gathers entries. It is for one goroutine.
type Sorter struct {
	dir    string
	limit  int
	chunks [][]byte
	used   int // chunks in use; those beyond are kept for the next run
	refs   []ref
	runs   []*run

	added   int64
	spilled int64
}

// ref is an entry in memory, with its key's beginning: most comparisons need nothing else.
type ref struct {
	prefix uint64
	chunk  uint32
	at     uint32
}

// New returns a sorter that uses up to limit bytes of memory, and files in dir beyond that. "" is the system's
// folder for temporary files.
func New(dir string, limit int) *Sorter { return &Sorter{dir: dir, limit: max(limit, 2*chunkSize)} }

// Added counts the entries.
func (s *Sorter) Added() int64 { return s.added }

// Spilled counts the bytes written to files.
func (s *Sorter) Spilled() int64 { return s.spilled }

// Add gathers an entry: a key and a value that goes along. Both are copied.
func (s *Sorter) Add(key, value []byte) error {
	size := headSize + len(key) + len(value)
	if size > chunkSize {
		return domain.FailField("sort", "entry", fmt.Sprintf("has %d bytes, and at most %d can be sorted", size-headSize, MaxEntry))
	}
	if s.full(size) {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if s.used == 0 || len(s.chunks[s.used-1])+size > chunkSize {
		if s.used == len(s.chunks) {
			s.chunks = append(s.chunks, make([]byte, 0, chunkSize))
		}
		s.used++
	}
	chunk := &s.chunks[s.used-1]
	s.refs = append(s.refs, ref{prefixOf(key), uint32(s.used - 1), uint32(len(*chunk))})
	*chunk = binary.BigEndian.AppendUint32(*chunk, uint32(len(key)))
	*chunk = binary.BigEndian.AppendUint32(*chunk, uint32(len(value)))
	*chunk = append(append(*chunk, key...), value...)
	s.added++
	return nil
}

// full says whether an entry of that size would take the memory over the limit. Refs grow by doubling, and
// while they do there are both the old and the new.
func (s *Sorter) full(size int) bool {
	if len(s.refs) == 0 {
		return false
	}
	chunks := s.used
	if len(s.chunks[s.used-1])+size > chunkSize {
		chunks++
	}
	refs := cap(s.refs)
	if len(s.refs) == refs {
		refs *= 3
	}
	return chunks*chunkSize+refs*refSize > s.limit
}

// prefixOf is a key's first eight bytes as a number that sorts as they do.
func prefixOf(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var padded [8]byte
	copy(padded[:], key)
	return binary.BigEndian.Uint64(padded[:])
}

// entry is an entry's key and value.
func (s *Sorter) entry(r ref) (key, value []byte) {
	b := s.chunks[r.chunk][r.at:]
	k, v := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	return b[headSize : headSize+k], b[headSize+k : headSize+k+v]
}

func (s *Sorter) sort() {
	slices.SortFunc(s.refs, func(a, b ref) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		keyA, valueA := s.entry(a)
		keyB, valueB := s.entry(b)
		return compare(keyA, valueA, keyB, valueB)
	})
}

// compare orders by key, and equal keys by value, so that the order never depends on where runs ended.
func compare(keyA, valueA, keyB, valueB []byte) int {
	if c := bytes.Compare(keyA, keyB); c != 0 {
		return c
	}
	return bytes.Compare(valueA, valueB)
}

// spill writes what is in memory to a run.
func (s *Sorter) spill() error {
	s.sort()
	w, err := newRunWriter(s.dir)
	if err != nil {
		return err
	}
	for _, r := range s.refs {
		if err := w.add(s.entry(r)); err != nil {
			return err
		}
	}
	if err := s.keep(w); err != nil {
		return err
	}
	s.refs = s.refs[:0]
	for i := range s.chunks {
		s.chunks[i] = s.chunks[i][:0]
	}
	s.used = 0
	if len(s.runs) == maxRuns {
		return s.collapse()
	}
	return nil
}

func (s *Sorter) keep(w *runWriter) error {
	r, err := w.finish()
	if err != nil {
		return err
	}
	s.spilled += r.size
	s.runs = append(s.runs, r)
	return nil
}

// collapse merges all runs into one.
func (s *Sorter) collapse() error {
	w, err := newRunWriter(s.dir)
	if err != nil {
		return err
	}
	m, err := newMerge(s.runs)
	if err != nil {
		return err
	}
	for m.Next() {
		if err := w.add(m.Key(), m.Value()); err != nil {
			return err
		}
	}
	if err := m.Err(); err != nil {
		return err
	}
	closeRuns(s.runs)
	s.runs = s.runs[:0]
	return s.keep(w)
}

// Entries are the sorted entries. Key and Value are valid until the next Next.
type Entries interface {
	Next() bool
	Key() []byte
	Value() []byte
	Err() error
}

// Sort ends the gathering. If anything was spilled the rest is too, so that what comes after has the memory.
func (s *Sorter) Sort() (Entries, error) {
	if len(s.runs) == 0 {
		s.sort()
		return &inMemory{s: s, at: -1}, nil
	}
	if len(s.refs) > 0 {
		if err := s.spill(); err != nil {
			return nil, err
		}
	}
	s.refs, s.chunks = nil, nil
	return newMerge(s.runs)
}

// Close gives memory and files back.
func (s *Sorter) Close() {
	closeRuns(s.runs)
	s.runs, s.refs, s.chunks, s.used = nil, nil, nil, 0
}

func closeRuns(runs []*run) {
	for _, r := range runs {
		_ = r.file.Close()
		_ = os.Remove(r.file.Name()) // gone already, where a file can be removed while it is open
	}
}

// inMemory goes through what never left memory.
type inMemory struct {
	s          *Sorter
	at         int
	key, value []byte
}

func (m *inMemory) Next() bool {
	if m.at++; m.at >= len(m.s.refs) {
		return false
	}
	m.key, m.value = m.s.entry(m.s.refs[m.at])
	return true
}

func (m *inMemory) Key() []byte   { return m.key }
func (m *inMemory) Value() []byte { return m.value }
func (m *inMemory) Err() error    { return nil }
