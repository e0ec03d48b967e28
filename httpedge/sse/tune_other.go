//go:build !linux

package sse

import "net"

// tune bounds what the kernel keeps for a client that does not read. A dead network is left to the
// stall clock here.
func (s *Server) tune(c net.Conn) {
	if tcp, ok := socketOf(c).(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(s.config.SendBuffer)
	}
}
