package graph

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
)

// Verify reads all of a file: every block against its checksum, then whether the parts fit together: slots in
// order and where a lookup looks, each with a record of the right kind that can be read. It tells on the
// way how many of how many bytes and keys are done.
func (f *File) Verify(ctx context.Context, tell func(done, total int64)) error {
	if err := f.verify(ctx, tell); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return domain.Fail("verify graph "+f.path, domain.Invalid, err)
	}
	return nil
}

func (f *File) verify(ctx context.Context, tell func(done, total int64)) error {
	if tell == nil {
		tell = func(int64, int64) {}
	}
	blocks, slots := int64(f.head.Sums.At/blockSize), int64(f.head.Slots.Len/slotSize)
	total := blocks + slots
	warm(f.data)
	lies, wrong, first := f.lies.Load(), 0, uint64(0)
	for block := int64(1); block < blocks; block++ {
		if block%looks == 0 {
			if tell(block, total); ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if !f.check(lies, uint64(block)) {
			if wrong++; wrong == 1 {
				first = uint64(block)
			}
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d blocks are damaged, the first at byte %d", wrong, blocks, first*blockSize)
	}
	counts, err := f.verifySlots(ctx, func(slot int64) { tell(blocks+slot, total) })
	if err != nil {
		return err
	}
	if counts != f.head.Keys {
		return errors.New("the header counts other keys than there are")
	}
	if err := f.verifyRanges(f.head.Net4, net4Size); err != nil {
		return err
	}
	if err := f.verifyRanges(f.head.Net6, net6Size); err != nil {
		return err
	}
	tell(total, total)
	return nil
}

func (f *File) verifySlots(ctx context.Context, tell func(slot int64)) (counts [kinds]uint64, err error) {
	c := f.cursor()
	last := fingerprint{} // smaller than all
	for c.next() {
		if c.at%looks == 0 {
			if tell(int64(c.at)); ctx.Err() != nil {
				return counts, ctx.Err()
			}
		}
		ref, ok := f.find(c.print)
		switch {
		case c.print.compare(last) <= 0:
			return counts, fmt.Errorf("the key in slot %d is not in order", c.at)
		case !ok || ref != c.ref:
			return counts, fmt.Errorf("the key in slot %d is not where a lookup looks", c.at)
		}
		last = c.print
		counts[c.print.kind()]++
		kind := kindPerson
		if c.print.kind() == kindCompany {
			kind = kindCompany
		}
		if err := f.verifyRecord(c.ref, kind, c.print); err != nil {
			return counts, fmt.Errorf("the key in slot %d %w", c.at, err)
		}
	}
	return counts, c.err()
}

// verifyRecord reads a record, and where the key is the record's own name, compares it.
func (f *File) verifyRecord(ref uint32, kind byte, p fingerprint) error {
	fields, ok := f.record(ref, kind)
	if !ok {
		return errors.New("has no record")
	}
	name := ""
	switch p.kind() {
	case kindPerson:
		name = string(fields.person().ID)
	case kindCompany:
		name = fields.company().Domain
	default:
		fields.text()
		if fields.bad {
			return errors.New("has a record that cannot be read")
		}
		return nil
	}
	if own, _ := ofText(kind, name); fields.bad || len(fields.rest) > 0 || own != p {
		return errors.New("has a record that cannot be read, or another's")
	}
	return nil
}

func (f *File) verifyRanges(s span, size uint64) error {
	var last []byte
	for at := uint64(0); at < s.Len; at += size {
		entry, ok := f.in(s, at, size)
		if !ok {
			return errors.New("a network cannot be read")
		}
		if address := entry[:size-4]; last != nil && bytes.Compare(last, address) >= 0 {
			return errors.New("the networks are not in order")
		} else {
			last = address
		}
		if ref := binary.BigEndian.Uint32(entry[size-4:]); ref != 0 {
			if _, ok := f.record(ref, kindCompany); !ok {
				return errors.New("a network has no company")
			}
		}
	}
	return nil
}

// cursor goes through the keys in order.
type cursor struct {
	f     *File
	at    uint64 // slots seen, empty ones too
	print fingerprint
	ref   uint32
	bad   bool
}

func (f *File) cursor() *cursor { return &cursor{f: f} }

func (c *cursor) next() bool {
	for !c.bad && c.at < c.f.head.Slots.Len/slotSize {
		slot, ok := c.f.in(c.f.head.Slots, c.at*slotSize, slotSize)
		if !ok {
			c.bad = true
			return false
		}
		c.at++
		if c.print = readFingerprint(slot); !c.print.empty() {
			c.ref = binary.BigEndian.Uint32(slot[12:])
			return true
		}
	}
	return false
}

func (c *cursor) err() error {
	if c.bad {
		return errors.New("the keys are damaged")
	}
	return nil
}
