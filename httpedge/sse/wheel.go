package sse

import (
	"math/rand/v2"
	"sync"
	"time"
)

// spokes divides the heartbeat interval, so that one timer serves all streams and their heartbeats are
// spread over it: 64 is a tick each 266 ms by default, and 313 writes per tick at 20,000 streams.
const spokes = 64

// wheel has every open stream in one of its spokes, by chance.
type wheel struct {
	mu     sync.Mutex
	spokes [spokes][]*sink
	n      int
}

func (w *wheel) add(s *sink) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.spoke = rand.IntN(spokes)
	s.at = len(w.spokes[s.spoke])
	w.spokes[s.spoke] = append(w.spokes[s.spoke], s)
	w.n++
}

// remove puts the spoke's last in the place of s.
func (w *wheel) remove(s *sink) {
	w.mu.Lock()
	defer w.mu.Unlock()
	spoke := w.spokes[s.spoke]
	last := len(spoke) - 1
	spoke[s.at] = spoke[last]
	spoke[s.at].at = s.at
	spoke[last] = nil
	w.spokes[s.spoke] = spoke[:last]
	w.n--
}

// of copies a spoke: streams are written to without the wheel's lock.
func (w *wheel) of(spoke int, to []*sink) []*sink {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append(to[:0], w.spokes[spoke]...)
}

func (w *wheel) all() []*sink {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]*sink, 0, w.n)
	for _, spoke := range w.spokes {
		all = append(all, spoke...)
	}
	return all
}

// turn beats one spoke after the other until done.
func (w *wheel) turn(every time.Duration, done <-chan struct{}) {
	tick := time.NewTicker(max(every/spokes, time.Microsecond))
	defer tick.Stop()
	frame := heartbeat(every)
	var batch []*sink
	for spoke := 0; ; spoke = (spoke + 1) % spokes {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		batch = w.of(spoke, batch)
		for i, s := range batch {
			s.beat(frame)
			batch[i] = nil // a closed stream must not live until the next turn
		}
	}
}
