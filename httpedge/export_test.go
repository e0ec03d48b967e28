package httpedge

import (
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Patient is the listener that waits out a shortage of files.
func Patient(ln net.Listener) net.Listener {
	return newListener(ln, newConns(2, time.Second), slog.New(slog.DiscardHandler))
}

// Routes lists what s serves, "GET /path", as OpenAPI writes paths.
func Routes(s *Server) []string {
	var out []string
	for _, r := range s.routes() {
		out = append(out, r.method+" "+strings.ReplaceAll(r.path, "...}", "}"))
	}
	return out
}

// RouteNames lists the routes as metrics name them.
func RouteNames(s *Server) []string {
	var out []string
	for _, r := range s.routes() {
		out = append(out, r.name)
	}
	return out
}

// ConnectionsFor is the default limit of connections under a limit of files.
var ConnectionsFor = connectionsFor

// ForwardedFor is whom X-Forwarded-For names when these addresses are trusted.
func ForwardedFor(nearest netip.Addr, trusted []netip.Prefix, headers ...string) netip.Addr {
	s := &Server{proxies: trusted}
	raw := make([][]byte, len(headers))
	for i, h := range headers {
		raw[i] = []byte(h)
	}
	return s.forwardedFor(nearest, raw)
}
