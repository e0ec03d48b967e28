package queue_test

import (
	"container/heap"
	"time"
)

// event is something that happens at a time.
type event struct {
	at  time.Time
	seq int
	do  func()
}

type events []event

func (e *events) Len() int { return len(*e) }
func (e *events) Less(i, j int) bool {
	a, b := (*e)[i], (*e)[j]
	return a.at.Before(b.at) || a.at.Equal(b.at) && a.seq < b.seq
}
func (e *events) Swap(i, j int) { (*e)[i], (*e)[j] = (*e)[j], (*e)[i] }
func (e *events) Push(x any)    { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	(*e)[len(*e)-1] = event{}
	*e = (*e)[:len(*e)-1]
	return last
}

// always lets something happen, whoever is alive by then.
func (l *life) always(d time.Duration, do func()) {
	l.seq++
	heap.Push(&l.events, event{l.now.Add(d), l.seq, do})
}

// step lets the next thing happen.
func (l *life) step() bool {
	if len(l.events) == 0 || l.broken != "" {
		return false
	}
	if l.seq > 200_000 {
		l.failf("it does not come to rest")
		return false
	}
	e := heap.Pop(&l.events).(event)
	l.now = e.at
	e.do()
	return true
}

func (l *life) millis(most int) time.Duration {
	return time.Duration(l.rng.IntN(most*1000+1)) * time.Microsecond
}
