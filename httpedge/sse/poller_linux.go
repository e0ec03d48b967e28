package sse

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// poller watches all connections with one epoll, which Go's own poller watches in turn: no thread
// blocks in it. A connection is registered once, edge-triggered, for its client's leaving (RDHUP) and
// for room to write (OUT); the kernel tells of room only after a write found none.
type poller struct {
	file  *os.File        // the epoll, as Go's poller sees it
	epoll syscall.RawConn // its descriptor, for as long as file is open

	mu    sync.Mutex
	slots []slot
	free  []int32
}

// slot is what an event names. The kernel may hand over an event of a connection that is gone, whose
// slot another has taken since: the generation tells them apart.
type slot struct {
	sink       *sink
	generation int32
}

// ticket names a registration.
type ticket struct{ slot, generation int32 }

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // os.NewFile looks at it to decide how to wait
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(fd), "epoll")
	epoll, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &poller{file: file, epoll: epoll}, nil
}

// add registers a connection and the sink that hears of it.
func (p *poller) add(rc syscall.RawConn, s *sink) (ticket, error) {
	p.mu.Lock()
	t := p.slot(s)
	p.mu.Unlock()
	err := p.control(unix.EPOLL_CTL_ADD, rc, &unix.EpollEvent{
		Events: unix.EPOLLRDHUP | unix.EPOLLOUT | unix.EPOLLET&0xffffffff, Fd: t.slot, Pad: t.generation,
	})
	if err != nil {
		p.forget(t)
		return ticket{}, err
	}
	return t, nil
}

// control holds on to both descriptors for the call: a number that was closed may be another's by now.
func (p *poller) control(op int, rc syscall.RawConn, e *unix.EpollEvent) error {
	var inner, failed error
	err := p.epoll.Control(func(epoll uintptr) {
		inner = rc.Control(func(fd uintptr) { failed = unix.EpollCtl(int(epoll), op, int(fd), e) })
	})
	return errors.Join(err, inner, failed)
}

func (p *poller) slot(s *sink) ticket {
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		p.slots[i].sink = s
		return ticket{i, p.slots[i].generation}
	}
	p.slots = append(p.slots, slot{sink: s, generation: 1})
	return ticket{int32(len(p.slots) - 1), 1}
}

// remove unregisters a connection; it comes before the connection's close, while the descriptor is
// still its own.
func (p *poller) remove(rc syscall.RawConn, t ticket) {
	_ = p.control(unix.EPOLL_CTL_DEL, rc, nil)
	p.forget(t)
}

func (p *poller) forget(t ticket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slots[t.slot].sink = nil
	p.slots[t.slot].generation++
	p.free = append(p.free, t.slot)
}

func (p *poller) lookup(t ticket) *sink {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.slots[t.slot].generation != t.generation {
		return nil
	}
	return p.slots[t.slot].sink
}

// run passes events on until close.
func (p *poller) run() {
	events := make([]unix.EpollEvent, 256)
	for {
		n := 0
		err := p.epoll.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), events, 0)
			return n > 0
		})
		if err != nil {
			return // closed
		}
		for _, e := range events[:n] {
			s := p.lookup(ticket{e.Fd, e.Pad})
			switch {
			case s == nil:
			case e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0:
				s.gone()
			default:
				s.room()
			}
		}
	}
}

func (p *poller) close() { _ = p.file.Close() }
