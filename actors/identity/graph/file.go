package graph

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// File is an open graph. All its methods but Close may be called by many goroutines at once.
//
// Every read goes through view: it checks the bounds, and a block's checksum at the block's first use.
type File struct {
	path string
	// file is kept open so that the name can be replaced or removed while we read. Nobody may write into or cut
	// a file that is open: the kernel answers reads beyond a cut file's end with SIGBUS, which ends the process.
	file    *os.File
	data    []byte // the mapping
	head    header
	lies    atomic.Pointer[image] // where lookups read: in the mapping, or in a copy (see Reside)
	damaged atomic.Int64
}

// image is the file's bytes in one place, and what is known of them. A block that was found right is one bit, so
// that 20 million keys cost 35 KB and a lookup a few nanoseconds; nothing where all of them were.
type image struct {
	data  []byte
	whole bool
	sound []atomic.Uint32
}

// Info is what a file says of itself.
type Info struct {
	Path    string    `json:"path"`
	Label   string    `json:"label,omitempty"` // "synthetic ..." when nobody in it exists
	BuiltAt time.Time `json:"built_at"`
	Size    int64     `json:"size"`
	// Checksum names the content: files built from the same rows have the same.
	Checksum string `json:"checksum"`
	// Keys counts what people can be found by, their own ids aside; Kinds counts it by kind, ids included.
	Keys      int64            `json:"keys"`
	Kinds     map[string]int64 `json:"kinds"`
	Persons   int64            `json:"persons"`
	Companies int64            `json:"companies"`
	Networks  int64            `json:"networks"`
}

// Open maps a graph file. It verifies the header, the place of every section and the table of checksums; the
// blocks themselves are verified when they are first used, and all of them by Verify. So it takes
// milliseconds (a thousandth of the file is read: one for a gigabyte, ten for ten), and a damaged block costs the keys in it and not the whole graph.
func Open(path string) (*File, error) {
	f, err := open(path)
	if err != nil {
		return nil, domain.Fail("open graph "+path, codeOf(err), err)
	}
	return f, nil
}

func codeOf(err error) domain.Code {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return domain.NotFound
	case errors.Is(err, os.ErrPermission):
		return domain.Forbidden
	}
	return domain.Invalid
}

func open(path string) (_ *File, err error) {
	f := &File{path: path}
	if f.file, err = os.Open(path); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	stat, err := f.file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !stat.Mode().IsRegular():
		return nil, errors.New("this is no regular file")
	case stat.Size() < 2*blockSize || stat.Size() > min(maxBytes, int64(^uint(0)>>1)):
		return nil, errors.New("this is no graph file: it is too short, or too long")
	}
	block := make([]byte, blockSize)
	if _, err = io.ReadFull(io.NewSectionReader(f.file, 0, blockSize), block); err != nil {
		return nil, err
	}
	if f.head, err = decodeHeader(block, uint64(stat.Size())); err != nil {
		return nil, err
	}
	if f.data, err = mapFile(f.file, int(stat.Size())); err != nil {
		return nil, fmt.Errorf("map it into memory: %w", err)
	}
	sums := f.data[f.head.Sums.At:]
	warm(f.data[f.head.Sums.At/uint64(os.Getpagesize())*uint64(os.Getpagesize()):])
	if sha256.Sum256(sums) != f.head.Root {
		return nil, errors.New("the table of checksums is damaged")
	}
	f.lies.Store(&image{data: f.data, sound: make([]atomic.Uint32, f.head.Sums.At/blockSize/32+1)})
	return f, nil
}

// Close gives the mapping and the memory back. Nobody may be reading.
func (f *File) Close() error {
	var err error
	if i := f.lies.Swap(nil); i != nil && &i.data[0] != &f.data[0] {
		err = giveBack(i.data)
	}
	if f.data != nil {
		err = errors.Join(err, unmapFile(f.data))
		f.data = nil
	}
	return errors.Join(err, f.file.Close())
}

// Info tells what the header says.
func (f *File) Info() Info {
	h := &f.head
	info := Info{
		Path: f.path, Label: strings.TrimRight(string(h.Label[:]), "\x00"), BuiltAt: time.UnixMilli(h.BuiltAt).UTC(),
		Size: int64(h.Size), Checksum: hex.EncodeToString(h.Root[:]), Kinds: map[string]int64{},
		Persons: int64(h.Keys[kindPerson]), Companies: int64(h.Keys[kindCompany]), Networks: int64(h.Networks),
	}
	for kind, n := range h.Keys {
		if kindNames[kind] == "" {
			continue
		}
		info.Kinds[kindNames[kind]] = int64(n)
		if byte(kind) != kindPerson && byte(kind) != kindCompany {
			info.Keys += int64(n)
		}
	}
	return info
}

// Damaged counts reads that were refused because a checksum was wrong or a number pointed nowhere.
func (f *File) Damaged() int64 { return f.damaged.Load() }

// warmKeys asks for the part of the file that every lookup needs.
func (f *File) warmKeys() {
	page := uint64(os.Getpagesize())
	s := f.head.Slots
	warm(f.data[s.At/page*page : s.At+s.Len])
}

// in returns n bytes at an offset within a section, verified.
func (f *File) in(s span, at, n uint64) ([]byte, bool) {
	if at > s.Len || n > s.Len-at {
		return f.broken()
	}
	return f.view(s.At+at, n)
}

// view is the only way to the bytes.
func (f *File) view(at, n uint64) ([]byte, bool) {
	end := f.head.Sums.At
	if at < blockSize || at > end || n > end-at || n == 0 {
		return f.broken()
	}
	i := f.lies.Load()
	if !i.whole && !f.checkAll(i, at/blockSize, (at+n-1)/blockSize) {
		return f.broken()
	}
	return i.data[at : at+n : at+n], true
}

// checkAll makes sure of some blocks.
func (f *File) checkAll(i *image, block, last uint64) bool {
	for ; block <= last; block++ {
		if i.sound[block/32].Load()&(1<<(block%32)) == 0 && !f.check(i, block) {
			return false
		}
	}
	return true
}

// check compares a block with its checksum and remembers that it was right.
func (f *File) check(i *image, block uint64) bool {
	at := block * blockSize
	sum := binary.BigEndian.Uint32(f.data[f.head.Sums.At+block*4:]) // the mapping's, which Open verified
	if crc32.Checksum(i.data[at:at+blockSize], castagnoli) != sum {
		return false
	}
	i.sound[block/32].Or(1 << (block % 32))
	return true
}

func (f *File) broken() ([]byte, bool) {
	f.damaged.Add(1)
	return nil, false
}
