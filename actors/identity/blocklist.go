package identity

import (
	"encoding/hex"
	"iter"
	"net/netip"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/glob"
)

// blocklist is a set of suppressions, made for millions of e-mails: an e-mail is a row in ids, its digests in a
// slab, and a count per digest in its table; some 210 bytes with all three digests, 110 with one. Nothing in
// it is a pointer per entry, so the garbage collector passes over it.
type blocklist struct {
	tables []*table
	places map[place]int // into tables
	ids    map[digest]row
	slab   []digest
	free   map[uint8][]uint32 // places in the slab that removed rows left, by their length
	wide   map[digest]wide    // domains, regions, networks, paths: fewer, and found by what they are
	counts map[label]int
}

// place is where a suppression holds: everywhere, in an account, or at a pixel.
type place struct {
	account domain.AccountID
	pixel   domain.PixelID
}

type row struct {
	table uint32
	at    uint32 // in the slab
	n     uint8  // digests there
	kind  uint8  // in kinds
}

type wide struct {
	network netip.Prefix
	text    string
}

type label struct {
	scope domain.SuppressionScope
	kind  domain.SuppressionKind
}

// table is what holds at one place. Counts, because two suppressions may share a digest.
type table struct {
	scope     domain.SuppressionScope
	exact     [exactKinds]map[digest]uint32
	companies map[string]uint32
	regions   map[string]uint32
	networks  map[netip.Prefix]uint32
	lengths   [2]map[int]uint32 // of networks, IPv4 and IPv6: only these have to be looked for
	paths     map[string]uint32
}

// kinds in the order they are checked; the first exactKinds are found by a digest.
var kinds = [...]domain.SuppressionKind{
	domain.SuppressEmail, domain.SuppressPhone, domain.SuppressPerson, domain.SuppressCompany, domain.SuppressRegion,
	domain.SuppressNetwork, domain.SuppressPath,
}

const (
	email = iota
	phone
	person
	exactKinds
	company = iota - 1
	region  = iota - 1
	network = iota - 1
	path    = iota - 1
)

func newBlocklist() *blocklist {
	return &blocklist{
		places: map[place]int{}, ids: map[digest]row{}, free: map[uint8][]uint32{}, wide: map[digest]wide{}, counts: map[label]int{},
	}
}

// add puts a suppression in force; what is there already stays.
func (l *blocklist) add(s domain.Suppression) {
	id := idOf(s.ID)
	kind, known := kindOf(s.Kind)
	if _, there := l.ids[id]; there || !known {
		return
	}
	r := row{table: l.tableOf(s), kind: kind}
	t := l.tables[r.table]
	switch {
	case kind < exactKinds:
		var buf [12]digest // three variants in three digests, with room
		keys := buf[:0]
		for k := range keysOf(s, kind) {
			if len(keys) < maxDigests {
				keys = append(keys, k)
			}
		}
		if len(keys) == 0 {
			return
		}
		r.n = uint8(len(keys))
		r.at = l.keep(keys)
		for _, k := range keys {
			t.exact[kind] = counted(t.exact[kind], k, 1)
		}
	default:
		w := wide{s.Network, s.Value}
		l.wide[id] = w
		t.widen(kind, w, 1)
	}
	l.ids[id] = r
	l.counts[label{t.scope, kinds[kind]}]++
}

// maxDigests bounds a row: an e-mail has at most three variants. A store that held more would be damaged.
const maxDigests = 255

// remove lifts a suppression.
func (l *blocklist) remove(id string) {
	key := idOf(id)
	r, there := l.ids[key]
	if !there {
		return
	}
	t := l.tables[r.table]
	if r.kind < exactKinds {
		for _, k := range l.slab[r.at : r.at+uint32(r.n)] {
			t.exact[r.kind] = counted(t.exact[r.kind], k, -1)
		}
		l.free[r.n] = append(l.free[r.n], r.at)
	} else {
		t.widen(r.kind, l.wide[key], -1)
		delete(l.wide, key)
	}
	delete(l.ids, key)
	l.counts[label{t.scope, kinds[r.kind]}]--
}

func (l *blocklist) tableOf(s domain.Suppression) uint32 {
	at := place{s.Account, s.Pixel}
	n, ok := l.places[at]
	if !ok {
		n = len(l.tables)
		l.places[at] = n
		l.tables = append(l.tables, &table{scope: s.Scope, lengths: [2]map[int]uint32{{}, {}}})
	}
	return uint32(n)
}

func (l *blocklist) keep(keys []digest) uint32 {
	n := uint8(len(keys))
	if free := l.free[n]; len(free) > 0 {
		at := free[len(free)-1]
		l.free[n] = free[:len(free)-1]
		copy(l.slab[at:], keys)
		return at
	}
	l.slab = append(l.slab, keys...)
	return uint32(len(l.slab) - len(keys))
}

func (t *table) widen(kind uint8, w wide, by int) {
	switch kind {
	case company:
		t.companies = counted(t.companies, w.text, by)
	case region:
		t.regions = counted(t.regions, w.text, by)
	case path:
		t.paths = counted(t.paths, w.text, by)
	case network:
		t.networks = counted(t.networks, w.network, by)
		family := familyOf(w.network.Addr())
		t.lengths[family] = counted(t.lengths[family], w.network.Bits(), by)
	}
}

// at is what holds at a place, nil when nothing does.
func (l *blocklist) at(p place) *table {
	if n, ok := l.places[p]; ok {
		return l.tables[n]
	}
	return nil
}

// check finds the first kind of suppression that the subject falls under.
func (t *table) check(s *Subject) (kind int, found bool) {
	for kind := range exactKinds {
		if held := t.exact[kind]; len(held) > 0 {
			for k := range subjectKeys(s, kind) {
				if _, there := held[k]; there {
					return kind, true
				}
			}
		}
	}
	switch {
	case len(t.companies) > 0 && t.hasCompany(s.Companies):
		return company, true
	case len(t.regions) > 0 && t.hasRegion(s.Regions):
		return region, true
	case len(t.networks) > 0 && s.Address.IsValid() && t.inNetwork(s.Address.Unmap().WithZone("")):
		return network, true
	case len(t.paths) > 0 && t.hasPath(s.Paths):
		return path, true
	}
	return 0, false
}

// hasCompany looks for a domain and every domain above it.
func (t *table) hasCompany(names []string) bool {
	for _, name := range names {
		name = normalDomain(name)
		for more := name != ""; more; _, name, more = strings.Cut(name, ".") {
			if _, there := t.companies[name]; there {
				return true
			}
		}
	}
	return false
}

func (t *table) hasRegion(regions []Region) bool {
	for _, r := range regions {
		country, division := r.codes()
		_, in := t.regions[country]
		_, within := t.regions[division]
		if in || within { // no region is empty, so nothing that is not said is one
			return true
		}
	}
	return false
}

func (t *table) hasPath(paths []string) bool {
	for pattern := range t.paths {
		for _, p := range paths {
			if glob.Match(pattern, p) {
				return true
			}
		}
	}
	return false
}

func (t *table) inNetwork(a netip.Addr) bool {
	for bits := range t.lengths[familyOf(a)] {
		if p, err := a.Prefix(bits); err == nil {
			if _, there := t.networks[p]; there {
				return true
			}
		}
	}
	return false
}

// keysOf are the digests that a suppression is found by.
func keysOf(s domain.Suppression, kind uint8) iter.Seq[digest] {
	return func(yield func(digest) bool) {
		switch kind {
		case email:
			eachHEM(s.HEMs, yield)
		case phone:
			if k, ok := halfOf(s.Value); ok {
				yield(k)
			}
		default:
			yield(digestOf(s.Value))
		}
	}
}

// subjectKeys are the digests that a subject may be suppressed by. Somebody known by a hashed e-mail alone has
// it in its id, and nowhere else once the hit that told it is past.
func subjectKeys(s *Subject, kind int) iter.Seq[digest] {
	return func(yield func(digest) bool) {
		for i := range s.learned {
			if h := &s.learned[i]; int(h.kind) == kind && !yield(h.half) {
				return
			}
		}
		switch kind {
		case email:
			if !eachHEM(s.HEMs, yield) {
				return
			}
			if text, ours := strings.CutPrefix(string(s.Person), hemPerson); ours {
				if k, ok := halfOf(text); ok {
					yield(k)
				}
			}
		case phone:
			for _, p := range s.Phones {
				if k, ok := halfOf(p); ok && !yield(k) {
					return
				}
			}
		case person:
			if s.Person != "" {
				yield(digestOf(string(s.Person)))
			}
		}
	}
}

// eachHEM is false when yield wants no more.
func eachHEM(hems []domain.HEM, yield func(digest) bool) bool {
	for i := range hems {
		for _, text := range [...]string{hems[i].SHA256, hems[i].SHA1, hems[i].MD5} {
			if k, ok := halfOf(text); ok && !yield(k) {
				return false
			}
		}
	}
	return true
}

// halfOf is the first 16 bytes of a hash in hexadecimal digits: it is random already.
func halfOf(text string) (d digest, ok bool) {
	if len(text) < 2*len(d) {
		return d, false
	}
	var buf [2 * len(d)]byte
	copy(buf[:], text)
	_, err := hex.Decode(d[:], buf[:])
	return d, err == nil
}

// idOf is a suppression's id in 16 bytes; ours are just that.
func idOf(id string) digest {
	if d, ok := halfOf(id); ok && len(id) == 2*len(d) {
		return d
	}
	return digestOf(id)
}

func kindOf(kind domain.SuppressionKind) (uint8, bool) {
	for i, k := range kinds {
		if k == kind {
			return uint8(i), true
		}
	}
	return 0, false // of a later release
}

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// counted adds to a count and drops it at zero; the map is made when it is needed.
func counted[K comparable](m map[K]uint32, key K, by int) map[K]uint32 {
	if m == nil {
		m = map[K]uint32{}
	}
	switch n := int(m[key]) + by; {
	case n <= 0:
		delete(m, key)
	default:
		m[key] = uint32(n)
	}
	return m
}
