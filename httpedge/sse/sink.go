package sse

import (
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// sink is one open stream. It is the domain.Watcher that its feed writes to.
//
//	open ──finish──▶ ending ──pending bytes gone──▶ closed ──stop known──▶ reaped: detached, uncounted
//	  └──── client gone, slow, shutdown ─────────────▲
type sink struct {
	server *Server
	link   link
	key    domain.BuyerKey
	lost   bool      // the client's place is unknown here: its Begin is a Resync
	until  time.Time // when it is old
	owner  string    // the node its buyer lives on, as this one saw it last; guarded by mu once the wheel has the sink

	spoke, at int // where the wheel has it; guarded by the wheel

	mu      sync.Mutex
	state   state
	why     reason // of the end
	pending []byte
	flying  int       // bytes a pump has taken and not yet written
	pumping bool      // a pump runs: it takes until nothing is pending
	since   time.Time // when pending bytes last moved, or began; zero: none pending
	stop    func()    // detaches from the feed; nil until Watch has returned
}

type state uint8

const (
	open   state = iota
	ending       // the last bytes are on their way
	closed
)

// Begin tells the client where it stands.
func (s *sink) Begin(at domain.Seq) bool {
	if s.lost {
		return s.Resync(at)
	}
	return s.send(s.server.encode.place(at))
}

// Push writes a batch. The bytes are shared with the other streams of the feed. A replay that would not
// fit is a resync instead: dropped, the client would come back for the same replay, for ever.
func (s *sink) Push(b *domain.FeedBatch) bool {
	frame := b.Encoded(s.server.encode.batch)
	if b.Replay && !s.fits(len(frame)) {
		return s.Resync(b.Events[len(b.Events)-1].Seq)
	}
	if !s.send(frame) {
		return false
	}
	s.server.metrics.events.Add(float64(len(b.Events)))
	return true
}

func (s *sink) fits(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spare(n)
}

// Resync tells the client to refetch.
func (s *sink) Resync(head domain.Seq) bool {
	s.server.metrics.resyncs.Inc()
	return s.send(s.server.encode.resync(head))
}

// send writes p or keeps it pending. False: the stream is at its end.
func (s *sink) send(p []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(p)
}

// put is send with the lock held.
func (s *sink) put(p []byte) bool {
	if s.state != open {
		return false
	}
	if s.waiting() == 0 {
		n, err := s.link.write(p)
		if err != nil {
			s.close(byClient)
			return false
		}
		if n == len(p) {
			return true
		}
		p = p[n:]
	}
	if !s.spare(len(p)) || s.stalled() {
		s.close(bySlow)
		return false
	}
	s.keep(p)
	return true
}

// spare says whether n more bytes may wait: what every stream may have, or more while the node has room.
// A page that has just resumed, or that a burst met asleep, is behind without being slow; one that
// stalls is found by the clock.
func (s *sink) spare(n int) bool {
	total, c := s.waiting()+n, s.server.config
	return total <= c.MaxPending ||
		total <= c.MaxBurst && s.server.metrics.pending.Load()+int64(n) <= int64(c.PendingTotal)
}

func (s *sink) keep(p []byte) {
	if s.waiting() == 0 {
		s.since = time.Now()
	}
	s.pending = append(s.pending, p...)
	s.server.metrics.pendingBytes(len(p))
	if !s.pumping {
		s.pumping = s.link.pump(s)
	}
}

func (s *sink) waiting() int { return len(s.pending) + s.flying }

func (s *sink) stalled() bool {
	return !s.since.IsZero() && time.Since(s.since) > s.server.config.Stall
}

// beat writes a heartbeat, unless bytes are pending, which say as much once they arrive. It also finds
// the stream that is old, and the one that is stalled and quiet, to which nobody would write again.
func (s *sink) beat(frame []byte) {
	if time.Now().After(s.until) {
		s.finish(goodbye(), byAge)
	}
	s.mu.Lock()
	busy := s.waiting() > 0
	if busy && s.state != closed && s.stalled() {
		s.close(bySlow)
	}
	s.mu.Unlock()
	if !busy && s.send(frame) {
		s.server.metrics.heartbeats.Inc()
	}
}

// room is the kernel's word that the socket takes bytes again.
func (s *sink) room() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == closed || len(s.pending) == 0 {
		return
	}
	n, err := s.link.write(s.pending)
	s.pending = s.pending[n:]
	s.moved(n, err)
}

// take gives the pump its next bytes; nil ends it.
func (s *sink) take(most int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(most, len(s.pending))
	if s.state == closed || n == 0 {
		s.pumping = false
		return nil
	}
	p := s.pending[:n:n]
	s.pending, s.flying = s.pending[n:], n
	return p
}

// took reports the pump's write. False: the stream is closed.
func (s *sink) took(n int, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying = 0
	if s.state == closed {
		return false
	}
	s.moved(n, err)
	return s.state != closed
}

// moved accounts for n pending bytes that left.
func (s *sink) moved(n int, err error) {
	s.server.metrics.pendingBytes(-n)
	switch {
	case err != nil:
		s.close(reasonOf(err))
	case s.waiting() == 0:
		s.pending, s.since = nil, time.Time{} // memory given back: most streams never wait
		if s.state == ending {
			s.close(s.why)
		}
	case n > 0:
		s.since = time.Now()
	}
}

// finish writes the last bytes and closes when they are out.
func (s *sink) finish(last []byte, why reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.put(last):
	case s.waiting() == 0:
		s.close(why)
	default:
		s.state, s.why = ending, why
	}
}

// gone is the link's word that the client has left.
func (s *sink) gone() { s.end(byClient) }

// end closes at once.
func (s *sink) end(why reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != closed {
		s.close(why)
	}
}

// close is called with the lock held, by whoever found the end, often from within a feed's call: it
// detaches later, by the reaper, because the feed's owner may hold what stop wants.
func (s *sink) close(why reason) {
	if s.state == ending && why == byClient {
		why = s.why // it was told to leave
	}
	s.state, s.why = closed, why
	s.server.metrics.pendingBytes(-s.waiting())
	s.pending, s.flying = nil, 0
	s.link.close()
	if s.stop != nil {
		s.server.reaper.add(s)
	}
}

// attached hands over what detaches the sink. The stream may have ended before its feed knew of it.
func (s *sink) attached(stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop = stop
	if s.state == closed {
		s.server.reaper.add(s)
	}
}
