package graph

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/leadwire/leadwire/actors/domain"
)

// Slots lie four to a line, in lines of which a third is empty. A fingerprint's first bits are the number of the
// line that it belongs in, its home; where that is full it stands in the next one that is not. So a key is found
// with one look at memory, and nothing has to say where it is:
//
//	home     │ 0            │ 1              │ 2
//	slots    │ a  b  c  .   │ d  e  f  g     │ h  i  .  .        h belongs in line 1 and is next to it
//
// Fingerprints come sorted and homes rise with them, so all slots of a file are in the order of their keys.
const (
	slotsPerLine = lineSize / slotSize
	// keysPerLines: 8 keys on 3 lines. At two thirds full, one key in seven is not in its home, and a key takes 24
	// bytes; fuller lines save some of those, and at nine tenths more than half of the keys are elsewhere.
	keysPerLines, linesForKeys = 8, 3
	// maxLines is the most lines looked through. Among 24 million keys none is further than five from its home:
	// 64 does not happen by chance, and on purpose only by trying for longer than anybody has. So many
	// lines follow the last home, for those who do not fit there.
	maxLines = 64
	// sampleSize is how many keys tell how many there will be. They are spread evenly, so 65,536 of them tell
	// it within a hundredth.
	sampleSize = 1 << 16
)

// homesIn is how many homes there are in the section of slots. checkSpans has made sure that there is one.
func homesIn(s span) uint64 { return s.Len/lineSize - maxLines }

func homeOf(p fingerprint, homes uint64) uint64 {
	home, _ := bits.Mul64(p.hi, homes)
	return home
}

// slots writes the section. It has to know how many keys there will be before it can write the first, and what
// was added to the sorter says only how many at most: many rows may give the same key. So it holds the first.
type slots struct {
	out   *writer
	most  int64
	first []byte // slots, until there are sampleSize
	homes uint64
	slot  []byte
	line  uint64 // being filled
	used  int    // slots of it
}

// add takes keys in the order of their fingerprints, each once.
func (s *slots) add(p fingerprint, ref uint32) error {
	if s.homes > 0 {
		s.slot = binary.BigEndian.AppendUint32(p.appendTo(s.slot[:0]), ref)
		return s.write(s.slot)
	}
	s.first = binary.BigEndian.AppendUint32(p.appendTo(s.first), ref)
	if len(s.first) < sampleSize*slotSize {
		return nil
	}
	// They take up p.hi of 2^64, and all of them all of it.
	all := uint64(s.most)
	if p.hi > sampleSize {
		estimate, _ := bits.Div64(sampleSize, 0, p.hi)
		all = min(all, estimate)
	}
	return s.begin(all)
}

// begin decides on the homes and writes what was held.
func (s *slots) begin(keys uint64) error {
	s.homes = keys*linesForKeys/keysPerLines + 1
	for ; len(s.first) > 0; s.first = s.first[slotSize:] {
		if err := s.write(s.first[:slotSize]); err != nil {
			return err
		}
	}
	s.first = nil
	return nil
}

func (s *slots) write(slot []byte) error {
	home := homeOf(readFingerprint(slot), s.homes)
	if err := s.leave(home); err != nil {
		return err
	}
	if s.line >= home+maxLines {
		return domain.Fail("build graph", domain.Internal, fmt.Errorf("%d keys have almost the same fingerprint", maxLines*slotsPerLine))
	}
	if _, err := s.out.Write(slot); err != nil {
		return err
	}
	if s.used++; s.used == slotsPerLine {
		s.line, s.used = s.line+1, 0
	}
	return nil
}

// leave writes empty slots up to a line.
func (s *slots) leave(line uint64) error {
	var empty [lineSize]byte
	for s.line < line {
		if _, err := s.out.Write(empty[s.used*slotSize:]); err != nil {
			return err
		}
		s.line, s.used = s.line+1, 0
	}
	return nil
}

func (s *slots) finish() error {
	if s.homes == 0 {
		if err := s.begin(uint64(len(s.first) / slotSize)); err != nil {
			return err
		}
	}
	return s.leave(s.homes + maxLines)
}
