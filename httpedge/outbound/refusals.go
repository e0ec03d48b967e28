package outbound

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// refusals writes what was refused into the log, with the address, which receipts leave out. At most one line a
// second: whoever may cause refusals must not be able to fill a disk with them. The metric counts all.
type refusals struct {
	log   *slog.Logger
	clock domain.Clock

	mu      sync.Mutex
	next    time.Time
	skipped int
}

func (r *refusals) note(host string, addr netip.Addr, rule Rule) {
	now := r.clock.Now()
	r.mu.Lock()
	if now.Before(r.next) {
		r.skipped++
		r.mu.Unlock()
		return
	}
	skipped := r.skipped
	r.next, r.skipped = now.Add(time.Second), 0
	r.mu.Unlock()
	r.log.Warn("outbound: refused an address", "host", host, "address", addr, "rule", rule, "others_since", skipped)
}
