package bench

import (
	"bytes"
	"errors"
	"strconv"
	"time"
)

// maxEvent is the longest line or data a stream may carry before the client gives up on it: 16 times
// what the product sends.
const maxEvent = 1 << 20

var errEvent = errors.New("an event of the stream is longer than the client keeps")

// message is one block of an event stream. Its slices are valid during the callback only.
type message struct {
	Type  []byte // empty: "message"
	Data  []byte
	ID    []byte // the stream's last event id, this block's included
	HasID bool   // this block set it
}

// sseReader follows the WHATWG rules for event streams, in whatever pieces the bytes arrive: lines end
// in CR, LF or CRLF, data lines are joined by LF, a block without a blank line is never delivered. A
// block that only sets the id is delivered too, with no data: a dashboard's script never sees it, but
// it tells where the stream stands.
type sseReader struct {
	line   []byte // an unfinished line
	data   []byte
	event  []byte
	id     []byte // of this block
	lastID []byte
	hasID  bool
	any    bool // the block has data
	wasCR  bool // a LF now belongs to the CR before it
	Retry  time.Duration
}

// feed takes bytes and calls emit for each block they complete.
func (s *sseReader) feed(b []byte, emit func(message)) error {
	if s.wasCR && len(b) > 0 {
		s.wasCR = false
		if b[0] == '\n' {
			b = b[1:]
		}
	}
	for len(b) > 0 {
		end := bytes.IndexAny(b, "\r\n")
		if end < 0 {
			s.line = append(s.line, b...)
			return s.bounded()
		}
		line := b[:end]
		if len(s.line) > 0 {
			s.line = append(s.line, line...)
			line = s.line
		}
		b = s.skipEnd(b, end)
		s.take(line, emit)
		s.line = s.line[:0]
		if err := s.bounded(); err != nil {
			return err
		}
	}
	return nil
}

// skipEnd steps over the line end at b[end]. A CR at the very end may be half of a CRLF.
func (s *sseReader) skipEnd(b []byte, end int) []byte {
	if b[end] == '\r' {
		if end+1 == len(b) {
			s.wasCR = true
		} else if b[end+1] == '\n' {
			end++
		}
	}
	return b[end+1:]
}

func (s *sseReader) bounded() error {
	if len(s.line) > maxEvent || len(s.data) > maxEvent {
		return errEvent
	}
	return nil
}

// take handles one whole line.
func (s *sseReader) take(line []byte, emit func(message)) {
	if len(line) == 0 {
		s.dispatch(emit)
		return
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		if s.any {
			s.data = append(s.data, '\n')
		}
		s.data, s.any = append(s.data, value...), true
	case "event":
		s.event = append(s.event[:0], value...)
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			s.id, s.hasID = append(s.id[:0], value...), true
		}
	case "retry":
		if ms, err := strconv.ParseUint(string(value), 10, 31); err == nil {
			s.Retry = time.Duration(ms) * time.Millisecond
		}
	}
}

func (s *sseReader) dispatch(emit func(message)) {
	if s.hasID {
		s.lastID = append(s.lastID[:0], s.id...)
	}
	if s.any || s.hasID {
		emit(message{Type: s.event, Data: s.data, ID: s.lastID, HasID: s.hasID})
	}
	s.data, s.event, s.any, s.hasID = s.data[:0], s.event[:0], false, false
}
