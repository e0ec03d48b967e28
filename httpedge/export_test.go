package httpedge

import (
	"log/slog"
	"net"
	"strings"
)

// Patient is the listener that waits out a shortage of files.
func Patient(ln net.Listener) net.Listener {
	return &listener{Listener: ln, log: slog.New(slog.DiscardHandler)}
}

// Routes lists what s serves, "GET /path", as OpenAPI writes paths.
func Routes(s *Server) []string {
	var out []string
	for _, r := range s.routes() {
		out = append(out, r.method+" "+strings.ReplaceAll(r.path, "...}", "}"))
	}
	return out
}
