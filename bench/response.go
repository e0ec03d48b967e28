package bench

import (
	"bytes"
	"errors"
	"strconv"
)

// A response head larger than this is not one of ours: the server under test sends a few hundred bytes.
const maxHead = 16 << 10

var (
	errHead  = errors.New("the server's answer is not HTTP/1.1")
	errChunk = errors.New("the server's chunked body is malformed")
)

// head is what the harness needs of a response's head.
type head struct {
	Status  int
	Length  int // of the body; -1: not given
	Chunked bool
	Close   bool // the server closes the connection after this answer
	Size    int  // bytes the head took, its blank line included
}

// parseHead reads a response head from the start of b. ok is false while it is not whole yet.
func parseHead(b []byte) (h head, ok bool, err error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) > maxHead {
			return head{}, false, errHead
		}
		return head{}, false, nil
	}
	h = head{Length: -1, Size: end + 4}
	line, rest, _ := bytes.Cut(b[:end], []byte("\r\n"))
	// "HTTP/1.1 200 OK": the status is always at the same place.
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[8] != ' ' {
		return head{}, false, errHead
	}
	if h.Status, err = strconv.Atoi(string(line[9:12])); err != nil || h.Status < 100 {
		return head{}, false, errHead
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			return head{}, false, errHead
		}
		if err := h.field(name, bytes.TrimSpace(value)); err != nil {
			return head{}, false, err
		}
	}
	return h, true, nil
}

func (h *head) field(name, value []byte) error {
	switch {
	case len(name) == 14 && bytes.EqualFold(name, []byte("content-length")):
		n, err := strconv.Atoi(string(value))
		if err != nil || n < 0 {
			return errHead
		}
		h.Length = n
	case len(name) == 17 && bytes.EqualFold(name, []byte("transfer-encoding")):
		h.Chunked = bytes.EqualFold(value, []byte("chunked"))
	case len(name) == 10 && bytes.EqualFold(name, []byte("connection")):
		h.Close = bytes.EqualFold(value, []byte("close"))
	}
	return nil
}

// dechunker undoes chunked encoding, in whatever pieces the bytes arrive. It holds no body bytes: what
// it decodes it hands on at once.
type dechunker struct {
	state chunkState
	left  int // of the chunk's size while reading it, then of its data
	seen  int // digits of the size
	Done  bool
}

type chunkState uint8

const (
	chunkSize chunkState = iota
	chunkExtension
	chunkSizeEnd // the CR of the size line was seen
	chunkData
	chunkDataCR
	chunkDataLF
	chunkEnd // the last chunk: trailers are not used by what we talk to and are ignored
)

// maxChunkDigits keeps a chunk's size within 28 bits.
const maxChunkDigits = 7

// feed decodes b and calls out with each piece of body. out must not keep the slice.
func (d *dechunker) feed(b []byte, out func([]byte) error) error {
	for len(b) > 0 && !d.Done {
		if d.state == chunkData {
			n := min(d.left, len(b))
			if err := out(b[:n]); err != nil {
				return err
			}
			b, d.left = b[n:], d.left-n
			if d.left == 0 {
				d.state = chunkDataCR
			}
			continue
		}
		if err := d.step(b[0]); err != nil {
			return err
		}
		b = b[1:]
	}
	return nil
}

// step takes one byte of framing.
func (d *dechunker) step(c byte) error {
	switch d.state {
	case chunkSize:
		return d.sizeByte(c)
	case chunkExtension:
		if c == '\r' {
			d.state = chunkSizeEnd
		}
	case chunkSizeEnd:
		if c != '\n' {
			return errChunk
		}
		d.state = chunkData
		if d.left == 0 {
			d.state, d.Done = chunkEnd, true
		}
	case chunkDataCR:
		if c != '\r' {
			return errChunk
		}
		d.state = chunkDataLF
	case chunkDataLF:
		if c != '\n' {
			return errChunk
		}
		d.state, d.left, d.seen = chunkSize, 0, 0
	}
	return nil
}

func (d *dechunker) sizeByte(c byte) error {
	digit := -1
	switch {
	case c >= '0' && c <= '9':
		digit = int(c - '0')
	case c >= 'a' && c <= 'f':
		digit = int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		digit = int(c-'A') + 10
	}
	switch {
	case digit >= 0 && d.seen < maxChunkDigits:
		d.left, d.seen = d.left<<4|digit, d.seen+1
	case d.seen == 0 || digit >= 0:
		return errChunk
	case c == '\r':
		d.state = chunkSizeEnd
	case c == ';' || c == ' ':
		d.state = chunkExtension
	default:
		return errChunk
	}
	return nil
}
