package graph

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/leadwire/leadwire/actors/domain"
)

// The file, every number big-endian so that bytes sort as numbers do:
//
//	header      one block; its last 4 bytes are its CRC-32C
//	records     people and companies, each at a multiple of 8: length, kind, fields
//	slots       16 bytes a key, ascending: 92 bits of its fingerprint, its kind, offset/8 of its record. Four make a
//	            line; a key's first bits say in which it is, and where that is full it is in the next (see slots.go)
//	networks    IPv4 and IPv6: address from which on a company's record (or none) holds, ascending
//	words       values that many records share: where each begins, then their bytes
//	sums        CRC-32C of each block before it; their SHA-256 is in the header
const (
	magic      = "LWGRAPH\n"
	version    = 2
	blockSize  = 4096 // a page of memory and of most disks: what is read anyway is what is verified
	slotSize   = 16
	lineSize   = 64 // of most processors' caches: what is read of memory anyway
	net4Size   = 4 + 4
	net6Size   = 16 + 4
	recordUnit = 8
	// maxRecord is the longest record. The longest honest one, with 64 digests, is some 8 KiB.
	maxRecord = 64 << 10
	maxLabel  = 64
)

// maxBytes is the largest file: 32 bits of 8 bytes. It is room for some 100 million people.
const maxBytes = recordUnit << 32

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// span is where a section lies.
type span struct{ At, Len uint64 }

// header is the first block. Its fields are written one after the other.
type header struct {
	Magic     [8]byte
	Version   uint32
	BlockSize uint32
	Size      uint64 // of the file
	BuiltAt   int64  // milliseconds since 1970
	Records   span
	Slots     span
	Net4      span
	Net6      span
	WordsAt   span // numbers: where each word begins
	Words     span
	Sums      span
	Networks  uint64 // prefixes that went into Net4 and Net6
	Keys      [kinds]uint64
	Root      [32]byte // SHA-256 of Sums: names the content
	Label     [maxLabel]byte
}

func (h *header) encode() []byte {
	block := make([]byte, blockSize)
	if _, err := binary.Encode(block, binary.BigEndian, h); err != nil {
		panic(err) // a header is a constant number of bytes, far fewer than a block's
	}
	binary.BigEndian.PutUint32(block[blockSize-4:], crc32.Checksum(block[:blockSize-4], castagnoli))
	return block
}

// decodeHeader reads the first block of a file of a given size and checks all that can be checked from it.
func decodeHeader(block []byte, size uint64) (h header, err error) {
	if len(block) != blockSize || !bytes.HasPrefix(block, []byte(magic)) {
		return h, errors.New("this is no graph file")
	}
	if _, err := binary.Decode(block, binary.BigEndian, &h); err != nil {
		return h, err
	}
	switch {
	case crc32.Checksum(block[:blockSize-4], castagnoli) != binary.BigEndian.Uint32(block[blockSize-4:]):
		return h, errors.New("the header is damaged: its checksum is wrong")
	case h.Version != version:
		return h, fmt.Errorf("the file has format %d, and this program reads format %d: build it again", h.Version, version)
	case h.BlockSize != blockSize:
		return h, fmt.Errorf("blocks of %d bytes are not supported", h.BlockSize)
	case h.Size != size:
		return h, fmt.Errorf("the file should have %d bytes and has %d: it was cut, or is still being copied", h.Size, size)
	}
	return h, h.checkSpans()
}

// checkSpans makes sure that each section lies within the file and holds a whole number of what it holds. What
// passes here may be relied on later.
func (h *header) checkSpans() error {
	sums := h.Sums
	if h.Size > maxBytes || sums.At < blockSize || sums.At%blockSize != 0 || sums.At > h.Size ||
		sums.Len != sums.At/blockSize*4 || sums.Len != h.Size-sums.At {
		return errors.New("the checksums do not lie where they belong")
	}
	for _, s := range []struct {
		name string
		span
		unit uint64
	}{
		{"records", h.Records, recordUnit},
		{"slots", h.Slots, lineSize},
		{"IPv4 networks", h.Net4, net4Size},
		{"IPv6 networks", h.Net6, net6Size},
		{"places of words", h.WordsAt, 4},
		{"words", h.Words, 1},
	} {
		if s.At < blockSize || s.At > sums.At || s.Len > sums.At-s.At || s.Len%s.unit != 0 {
			return fmt.Errorf("the section of %s does not lie within the file", s.name)
		}
	}
	if h.Slots.At%lineSize != 0 || h.Slots.Len/lineSize <= maxLines {
		return errors.New("the slots do not have the place or the size they should have")
	}
	return nil
}

// Kinds of keys as they stand in a slot's low four bits. A number keeps its meaning for ever.
const (
	kindVisitor byte = 1 + iota
	kindMD5
	kindSHA1
	kindSHA256
	kindPhone
	kindClick
	kindPerson  // a person's own id
	kindCompany // a company's domain

	kinds = 16
)

// kindNames are for people, in the order of the numbers.
var kindNames = [kinds]string{
	kindVisitor: string(domain.KeyVisitor), kindMD5: string(domain.KeyMD5), kindSHA1: string(domain.KeySHA1),
	kindSHA256: string(domain.KeySHA256), kindPhone: string(domain.KeyPhone), kindClick: string(domain.KeyClick),
	kindPerson: "person", kindCompany: "company",
}
