package graph

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"

	"github.com/leadwire/leadwire/actors/domain"
)

// MaxList is the most HEMs or phones in a record.
const MaxList = maxList

// RecordOf reads a person's record whose mask and lists are these, with one word to share.
func RecordOf(mask uint64, lists []byte, word string) (domain.Person, bool) {
	w := newWords()
	w.number(word)
	body := binary.AppendUvarint(appendText(nil, "p", none, w), mask)
	f := fields{rest: append(body, lists...), words: w}
	p := f.person()
	return p, !f.bad && len(f.rest) == 0
}

// Reseal makes a damaged file's checksums right again, as far as its header says where they are.
func Reseal(b []byte) {
	var h header
	if _, err := binary.Decode(b[:blockSize], binary.BigEndian, &h); err != nil {
		return
	}
	if h.Sums.At > uint64(len(b)) || h.Sums.Len != uint64(len(b))-h.Sums.At || h.Sums.Len < h.Sums.At/blockSize*4 {
		return
	}
	sums := b[h.Sums.At:]
	for block := uint64(1); block < h.Sums.At/blockSize; block++ {
		binary.BigEndian.PutUint32(sums[block*4:], crc32.Checksum(b[block*blockSize:(block+1)*blockSize], castagnoli))
	}
	h.Root = sha256.Sum256(sums)
	copy(b, h.encode())
}
