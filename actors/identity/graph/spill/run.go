package spill

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// bufferSize of a run: large enough for a disk that has to seek between 64 of them.
const bufferSize = 256 << 10

// run is a sorted file.
type run struct {
	file *os.File
	size int64
}

type runWriter struct {
	file *os.File
	to   *bufio.Writer
	size int64
	head [2 * binary.MaxVarintLen32]byte
}

func newRunWriter(dir string) (*runWriter, error) {
	f, err := os.CreateTemp(dir, "leadwire-sort-*")
	if err != nil {
		return nil, fmt.Errorf("make a file for sorting: %w", err)
	}
	// Without a name it goes with the process, however that ends. Where that is not possible, Close removes it.
	_ = os.Remove(f.Name())
	return &runWriter{file: f, to: bufio.NewWriterSize(f, bufferSize)}, nil
}

func (w *runWriter) add(key, value []byte) error {
	n := binary.PutUvarint(w.head[:], uint64(len(key)))
	n += binary.PutUvarint(w.head[n:], uint64(len(value)))
	for _, part := range [...][]byte{w.head[:n], key, value} {
		if _, err := w.to.Write(part); err != nil {
			return w.abandon(fmt.Errorf("write a sorted run: %w", err))
		}
		w.size += int64(len(part))
	}
	return nil
}

func (w *runWriter) abandon(err error) error {
	closeRuns([]*run{{file: w.file}})
	return err
}

func (w *runWriter) finish() (*run, error) {
	if err := w.to.Flush(); err != nil {
		return nil, w.abandon(fmt.Errorf("write a sorted run: %w", err))
	}
	return &run{file: w.file, size: w.size}, nil
}

// runReader goes through a run. An entry is read into a buffer that is used again.
type runReader struct {
	from       *bufio.Reader
	buffer     []byte
	key, value []byte
}

func newRunReader(r *run) *runReader {
	return &runReader{from: bufio.NewReaderSize(io.NewSectionReader(r.file, 0, r.size), bufferSize)}
}

// next reads an entry; io.EOF after the last.
func (r *runReader) next() error {
	k, err := binary.ReadUvarint(r.from)
	if err != nil {
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		return fmt.Errorf("read a sorted run: %w", err)
	}
	v, err := binary.ReadUvarint(r.from)
	if err != nil || k > MaxEntry || v > MaxEntry {
		return fmt.Errorf("read a sorted run: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	if n := int(k + v); n > cap(r.buffer) {
		r.buffer = make([]byte, 2*n)
	}
	b := r.buffer[:k+v]
	if _, err := io.ReadFull(r.from, b); err != nil {
		return fmt.Errorf("read a sorted run: %w", err)
	}
	r.key, r.value = b[:k], b[k:]
	return nil
}
