package spill

import (
	"container/heap"
	"errors"
	"io"
)

// merge gives the entries of many runs in order: a heap of the runs' first entries.
type merge struct {
	heads   []*runReader
	started bool
	err     error
}

func newMerge(runs []*run) (*merge, error) {
	m := &merge{}
	for _, r := range runs {
		reader := newRunReader(r)
		switch err := reader.next(); {
		case errors.Is(err, io.EOF):
		case err != nil:
			return nil, err
		default:
			m.heads = append(m.heads, reader)
		}
	}
	heap.Init(m)
	return m, nil
}

// Next goes to the next entry.
func (m *merge) Next() bool {
	if !m.started {
		m.started = true
		return len(m.heads) > 0
	}
	if m.err != nil || len(m.heads) == 0 {
		return false
	}
	switch err := m.heads[0].next(); {
	case errors.Is(err, io.EOF):
		heap.Pop(m)
	case err != nil:
		m.err = err
		return false
	default:
		heap.Fix(m, 0)
	}
	return len(m.heads) > 0
}

func (m *merge) Key() []byte   { return m.heads[0].key }
func (m *merge) Value() []byte { return m.heads[0].value }
func (m *merge) Err() error    { return m.err }

func (m *merge) Len() int { return len(m.heads) }
func (m *merge) Less(i, j int) bool {
	a, b := m.heads[i], m.heads[j]
	return compare(a.key, a.value, b.key, b.value) < 0
}
func (m *merge) Swap(i, j int) { m.heads[i], m.heads[j] = m.heads[j], m.heads[i] }
func (m *merge) Push(any)      {} // heads only become fewer
func (m *merge) Pop() any {
	last := m.heads[len(m.heads)-1]
	m.heads = m.heads[:len(m.heads)-1]
	return last
}
