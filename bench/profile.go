package bench

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// maxProfile bounds a CPU profile; one of a minute is well under 1 MiB.
const maxProfile = 64 << 20

// profile writes a CPU profile of the server over the time to come, if the run asked for one. A server that is
// not ours (nil) gives none.
func (p *process) profile(ctx context.Context, over time.Duration) error {
	if p == nil || p.profileTo == "" {
		return nil
	}
	seconds := max(1, int(over.Seconds()))
	client := &http.Client{Timeout: over + 30*time.Second}
	defer client.CloseIdleConnections()
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", p.profiler, seconds)
	body, err := fetch(ctx, client, url, maxProfile)
	if err != nil {
		return err
	}
	return os.WriteFile(p.profileTo, body, 0o644)
}

// profileFor is profile for a run that goes on without: the report says why it has none.
func (p *process) profileFor(ctx context.Context, r *Report, over time.Duration) {
	if err := p.profile(ctx, over); err != nil {
		r.note("no profile: %v", err)
	}
}

// freeAddress is one that nobody listens on by now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
