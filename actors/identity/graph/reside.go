package graph

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// A mapped file lies in pages of 4 KiB, and a lookup touches two of them in no order: at 20 million keys the
// processor finds neither in its table of pages, and looks each up in memory first. On a virtual machine,
// where that look-up is a two-dimensional one, it can be most of a lookup. Pages of 2 MiB need 512 times fewer
// entries; a file system gives none to a mapping, so the bytes are copied into memory that has them, outside of
// the collector's heap. Until the copy is whole, and for files that are larger than a node wants to hold, the
// mapping answers.
const (
	// resideStep is how much is copied at a time: under a millisecond of work. After each the copy rests residePause
	// at least and residePauses times as long as the step took, so that it takes a tenth of a processor, however busy
	// the machine is, and requests in between wait for nobody: a gigabyte takes some ten seconds. (A step of 4 MiB
	// every 5 ms took most of a core for 0.2 s of a graph of a million people, and the slowest request
	// around a swap was 16 ms slower: docs/bench.md.) residePauseMax bounds what a machine that stood still adds.
	resideStep     = 1 << 20
	residePause    = 5 * time.Millisecond
	residePauses   = 9
	residePauseMax = 100 * time.Millisecond
)

// Reside copies the file into memory with large pages, beside the lookups, and verifies each block on the way: where
// all of them are right, no lookup looks at a checksum again. It costs the file's size, which Close gives
// back. When ctx ends, or where memory cannot be had so, the mapping goes on answering.
func (f *File) Reside(ctx context.Context) error {
	memory, err := largePages(len(f.data))
	if err != nil {
		return fmt.Errorf("take memory for graph %s: %w", f.path, err)
	}
	copied := &image{data: memory, sound: make([]atomic.Uint32, f.head.Sums.At/blockSize/32+1)}
	if err := f.copyTo(ctx, copied); err != nil {
		_ = giveBack(memory) // the first error says more
		return fmt.Errorf("copy graph %s into memory: %w", f.path, err)
	}
	f.lies.Store(copied)
	letGo(f.data)
	return nil
}

// copyTo fills an image that nobody reads yet.
func (f *File) copyTo(ctx context.Context, to *image) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	to.whole = true
	for at := 0; at < len(to.data); at += resideStep {
		// Read, and not copied from the mapping: a fault there would hold a processor while the disk works.
		began := time.Now()
		part := to.data[at:min(at+resideStep, len(to.data))]
		if _, err := io.ReadFull(io.NewSectionReader(f.file, int64(at), int64(len(part))), part); err != nil {
			return err
		}
		last := min(uint64(at+len(part)), f.head.Sums.At) / blockSize
		for block := max(1, uint64(at)/blockSize); block < last; block++ { // 0 is the header
			to.whole = f.check(to, block) && to.whole
		}
		pause.Reset(min(max(residePause, residePauses*time.Since(began)), residePauseMax))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
		}
	}
	return nil
}
