//go:build unix

package graph

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a file's first size bytes for reading. Lookups touch pages here and there, so the kernel is told
// not to read ahead.
func mapFile(f *os.File, size int) ([]byte, error) {
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err == nil {
		_ = unix.Madvise(data, unix.MADV_RANDOM)
	}
	return data, err
}

// warm asks the kernel to fetch a part of the mapping soon, and does not wait for it.
func warm(part []byte) { _ = unix.Madvise(part, unix.MADV_WILLNEED) }

// unmapStep is how much of a mapping is let go at a time. Unmapping a gigabyte at once holds up every page fault
// of the process for as long as its 262,144 pages take.
const unmapStep = 32 << 20

func unmapFile(data []byte) error {
	letGo(data)
	return unix.Munmap(data)
}

// letGo drops what a mapping holds of a process's memory. Whoever reads there again fetches it again.
func letGo(data []byte) {
	for at := 0; at < len(data); at += unmapStep {
		_ = unix.Madvise(data[at:min(at+unmapStep, len(data))], unix.MADV_DONTNEED)
	}
}

// largePages is memory that belongs to nobody's heap, in pages of 2 MiB where the kernel has them.
func largePages(size int) ([]byte, error) {
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err == nil {
		preferLarge(memory)
	}
	return memory, err
}

func giveBack(memory []byte) error { return unmapFile(memory) }
