package graph

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"syscall"

	"github.com/leadwire/leadwire/actors/domain"
)

// writer writes a file from its beginning to its end and sums its blocks on the way. Until finish the file has
// another name, in the same folder: whoever opens the name finds a whole file or the one before.
type writer struct {
	out   string
	file  *os.File
	to    *bufio.Writer
	at    uint64
	sum   uint32 // of the block under way
	sums  []byte
	head  header
	ended bool
}

func newWriter(out string) (*writer, error) {
	file, err := os.CreateTemp(filepath.Dir(out), "."+filepath.Base(out)+".building-*")
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", out, err)
	}
	w := &writer{out: out, file: file, to: bufio.NewWriterSize(file, 1<<20)}
	copy(w.head.Magic[:], magic)
	w.head.Version, w.head.BlockSize = version, blockSize
	_, err = w.Write(make([]byte, blockSize)) // the header comes last
	return w, err
}

// Write appends, and sums each block as it fills.
func (w *writer) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		part := rest[:min(uint64(len(rest)), blockSize-w.at%blockSize)]
		rest = rest[len(part):]
		if _, err := w.to.Write(part); err != nil {
			return 0, fmt.Errorf("write graph: %w", err)
		}
		w.sum = crc32.Update(w.sum, castagnoli, part)
		if w.at += uint64(len(part)); w.at%blockSize == 0 {
			w.sums = binary.BigEndian.AppendUint32(w.sums, w.sum)
			w.sum = 0
		}
	}
	if w.at > maxBytes-maxRecord {
		return 0, domain.FailField("build graph", "out", fmt.Sprintf("would be larger than %d GiB: build several, or leave fields out", uint64(maxBytes)>>30))
	}
	return len(b), nil
}

// pad fills up to a multiple.
func (w *writer) pad(unit uint64) error {
	var zeros [blockSize]byte
	if over := w.at % unit; over > 0 {
		_, err := w.Write(zeros[:unit-over])
		return err
	}
	return nil
}

// begin starts a section; done ends it.
func (w *writer) begin() (span, error) {
	err := w.pad(lineSize)
	return span{At: w.at}, err
}

func (w *writer) done(s span) span { return span{s.At, w.at - s.At} }

// finish writes sums and header, makes all of it durable, and gives the file its name.
func (w *writer) finish() error {
	if err := w.pad(blockSize); err != nil {
		return err
	}
	w.head.Sums = span{w.at, uint64(len(w.sums))}
	w.head.Size = w.at + uint64(len(w.sums))
	w.head.Root = sha256.Sum256(w.sums)
	if _, err := w.to.Write(w.sums); err != nil {
		return fmt.Errorf("write graph: %w", err)
	}
	if err := w.to.Flush(); err != nil {
		return fmt.Errorf("write graph: %w", err)
	}
	if _, err := w.file.WriteAt(w.head.encode(), 0); err != nil {
		return fmt.Errorf("write graph: %w", err)
	}
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("make graph durable: %w", err)
	}
	if err := w.file.Close(); err != nil {
		return fmt.Errorf("make graph durable: %w", err)
	}
	if err := os.Rename(w.file.Name(), w.out); err != nil {
		return fmt.Errorf("name graph: %w", err)
	}
	w.ended = true
	return syncDir(filepath.Dir(w.out))
}

// abandon removes what was written, unless finish has named it.
func (w *writer) abandon() error {
	if w.ended {
		return nil
	}
	w.ended = true
	err := w.file.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	return errors.Join(err, os.Remove(w.file.Name()))
}

// syncDir makes a rename durable, where folders can be synced.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil //nolint:nilerr // the file itself is durable
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		err = nil // a file system that cannot sync a folder
	}
	return errors.Join(err, d.Close())
}
