//go:build !unix

package graph

import (
	"errors"
	"io"
	"os"
)

// mapFile reads the file where it cannot be mapped. It costs its size in memory, still in one object.
func mapFile(f *os.File, size int) ([]byte, error) {
	data := make([]byte, size)
	_, err := io.ReadFull(io.NewSectionReader(f, 0, int64(size)), data)
	return data, err
}

func warm([]byte) {}

func unmapFile([]byte) error { return nil }

// largePages is not needed here: the file has been read already.
func largePages(int) ([]byte, error) { return nil, errors.ErrUnsupported }

func letGo([]byte) {}

func giveBack([]byte) error { return nil }
