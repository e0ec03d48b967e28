package cluster

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// giveUpAfter has the kernel end a connection that we dialled when its bytes are not acknowledged for that long. Without it what
// was sent before a network came apart is sent again in ever longer pauses, and what comes after it waits behind it long after the
// network is whole. Questions of the kernel's own (keep-alive) are not asked there: one that is lost on the way would end it.
func giveUpAfter(d time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		// An error only means the kernel's own patience.
		return c.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
		})
	}
}
