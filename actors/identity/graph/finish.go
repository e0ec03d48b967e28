package graph

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity/graph/spill"
)

// Finish sorts, writes and names the file. It stops when ctx ends.
func (b *Builder) Finish(ctx context.Context) (Summary, error) {
	if err := b.finish(ctx); err != nil {
		return Summary{}, fmt.Errorf("build %s: %w", b.cfg.Out, err)
	}
	for _, s := range []*spill.Sorter{b.companies, b.networks, b.ranges, b.persons, b.keys} {
		b.sum.Spilled += s.Spilled()
	}
	f, err := Open(b.cfg.Out) // what cannot be opened was not built
	if err != nil {
		return Summary{}, err
	}
	b.sum.Info = f.Info()
	b.sum.Took = b.cfg.Now().Sub(b.began)
	return b.sum, f.Close()
}

func (b *Builder) finish(ctx context.Context) (err error) {
	if b.companies.Added()+b.networks.Added()+b.persons.Added() == 0 {
		return domain.Fail("build graph", domain.Invalid, errNothing)
	}
	if b.out, err = newWriter(b.cfg.Out); err != nil {
		return err
	}
	b.out.head.BuiltAt = b.cfg.BuiltAt.UnixMilli()
	copy(b.out.head.Label[:], b.cfg.Label)
	records, err := b.out.begin()
	if err != nil {
		return err
	}
	if err := b.writeCompanies(ctx); err != nil {
		return err
	}
	if err := b.writePersons(ctx); err != nil {
		return err
	}
	if err := b.out.pad(recordUnit); err != nil {
		return err
	}
	b.out.head.Records = b.out.done(records)
	if err := b.writeSlots(ctx); err != nil {
		return err
	}
	if err := b.writeRanges(); err != nil {
		return err
	}
	if err := b.writeWords(); err != nil {
		return err
	}
	return b.out.finish()
}

// nextPlace is where a record will be. Its head, which is what most lookups read of it, lies on one line of the
// processor's cache, for some three bytes a record.
func (b *Builder) nextPlace(body []byte) (place uint32, err error) {
	if err := b.out.pad(recordUnit); err != nil {
		return 0, err
	}
	if head := headOf(body); head <= lineSize && b.out.at%lineSize+head > lineSize {
		err = b.out.pad(lineSize)
	}
	return uint32(b.out.at / recordUnit), err
}

// headOf is how long a record is up to the end of its name, the number of its length included.
func headOf(body []byte) uint64 {
	f := fields{rest: body[1:]}
	f.own()
	return uint64(4 + len(body) - len(f.rest))
}

// writeRecord appends a record and says where it is.
func (b *Builder) writeRecord(body []byte) (place uint32, err error) {
	if place, err = b.nextPlace(body); err != nil {
		return 0, err
	}
	if _, err := b.out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(body)))); err != nil {
		return 0, err
	}
	_, err = b.out.Write(body)
	return place, err
}

// addKey hands a key to the sorting by fingerprint. after is what newestFirst made of its time.
func (b *Builder) addKey(print fingerprint, after []byte, place uint32) error {
	b.key = append(print.appendTo(b.key[:0]), after...)
	return b.keys.Add(binary.BigEndian.AppendUint32(b.key, place), nil)
}

// cutKey takes a sorted key apart: the name up to the zero byte, and what follows.
func cutKey(key []byte) (name, rest []byte) {
	at := bytes.IndexByte(key, 0)
	return key[:at], key[at+1:]
}

// writeCompanies goes through companies and networks side by side, both by domain. A network's company of which
// nothing is known gets a record with its domain alone.
func (b *Builder) writeCompanies(ctx context.Context) error {
	companies, err := b.companies.Sort()
	if err != nil {
		return err
	}
	networks, err := b.networks.Sort()
	if err != nil {
		return err
	}
	more, moreNetworks := companies.Next(), networks.Next()
	for more || moreNetworks {
		if err := ctx.Err(); err != nil {
			return err
		}
		var name, after, body []byte
		if more {
			name, after = cutKey(companies.Key())
			body = companies.Value()
		}
		if moreNetworks {
			if other, _ := cutKey(networks.Key()); !more || bytes.Compare(other, name) < 0 {
				name, after = bytes.Clone(other), newestFirst(nil, b.cfg.BuiltAt)
				body = appendCompany(nil, &domain.Company{Domain: string(other)}, b.words)
			}
		}
		name = bytes.Clone(name)
		place, err := b.writeRecord(body)
		if err != nil {
			return err
		}
		print, _ := ofText(kindCompany, string(name))
		if err := b.addKey(print, after[:8], place); err != nil {
			return err
		}
		for first := true; more; first = false {
			if other, _ := cutKey(companies.Key()); !bytes.Equal(other, name) {
				break
			}
			if !first {
				b.sum.Older++
			}
			more = companies.Next()
		}
		for moreNetworks {
			other, rest := cutKey(networks.Key())
			if !bytes.Equal(other, name) {
				break
			}
			b.key = append(b.key[:0], rest[:networkKey]...)
			if err := b.ranges.Add(binary.BigEndian.AppendUint32(b.key, place), nil); err != nil {
				return err
			}
			moreNetworks = networks.Next()
		}
	}
	b.companies.Close()
	b.networks.Close()
	if err := companies.Err(); err != nil {
		return err
	}
	return networks.Err()
}

// writePersons writes each person's newest row with what older ones are found by, and collects the keys of all of
// them. A record's place is known before it is written, so that no keys have to wait.
func (b *Builder) writePersons(ctx context.Context) error {
	b.meter.start(WritingPersons, b.persons.Added())
	persons, err := b.persons.Sort()
	if err != nil {
		return err
	}
	var k kept
	write := func() error {
		if len(k.id) == 0 {
			return nil
		}
		_, err := b.writeRecord(k.record(b.words))
		return err
	}
	for persons.Next() {
		if b.meter.step(b.meter.p.Rows + 1); b.meter.p.Rows%looks == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		id, after := cutKey(persons.Key())
		value := persons.Value()
		keys := value[2 : 2+12*int(binary.BigEndian.Uint16(value))]
		body, whole := value[2+len(keys):], true
		if k.is(id) {
			b.sum.Older++
			whole = k.add(body, b.words)
		} else {
			if err := write(); err != nil {
				return err
			}
			place, err := b.nextPlace(body)
			if err != nil {
				return err
			}
			k.begin(id, body, place)
			print, _ := ofText(kindPerson, string(id))
			if err := b.addKey(print, after[:8], place); err != nil {
				return err
			}
		}
		for ; len(keys) > 0; keys = keys[12:] {
			print := readFingerprint(keys)
			if !whole && carried(print.kind()) {
				b.sum.Left++
				continue
			}
			if err := b.addKey(print, after[:8], k.place); err != nil {
				return err
			}
		}
	}
	if err := persons.Err(); err != nil {
		return err
	}
	b.persons.Close()
	b.meter.end()
	return write()
}

// writeSlots writes each key once, with the first of those who claim it.
func (b *Builder) writeSlots(ctx context.Context) error {
	b.meter.start(WritingKeys, b.keys.Added())
	keys, err := b.keys.Sort()
	if err != nil {
		return err
	}
	section, err := b.out.begin()
	if err != nil {
		return err
	}
	to := slots{out: b.out, most: b.keys.Added()}
	var last fingerprint // nobody's
	var owner uint32
	for keys.Next() {
		if b.meter.step(b.meter.p.Rows + 1); b.meter.p.Rows%looks == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		print, place := readFingerprint(keys.Key()), binary.BigEndian.Uint32(keys.Key()[20:])
		if print == last {
			if place == owner {
				b.sum.Repeated++
			} else {
				b.sum.Conflicts[kindNames[print.kind()]]++
			}
			continue
		}
		last, owner = print, place
		if err := to.add(print, place); err != nil {
			return err
		}
		b.out.head.Keys[print.kind()]++
	}
	if err := keys.Err(); err != nil {
		return err
	}
	if err := to.finish(); err != nil {
		return err
	}
	b.keys.Close()
	b.meter.end()
	b.out.head.Slots = b.out.done(section)
	return nil
}

func (b *Builder) writeNumbers(numbers []uint32) (span, error) {
	s, err := b.out.begin()
	if err != nil {
		return s, err
	}
	var four []byte
	for _, n := range numbers {
		four = binary.BigEndian.AppendUint32(four[:0], n)
		if _, err := b.out.Write(four); err != nil {
			return s, err
		}
	}
	return b.out.done(s), nil
}

// writeRanges writes IPv4, then IPv6, as they come sorted.
func (b *Builder) writeRanges() error {
	ranges, err := b.ranges.Sort()
	if err != nil {
		return err
	}
	more := ranges.Next()
	var last []byte
	var owner uint32
	for _, family := range []struct {
		is byte
		to *span
	}{{1, &b.out.head.Net4}, {4, &b.out.head.Net6}} {
		section, err := b.out.begin()
		if err != nil {
			return err
		}
		sw := sweep{write: func(entry []byte) error { _, err := b.out.Write(entry); return err }}
		for ; more && ranges.Key()[0] == family.is; more = ranges.Next() {
			key := ranges.Key()
			place := binary.BigEndian.Uint32(key[networkKey:])
			if bytes.Equal(key[:18], last) {
				if place != owner {
					b.sum.NetworkConflicts++
				}
				continue
			}
			last, owner = append(last[:0], key[:18]...), place
			b.out.head.Networks++
			sw.add(prefixOf(key), place)
		}
		if err := sw.finish(); err != nil {
			return err
		}
		*family.to = b.out.done(section)
	}
	b.ranges.Close()
	return ranges.Err()
}

func (b *Builder) writeWords() error {
	places := make([]uint32, 1, len(b.words.list)+1)
	for _, text := range b.words.list {
		places = append(places, places[len(places)-1]+uint32(len(text)))
	}
	at, err := b.writeNumbers(places)
	if err != nil {
		return err
	}
	b.out.head.WordsAt = at
	section, err := b.out.begin()
	if err != nil {
		return err
	}
	for _, text := range b.words.list {
		if _, err := b.out.Write([]byte(text)); err != nil {
			return err
		}
	}
	b.out.head.Words = b.out.done(section)
	return nil
}
