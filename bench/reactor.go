package bench

import (
	"errors"
	"net/netip"
	"time"
)

// reactor runs every connection of the harness on one goroutine: no lock, no hand-over between threads,
// and a cost per lead of a few system calls.
//
//	turn ──▶ wait ──▶ opened | received | closed of whoever owns the connection
type reactor struct {
	poll  *poller
	to    netip.AddrPort
	slots []*socket
	spare []int
	buf   []byte
	next  int32 // generation
}

// owner is told what happens on its connection: opened once, received for every piece, and closed at
// the end, whoever ended it. An error from received closes the connection.
type owner interface {
	opened()
	received(at time.Time, b []byte) error
	closed(err error)
}

// socket is one connection.
type socket struct {
	owner      owner
	fd         int
	slot       int
	generation int32
	open       bool
	out        []byte // what the kernel has not taken yet
}

// The buffer holds what one read can bring: a burst of a hundred events.
const readBuffer = 64 << 10

func newReactor(to netip.AddrPort) (*reactor, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &reactor{poll: p, to: to, buf: make([]byte, readBuffer)}, nil
}

// close ends every connection without a word to their owners.
func (r *reactor) close() {
	for _, s := range r.slots {
		if s != nil {
			sysClose(s.fd)
		}
	}
	r.poll.close()
}

// connect begins a connection; its owner hears of it as opened or closed, later.
func (r *reactor) connect(to netip.AddrPort, o owner) (*socket, error) {
	fd, err := dial(to)
	if err != nil {
		return nil, err
	}
	r.next++
	s := &socket{owner: o, fd: fd, generation: r.next}
	if k := len(r.spare); k > 0 {
		s.slot, r.spare = r.spare[k-1], r.spare[:k-1]
		r.slots[s.slot] = s
	} else {
		s.slot, r.slots = len(r.slots), append(r.slots, s)
	}
	if err := r.poll.add(fd, s.slot, s.generation); err != nil {
		r.drop(s)
		return nil, err
	}
	return s, nil
}

func (r *reactor) drop(s *socket) {
	sysClose(s.fd)
	r.slots[s.slot] = nil
	r.spare = append(r.spare, s.slot)
}

// shut ends a connection and tells its owner why.
func (r *reactor) shut(s *socket, why error) {
	if r.slots[s.slot] != s {
		return
	}
	r.drop(s)
	s.owner.closed(why)
}

// write sends b, keeping what the kernel does not take at once. b may be reused afterwards.
func (r *reactor) write(s *socket, b []byte) {
	if s.open && len(s.out) == 0 {
		n, err := sysWrite(s.fd, b)
		if err != nil && !again(err) {
			r.shut(s, err)
			return
		}
		b = b[max(n, 0):]
	}
	s.out = append(s.out, b...)
}

// turn waits for something to happen, at most for timeout, and lets the owners deal with all of it.
func (r *reactor) turn(timeout time.Duration) error {
	return r.poll.wait(timeout, func(e ready) {
		s := r.slots[e.slot]
		if s == nil || s.generation != e.generation {
			return // closed earlier in this same turn
		}
		if e.free {
			r.flush(s)
		}
		if e.readable && r.slots[e.slot] == s {
			r.drain(s, e.ended)
		}
	})
}

// flush goes on once there is room: it finishes the connecting, then the writing.
func (r *reactor) flush(s *socket) {
	if !s.open {
		if err := connected(s.fd); err != nil {
			r.shut(s, err)
			return
		}
		s.open = true
		s.owner.opened()
	}
	if out := s.out; len(out) > 0 && r.slots[s.slot] == s {
		s.out = nil
		r.write(s, out)
	}
}

var errEnded = errors.New("the server closed the connection")

// drain reads until the kernel has no more: a short read says so without another call. Where the end is known to be behind it
// there is one more to make: nobody would tell of it again, and the connection would look open for ever.
func (r *reactor) drain(s *socket, ended bool) {
	for r.slots[s.slot] == s {
		n, err := sysRead(s.fd, r.buf)
		switch {
		case err != nil && again(err):
			return
		case err != nil:
			r.shut(s, err)
			return
		case n == 0:
			r.shut(s, errEnded)
			return
		}
		if err := s.owner.received(time.Now(), r.buf[:n]); err != nil {
			r.shut(s, err)
			return
		}
		if n < len(r.buf) && !ended {
			return
		}
	}
}
