package graph

import (
	"encoding/binary"
	"net/netip"
	"sort"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

// Person is whom a key belongs to.
func (f *File) Person(k domain.Key) (domain.PersonID, bool) {
	print, ok := fingerprintOfKey(k)
	if !ok {
		return "", false
	}
	fields, ok := f.lookup(print, kindPerson)
	if !ok {
		return "", false
	}
	id := fields.text()
	if fields.bad || id == "" {
		f.broken()
		return "", false
	}
	return domain.PersonID(id), true
}

// Record is what the graph knows of a person.
func (f *File) Record(p domain.PersonID) (domain.Person, bool) {
	print, ok := ofText(kindPerson, string(p))
	if !ok {
		return domain.Person{}, false
	}
	fields, ok := f.lookup(print, kindPerson)
	if !ok {
		return domain.Person{}, false
	}
	person := fields.person()
	if fields.bad || person.ID != p {
		f.broken()
		return domain.Person{}, false
	}
	return withHEMs(person), true
}

// Company is what the graph knows of a company, by its domain.
func (f *File) Company(name string) (domain.Company, bool) {
	name = strings.ToLower(name)
	print, ok := ofText(kindCompany, name)
	if !ok {
		return domain.Company{}, false
	}
	fields, ok := f.lookup(print, kindCompany)
	if !ok {
		return domain.Company{}, false
	}
	company := fields.company()
	if fields.bad || company.Domain != name {
		f.broken()
		return domain.Company{}, false
	}
	return company, true
}

// Network is the domain of the company whose network an address is in: that of the longest prefix.
func (f *File) Network(a netip.Addr) (string, bool) {
	a = a.Unmap()
	if !a.IsValid() {
		return "", false
	}
	ref := f.networkRef(a)
	if ref == 0 {
		return "", false
	}
	fields, ok := f.record(ref, kindCompany)
	if !ok {
		return "", false
	}
	name := fields.text()
	if fields.bad {
		f.broken()
		return "", false
	}
	return name, name != ""
}

// networkRef finds the last address at or before a, and what holds from there on; 0: nobody's.
func (f *File) networkRef(a netip.Addr) uint32 {
	section, size, want := f.head.Net6, uint64(net6Size), a.AsSlice()
	if a.Is4() {
		section, size = f.head.Net4, net4Size
	}
	ok := true
	after := sort.Search(int(section.Len/size), func(i int) bool {
		at, sound := f.in(section, uint64(i)*size, size)
		ok = ok && sound
		return sound && string(at[:len(want)]) > string(want)
	})
	if !ok || after == 0 {
		return 0
	}
	at, ok := f.in(section, uint64(after-1)*size, size)
	if !ok {
		return 0
	}
	return binary.BigEndian.Uint32(at[len(want):])
}

// lookup finds a key's record and checks its kind.
func (f *File) lookup(p fingerprint, kind byte) (fields, bool) {
	ref, ok := f.find(p)
	if !ok {
		return fields{}, false
	}
	return f.record(ref, kind)
}

// find looks through the line that a fingerprint belongs in. Only where that is full of smaller ones, and that is
// one time in seven, does it look at the next.
func (f *File) find(p fingerprint) (ref uint32, ok bool) {
	home := homeOf(p, homesIn(f.head.Slots))
	for line := home; line < home+maxLines; line++ {
		slots, ok := f.in(f.head.Slots, line*lineSize, lineSize)
		if !ok {
			return 0, false
		}
		var last fingerprint
		for ; len(slots) > 0; slots = slots[slotSize:] {
			last = readFingerprint(slots)
			if last == p {
				return binary.BigEndian.Uint32(slots[12:]), true
			}
			if last.empty() {
				return 0, false
			}
		}
		if last.compare(p) > 0 {
			return 0, false
		}
	}
	return 0, false
}

// record opens the record at a reference.
func (f *File) record(ref uint32, kind byte) (fields, bool) {
	at := uint64(ref) * recordUnit
	if at < f.head.Records.At {
		f.broken()
		return fields{}, false
	}
	at -= f.head.Records.At
	size, ok := f.in(f.head.Records, at, 4)
	if !ok {
		return fields{}, false
	}
	n := uint64(binary.BigEndian.Uint32(size))
	if n < 2 || n > maxRecord {
		f.broken()
		return fields{}, false
	}
	body, ok := f.in(f.head.Records, at+4, n)
	if !ok {
		return fields{}, false
	}
	if body[0] != kind {
		f.broken()
		return fields{}, false
	}
	return fields{rest: body[1:], words: f}, true
}

// word is a value that many records share.
func (f *File) word(n uint64) (string, bool) {
	places := f.head.WordsAt.Len / 4
	if n >= places || n+1 >= places {
		return "", false
	}
	bounds, ok := f.in(f.head.WordsAt, n*4, 8)
	if !ok {
		return "", false
	}
	from, to := uint64(binary.BigEndian.Uint32(bounds)), uint64(binary.BigEndian.Uint32(bounds[4:]))
	if from >= to || to-from > maxRecord {
		return "", false
	}
	text, ok := f.in(f.head.Words, from, to-from)
	return string(text), ok
}
