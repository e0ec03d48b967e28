//go:build !linux

package sse

import "net"

// poller exists on Linux only.
type poller struct{}

func newPoller() (*poller, error) { return nil, nil }

func (*poller) run()   {}
func (*poller) close() {}

func (s *Server) link(c net.Conn) link {
	return &goroutines{conn: c, tracked: &s.tracked, stall: s.config.Stall}
}
