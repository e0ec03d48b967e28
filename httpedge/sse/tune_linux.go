package sse

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// tune bounds what the kernel keeps for a client that does not read, and for how long it keeps one that
// is not there: see Config. A connection that cannot be tuned is served as it is.
func (s *Server) tune(c net.Conn) {
	raw, ok := socketOf(c).(syscall.Conn)
	if !ok {
		return
	}
	rc, err := raw.SyscallConn()
	if err != nil {
		return
	}
	_ = rc.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, s.config.SendBuffer)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(s.config.DeadPeer.Milliseconds()))
	})
}
