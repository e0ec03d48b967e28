package arena

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// forwarder is the machine that mangled packets go through: it takes frames as they are, drops some, and sends the
// others on to whom they were for.
type forwarder struct {
	file    *os.File // a packet socket on its interface
	waiting atomic.Int64
	dropped atomic.Int64

	mu      sync.Mutex
	manners map[[2]byte]Manner
	chance  *rand.Rand
}

const (
	// header stands before each frame: what the sender's kernel has left for a network card to do, checksums and
	// the cutting of long segments. It is passed on as it came.
	header = 10
	frames = header + 14 + 65536
	// mostWaiting bounds the frames that are delayed: a second of 20,000, some 30 MB; more are dropped.
	mostWaiting = 20_000
)

func (n *Network) newForwarder() (*forwarder, error) {
	end, err := n.plug(forwards)
	if err != nil {
		return nil, err
	}
	if err := n.Outside.kernel.LinkSetUp(end); err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(network(unix.ETH_P_IP)))
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := &forwarder{file: os.NewFile(uintptr(fd), "forwarder"), manners: map[[2]byte]Manner{}, chance: rand.New(rand.NewPCG(0, 0))}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: network(unix.ETH_P_IP), Ifindex: end.Attrs().Index}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	go f.run()
	return f, nil
}

// network is a number in the network's byte order.
func network(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}

// Seed makes what is lost, and how late the rest is, the same for the same packets.
func (n *Network) Seed(seed uint64) {
	n.forwarder.mu.Lock()
	defer n.forwarder.mu.Unlock()
	n.forwarder.chance = rand.New(rand.NewPCG(seed, 1))
}

func (f *forwarder) set(from, to byte, how Manner) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.manners[[2]byte{from, to}] = how
}

// run passes frames on until the program ends.
func (f *forwarder) run() {
	buffer := make([]byte, frames)
	for {
		size, err := f.file.Read(buffer)
		if err != nil {
			return
		}
		if frame := buffer[:size]; f.mine(frame) {
			f.pass(frame)
		}
	}
}

// mine: frames to machines that do not exist reach everybody.
func (f *forwarder) mine(frame []byte) bool {
	return len(frame) >= header+14+20 && bytes.Equal(frame[header:header+6], mac(forwards))
}

func (f *forwarder) pass(frame []byte) {
	packet := frame[header+14:]
	from, to := packet[15], packet[19] // the last bytes of the addresses
	drop, delay := f.fate(from, to)
	if drop || f.waiting.Load() >= mostWaiting {
		f.dropped.Add(1)
		return
	}
	copy(frame[header:], mac(to))
	copy(frame[header+6:], mac(forwards))
	if delay == 0 {
		f.send(frame)
		return
	}
	late := bytes.Clone(frame)
	f.waiting.Add(1)
	time.AfterFunc(delay, func() {
		f.waiting.Add(-1)
		f.send(late)
	})
}

func (f *forwarder) fate(from, to byte) (drop bool, delay time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how := f.manners[[2]byte{from, to}]
	if f.chance.Float64() < how.Loss {
		return true, 0
	}
	return false, how.Delay + time.Duration(f.chance.Float64()*float64(how.Jitter))
}

// send: what the switch does not take is a packet lost.
func (f *forwarder) send(frame []byte) {
	if _, err := f.file.Write(frame); err != nil {
		f.dropped.Add(1)
	}
}
