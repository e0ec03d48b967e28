package bench

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller is one epoll. Descriptors are known by the slot their owner gave, and by a generation, so that
// an event of a connection that was closed meanwhile is told from one of its slot's next tenant.
type poller struct {
	fd     int
	events []unix.EpollEvent
}

// ready is what a wait found for one descriptor.
type ready struct {
	slot           int
	generation     int32
	readable, free bool // something to read (or the end); room to write
	ended          bool // the other side has ended: behind what there is to read
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create epoll: %w", err)
	}
	return &poller{fd: fd, events: make([]unix.EpollEvent, 512)}, nil
}

func (p *poller) close() { _ = unix.Close(p.fd) }

// add watches a descriptor, edge by edge: readers must read until there is nothing left.
func (p *poller) add(fd, slot int, generation int32) error {
	ev := unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET,
		Fd:     int32(slot), Pad: generation, // the kernel hands these 8 bytes back and reads nothing into them
	}
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &ev)
}

// wait sleeps until something is ready or timeout is over, to the nanosecond where the kernel can
// (Linux 5.11; before it, to the millisecond), and calls each for every ready descriptor.
func (p *poller) wait(timeout time.Duration, each func(ready)) error {
	ts := unix.NsecToTimespec(max(0, int64(timeout)))
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd),
		uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), uintptr(unsafe.Pointer(&ts)), 0, 0)
	count := int(n)
	if errno == unix.ENOSYS {
		var err error
		count, err = unix.EpollWait(p.fd, p.events, int((timeout+time.Millisecond-1)/time.Millisecond))
		errno = 0
		if err != nil && !errors.As(err, &errno) {
			return err
		}
	}
	if errno == unix.EINTR {
		return nil
	}
	if errno != 0 {
		return fmt.Errorf("wait for sockets: %w", errno)
	}
	for _, ev := range p.events[:count] {
		each(ready{
			slot: int(ev.Fd), generation: ev.Pad,
			readable: ev.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0,
			free:     ev.Events&unix.EPOLLOUT != 0,
			ended:    ev.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0,
		})
	}
	return nil
}

// sharpTimers asks the kernel to wake this thread within a microsecond of a timeout and not, as is
// usual, within 50. The caller has locked its goroutine to the thread.
func sharpTimers() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1000, 0, 0, 0) }

// dial begins a TCP connection; it is open when the descriptor has room to write.
func dial(to netip.AddrPort) (int, error) {
	family, address := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()})
	if to.Addr().Unmap().Is4() {
		family, address = unix.AF_INET, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().Unmap().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open socket: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err := unix.Connect(fd, address); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connect to %s: %w", to, err)
	}
	return fd, nil
}

// connected says how a connection that dial began has ended up.
func connected(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	return err
}

// again says that a read or a write found the socket not ready: nothing is wrong.
func again(err error) bool { return errors.Is(err, unix.EAGAIN) }

// retry repeats a call that a signal interrupted: with edge-triggered readiness nobody would call again.
func retry(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

func sysRead(fd int, b []byte) (int, error) {
	return retry(func() (int, error) { return unix.Read(fd, b) })
}

func sysWrite(fd int, b []byte) (int, error) {
	return retry(func() (int, error) { return unix.SendmsgN(fd, b, nil, nil, unix.MSG_NOSIGNAL) })
}

func sysClose(fd int) { _ = unix.Close(fd) }
