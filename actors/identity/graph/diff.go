package graph

import (
	"cmp"
	"context"
	"encoding/binary"
	"net/netip"
	"reflect"

	"github.com/leadwire/leadwire/actors/domain"
)

// Change is what became of a key, a person or a company from one file to another.
type Change string

// The changes.
const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed" // a key: belongs to somebody else; a person or a company: its record says something else
)

// Difference is one change. Keys are told by the beginning of their fingerprint: the file does not have more.
type Difference struct {
	Change Change `json:"change"`
	Kind   string `json:"kind"`
	Key    string `json:"key,omitempty"` // the fingerprint, in hex
	Old    string `json:"old,omitempty"` // a person's id, or a company's domain
	New    string `json:"new,omitempty"`
}

// Differences is what changed from one file to another.
type Differences struct {
	Same bool `json:"same"` // to the byte
	// Counts by kind ("visitor", ..., "person", "company", "network" for ranges of addresses), then by change.
	Counts map[string]map[Change]int64 `json:"counts"`
	List   []Difference                `json:"list,omitempty"`
}

// Compare goes through two files side by side. list is how many examples to give of each kind and change; tell is
// told how many of how many keys are done.
func Compare(ctx context.Context, before, after *File, list int, tell func(done, total int64)) (Differences, error) {
	d := differ{before: before, after: after, list: list, out: Differences{
		Same: before.head.Root == after.head.Root, Counts: map[string]map[Change]int64{},
	}}
	if d.out.Same {
		return d.out, nil
	}
	if err := d.keys(ctx, tell); err != nil {
		return Differences{}, domain.Fail("compare graphs", domain.CodeOf(err), err)
	}
	d.ranges(before.head.Net4, after.head.Net4, net4Size)
	d.ranges(before.head.Net6, after.head.Net6, net6Size)
	return d.out, nil
}

type differ struct {
	before, after *File
	list          int
	out           Differences
}

func (d *differ) note(change Change, kind, key, old, now string) {
	counts := d.out.Counts[kind]
	if counts == nil {
		counts = map[Change]int64{}
		d.out.Counts[kind] = counts
	}
	if counts[change]++; counts[change] <= int64(d.list) {
		d.out.List = append(d.out.List, Difference{change, kind, key, old, now})
	}
}

// keys merges the two files' slots: both are in the order of their fingerprints.
func (d *differ) keys(ctx context.Context, tell func(done, total int64)) error {
	a, b := d.before.cursor(), d.after.cursor()
	total := int64((d.before.head.Slots.Len + d.after.head.Slots.Len) / slotSize)
	moreA, moreB := a.next(), b.next()
	for steps := 0; moreA || moreB; steps++ {
		if steps%looks == 0 {
			if tell != nil {
				tell(int64(a.at+b.at), total)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		order := 0
		switch {
		case !moreA:
			order = 1
		case !moreB:
			order = -1
		default:
			order = a.print.compare(b.print)
		}
		switch {
		case order < 0:
			d.note(Removed, kindNames[a.print.kind()], a.print.String(), d.before.nameAt(a), "")
			moreA = a.next()
		case order > 0:
			d.note(Added, kindNames[b.print.kind()], b.print.String(), "", d.after.nameAt(b))
			moreB = b.next()
		default:
			d.both(a, b)
			moreA, moreB = a.next(), b.next()
		}
	}
	return cmp.Or(a.err(), b.err())
}

// both compares what the two files say of one key.
func (d *differ) both(a, b *cursor) {
	old, now := d.before.nameAt(a), d.after.nameAt(b)
	differs := old != now
	if kind := a.print.kind(); !differs && (kind == kindPerson || kind == kindCompany) {
		differs = !reflect.DeepEqual(d.before.contentAt(a, kind), d.after.contentAt(b, kind))
	}
	if differs {
		d.note(Changed, kindNames[a.print.kind()], a.print.String(), old, now)
	}
}

// nameAt is the id or domain in the record of the key that a cursor stands at.
func (f *File) nameAt(c *cursor) string {
	kind := kindPerson
	if c.print.kind() == kindCompany {
		kind = kindCompany
	}
	fields, ok := f.record(c.ref, kind)
	if !ok {
		return ""
	}
	return fields.text()
}

func (f *File) contentAt(c *cursor, kind byte) any {
	fields, ok := f.record(c.ref, kind)
	switch {
	case !ok:
		return nil
	case kind == kindCompany:
		return fields.company()
	}
	return fields.person()
}

// ranges goes through the addresses at which either file changes, and counts the stretches between them that
// are somebody else's.
func (d *differ) ranges(before, after span, size uint64) {
	i, j := uint64(0), uint64(0)
	old, now := "", ""
	for i < before.Len || j < after.Len {
		var a, b []byte
		if i < before.Len {
			a, _ = d.before.in(before, i, size)
		}
		if j < after.Len {
			b, _ = d.after.in(after, j, size)
		}
		at := b
		if b == nil || a != nil && string(a[:size-4]) <= string(b[:size-4]) {
			at = a
		}
		if at == nil { // damaged
			return
		}
		if a != nil && string(a[:size-4]) == string(at[:size-4]) {
			old, i = d.before.rangeName(a), i+size
		}
		if b != nil && string(b[:size-4]) == string(at[:size-4]) {
			now, j = d.after.rangeName(b), j+size
		}
		if address, _ := netip.AddrFromSlice(at[:size-4]); old != now {
			change := Changed
			switch "" {
			case old:
				change = Added
			case now:
				change = Removed
			}
			d.note(change, "network", "from "+address.String(), old, now)
		}
	}
}

func (f *File) rangeName(entry []byte) string {
	ref := binary.BigEndian.Uint32(entry[len(entry)-4:])
	if ref == 0 {
		return ""
	}
	fields, ok := f.record(ref, kindCompany)
	if !ok {
		return ""
	}
	return fields.text()
}
