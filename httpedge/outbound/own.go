package outbound

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// ownFor is how long the list of this node's addresses is used. Addresses come and go with interfaces, rarely.
const ownFor = 30 * time.Second

// own knows this node's addresses. A public one is no less our own than 127.0.0.1 is.
type own struct {
	list  func() ([]netip.Addr, error)
	clock domain.Clock
	log   *slog.Logger

	mu    sync.Mutex
	until time.Time
	addrs map[netip.Addr]bool
}

// has says whether an address is one of this node's. When they cannot be listed it goes by those it knew last.
func (o *own) has(addr netip.Addr) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := o.clock.Now(); !now.Before(o.until) {
		o.until = now.Add(ownFor)
		addrs, err := o.list()
		if err != nil {
			o.log.Error("outbound: this node's own addresses cannot be listed; going by the last list", "known", len(o.addrs), "err", err)
		} else {
			o.addrs = make(map[netip.Addr]bool, len(addrs))
			for _, a := range addrs {
				o.addrs[a.Unmap().WithZone("")] = true
			}
		}
	}
	return o.addrs[addr]
}

func interfaceAddresses() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	addrs := make([]netip.Addr, 0, len(all))
	for _, a := range all {
		if n, is := a.(*net.IPNet); is {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				addrs = append(addrs, addr.Unmap())
			}
		}
	}
	return addrs, nil
}
