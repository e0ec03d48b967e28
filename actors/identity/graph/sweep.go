package graph

import (
	"encoding/binary"
	"net/netip"
)

// sweep turns networks, which contain one another, into ranges, which do not: it is given them by first address,
// wider ones first, and writes from which address on whose the addresses are.
//
//	10.0.0.0/8  A   ┌───────────A───────────┐
//	10.1.0.0/16 B        ┌──B──┐                   ──▶  10.0.0.0 A, 10.1.0.0 B, 10.2.0.0 A, 11.0.0.0 nobody
//
// Finding the longest prefix is then finding the last address at or before the one asked for. It holds as many
// networks as lie within one another, 129 at most.
type sweep struct {
	write func([]byte) error
	stack []stretch
	// next is written once it is known that no other range begins at the same address.
	next    netip.Addr
	nextRef uint32
	last    uint32 // what the last range written says
	err     error
}

// stretch is a network that is open: its last address and whose it is.
type stretch struct {
	end netip.Addr
	ref uint32
}

func (s *sweep) add(p netip.Prefix, ref uint32) {
	s.closeBefore(p.Addr())
	s.from(p.Addr(), ref)
	s.stack = append(s.stack, stretch{lastOf(p), ref})
}

// finish ends what is open.
func (s *sweep) finish() error {
	s.closeBefore(netip.Addr{})
	s.emit()
	return s.err
}

// closeBefore ends the networks that end before an address; all of them before no address.
func (s *sweep) closeBefore(a netip.Addr) {
	for len(s.stack) > 0 {
		top := s.stack[len(s.stack)-1]
		if a.IsValid() && top.end.Compare(a) >= 0 {
			return
		}
		s.stack = s.stack[:len(s.stack)-1]
		after := top.end.Next()
		if !after.IsValid() { // the last of all addresses
			continue
		}
		outer := uint32(0)
		if len(s.stack) > 0 {
			outer = s.stack[len(s.stack)-1].ref
		}
		s.from(after, outer)
	}
}

func (s *sweep) from(a netip.Addr, ref uint32) {
	if s.next.IsValid() && s.next != a {
		s.emit()
	}
	s.next, s.nextRef = a, ref
}

func (s *sweep) emit() {
	if !s.next.IsValid() || s.nextRef == s.last || s.err != nil {
		return
	}
	s.last = s.nextRef
	s.err = s.write(binary.BigEndian.AppendUint32(s.next.AsSlice(), s.nextRef))
}

// lastOf is a prefix's last address.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 1 << (7 - bit%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
