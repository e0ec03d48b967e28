package graph

import (
	"context"
	"fmt"
	"io"
	"time"
)

// A mapped file lies in pages of 4 KiB, and a lookup touches three of them in no order: at 20 million keys the
// processor finds none of them in its table of pages, and looks each up in memory first. On a virtual machine,
// where that look-up is a two-dimensional one, it is most of a lookup. Pages of 2 MiB need 512 times fewer
// entries; a file system gives none to a mapping, so the bytes are copied into memory that has them, outside of
// the collector's heap. Until the copy is whole, and for files that are larger than a node wants to hold, the
// mapping answers.
const (
	// resideStep is how much is copied at a time, and residePause the pause after it: a gigabyte takes two
	// seconds or so, of which a tenth is work, and requests in between wait for nobody.
	resideStep  = 4 << 20
	residePause = 5 * time.Millisecond
)

// Reside copies the file into memory with large pages, beside the lookups. It costs the file's size, which
// Close gives back. When ctx ends, or where memory cannot be had so, the mapping goes on answering.
func (f *File) Reside(ctx context.Context) error {
	size := len(f.data)
	memory, err := largePages(size)
	if err != nil {
		return fmt.Errorf("take memory for graph %s: %w", f.path, err)
	}
	pause := time.NewTicker(residePause)
	defer pause.Stop()
	for at := 0; at < size && err == nil; at += resideStep {
		// Read, and not copied from the mapping: a fault there would hold a processor while the disk works.
		part := memory[at:min(at+resideStep, size)]
		if _, err = io.ReadFull(io.NewSectionReader(f.file, int64(at), int64(len(part))), part); err != nil {
			break
		}
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-pause.C:
		}
	}
	if err != nil {
		_ = giveBack(memory) // the first error says more
		return fmt.Errorf("copy graph %s into memory: %w", f.path, err)
	}
	f.resident.Store(&memory)
	letGo(f.data)
	return nil
}

// bytes are the file's, wherever they lie. Both places hold the same, so a lookup that began in one and goes on
// in the other is none the wiser.
func (f *File) bytes() []byte {
	if r := f.resident.Load(); r != nil {
		return *r
	}
	return f.data
}
