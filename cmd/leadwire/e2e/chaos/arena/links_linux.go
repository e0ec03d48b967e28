package arena

import (
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Manner is how a link treats packets.
type Manner struct {
	Loss   float64       // share of packets that are dropped, 0 to 1
	Delay  time.Duration // for each packet,
	Jitter time.Duration // and up to so much more; packets overtake each other then
}

// Cut drops what from sends to to, from now on; established connections notice nothing but silence.
func (n *Network) Cut(from, to *Host) error { return from.sees(to, nobody) }

// Mangle lets what from sends to to be lost and delayed.
func (n *Network) Mangle(from, to *Host, how Manner) error {
	n.forwarder.set(from.n, to.n, how)
	return from.sees(to, forwards)
}

// Heal makes the link what it was. Packets that are under way late still arrive.
func (n *Network) Heal(from, to *Host) error { return from.sees(to, to.n) }

// sees says which machine stands behind other's address, as far as h knows.
func (h *Host) sees(other *Host, behind byte) error {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	err := h.kernel.NeighSet(&netlink.Neigh{
		LinkIndex: h.device, Family: unix.AF_INET, State: netlink.NUD_PERMANENT, IP: ip(other.n), HardwareAddr: mac(behind),
	})
	if err != nil {
		return fmt.Errorf("link %s to %s: %w", h.Name, other.Name, err)
	}
	return nil
}
