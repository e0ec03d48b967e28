package arena

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Network is hosts on one switch. Outside is the test's own process, the first of them.
type Network struct {
	Outside *Host

	thread    *thread
	bridge    *netlink.Bridge
	forwarder *forwarder
	hosts     []*Host

	mu sync.Mutex // of links
}

// Host is one machine of the network: a namespace with one interface, "eth0".
type Host struct {
	Name    string
	Address string // IPv4, within 10.77.0.0/24; never routed anywhere

	network *Network
	n       byte
	ns      netns.NsHandle
	kernel  *netlink.Handle // of its namespace
	device  int             // index of eth0 there
}

// mac is the hardware address of machine n; 255 is nobody's.
func mac(n byte) net.HardwareAddr { return net.HardwareAddr{0x02, 'l', 'w', 0, 0, n} }

func ip(n byte) net.IP { return net.IPv4(10, 77, 0, n).To4() }

const (
	outside   = 1
	forwards  = 254
	nobody    = 255
	mostHosts = 100
)

// Allowed says whether Enter could make a network: nil or ErrForbidden.
func Allowed() error {
	if os.Getenv(inside) == "" {
		return ErrForbidden
	}
	return nil
}

// Open makes the switch, in the network that Enter has made. There is one at a time in a program.
func Open() (*Network, error) {
	if err := Allowed(); err != nil {
		return nil, err
	}
	t, err := newThread()
	if err != nil {
		return nil, err
	}
	n := &Network{thread: t}
	kernel, err := netlink.NewHandle()
	if err != nil {
		return nil, fmt.Errorf("talk to the kernel: %w", err)
	}
	n.Outside = &Host{Name: "outside", Address: ip(outside).String(), network: n, n: outside, ns: t.home, kernel: kernel}
	if err := n.makeSwitch(); err != nil {
		return nil, fmt.Errorf("make the switch: %w", forbidden(err))
	}
	n.hosts = []*Host{n.Outside}
	if n.forwarder, err = n.newForwarder(); err != nil {
		return nil, fmt.Errorf("make the forwarder: %w", forbidden(err))
	}
	return n, nil
}

// forbidden tells a kernel without bridges, veths or packet sockets from what went wrong.
func forbidden(err error) error {
	if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.EPERM) {
		return errors.Join(ErrForbidden, err)
	}
	return err
}

// Close takes the network apart, for the next one: with the program it goes by itself. Programs on its hosts should
// have ended.
func (n *Network) Close() error {
	errs := []error{n.forwarder.file.Close(), n.unplug(forwards), n.Outside.kernel.LinkDel(n.bridge)}
	for _, h := range n.hosts[1:] {
		errs = append(errs, n.unplug(h.n), h.ns.Close())
		h.kernel.Close()
	}
	n.Outside.kernel.Close()
	close(n.thread.work)
	return errors.Join(errs...)
}

func (n *Network) makeSwitch() error {
	k := n.Outside.kernel
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = "switch", mac(outside)
	n.bridge = &netlink.Bridge{LinkAttrs: attrs}
	if err := k.LinkAdd(n.bridge); err != nil {
		return err
	}
	if err := k.AddrAdd(n.bridge, &netlink.Addr{IPNet: &net.IPNet{IP: ip(outside), Mask: net.CIDRMask(24, 32)}}); err != nil {
		return err
	}
	n.Outside.device = n.bridge.Attrs().Index
	return k.LinkSetUp(n.bridge)
}

func loopbackUp(k *netlink.Handle) error {
	lo, err := k.LinkByName("lo")
	if err != nil {
		return err
	}
	return k.LinkSetUp(lo)
}

// plug makes a pair of interfaces of machine n, of which one is in the switch; the other has its MAC.
func (n *Network) plug(number byte) (end netlink.Link, err error) {
	k := n.Outside.kernel
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MasterIndex = fmt.Sprintf("port%d", number), n.bridge.Attrs().Index
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: fmt.Sprintf("end%d", number), PeerHardwareAddr: mac(number)}
	if err := k.LinkAdd(pair); err != nil {
		return nil, err
	}
	if err := k.LinkSetUp(pair); err != nil {
		return nil, err
	}
	return k.LinkByName(pair.PeerName)
}

func (n *Network) unplug(number byte) error {
	port, err := n.Outside.kernel.LinkByName(fmt.Sprintf("port%d", number))
	if err != nil {
		return fmt.Errorf("unplug machine %d: %w", number, err)
	}
	return n.Outside.kernel.LinkDel(port)
}

// Host adds a machine, with links to all the others.
func (n *Network) Host(name string) (*Host, error) {
	number := byte(len(n.hosts) + 1)
	if number > mostHosts {
		return nil, fmt.Errorf("add host %s: the network has %d already", name, mostHosts)
	}
	h := &Host{Name: name, Address: ip(number).String(), network: n, n: number}
	if err := h.boot(); err != nil {
		return nil, fmt.Errorf("add host %s: %w", name, err)
	}
	for _, other := range n.hosts {
		if err := h.sees(other, other.n); err != nil {
			return nil, err
		}
		if err := other.sees(h, h.n); err != nil {
			return nil, err
		}
	}
	n.hosts = append(n.hosts, h)
	return h, nil
}

func (h *Host) boot() (err error) {
	if h.ns, err = h.network.thread.newNamespace(); err != nil {
		return err
	}
	if h.kernel, err = netlink.NewHandleAt(h.ns); err != nil {
		return err
	}
	end, err := h.network.plug(h.n)
	if err != nil {
		return err
	}
	if err := h.network.Outside.kernel.LinkSetNsFd(end, int(h.ns)); err != nil {
		return err
	}
	if end, err = h.kernel.LinkByName(end.Attrs().Name); err != nil {
		return err
	}
	if err := h.kernel.LinkSetName(end, "eth0"); err != nil {
		return err
	}
	h.device = end.Attrs().Index
	if err := h.kernel.AddrAdd(end, &netlink.Addr{IPNet: &net.IPNet{IP: ip(h.n), Mask: net.CIDRMask(24, 32)}}); err != nil {
		return err
	}
	if err := h.kernel.LinkSetUp(end); err != nil {
		return err
	}
	return loopbackUp(h.kernel)
}

// Start starts a program on the host; files it shares with everybody.
func (h *Host) Start(cmd *exec.Cmd) error { return h.network.thread.in(h.ns, cmd.Start) }
