package cluster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// limiter lets a few events a second through and counts the rest.
type limiter struct {
	perSecond int

	mu      sync.Mutex
	second  int64
	passed  int
	dropped int
}

// allow reports whether an event may pass, and how many did not since the last that did.
func (l *limiter) allow(now time.Time) (dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := now.Unix(); s != l.second {
		l.second, l.passed = s, 0
	}
	if l.passed >= l.perSecond {
		l.dropped++
		return 0, false
	}
	l.passed++
	dropped, l.dropped = l.dropped, 0
	return dropped, true
}

// runtimeHandler carries the actor runtime's and the gossip library's own logs. They speak of every
// connection and every retry, hundreds of lines when one node dies; what matters of that we log
// ourselves. Only errors pass, as warnings because each of them is survived, one a second.
type runtimeHandler struct {
	slog.Handler
	limit *limiter
}

func newRuntimeLog(log *slog.Logger) *slog.Logger {
	return slog.New(runtimeHandler{log.Handler(), &limiter{perSecond: 1}}).With("part", "runtime")
}

// Enabled is part of slog.Handler.
func (h runtimeHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelError && h.Handler.Enabled(ctx, slog.LevelWarn)
}

// Handle is part of slog.Handler.
func (h runtimeHandler) Handle(ctx context.Context, r slog.Record) error {
	if closedByUs(r) {
		return nil
	}
	dropped, ok := h.limit.allow(r.Time)
	if !ok {
		return nil
	}
	r = r.Clone()
	r.Level = slog.LevelWarn
	if dropped > 0 {
		r.AddAttrs(slog.Int("not_logged_before", dropped))
	}
	return h.Handler.Handle(ctx, r)
}

// closedByUs recognises the connection to a member that left, which the runtime reports as lost.
func closedByUs(r slog.Record) (is bool) {
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok && status.Code(err) == codes.Canceled {
			is = true
		}
		return !is
	})
	return is
}

// WithAttrs is part of slog.Handler.
func (h runtimeHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return runtimeHandler{h.Handler.WithAttrs(attrs), h.limit}
}

// WithGroup is part of slog.Handler.
func (h runtimeHandler) WithGroup(name string) slog.Handler {
	return runtimeHandler{h.Handler.WithGroup(name), h.limit}
}

// gossipWriter takes the lines of memberlist's log.Logger, "[LEVEL] memberlist: ...". They are of use
// only to someone who looks for a fault in the network.
type gossipWriter struct{ log *slog.Logger }

// Write is part of io.Writer.
func (w gossipWriter) Write(line []byte) (int, error) {
	w.log.Debug("gossip", "line", string(line))
	return len(line), nil
}
