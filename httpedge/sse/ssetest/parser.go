package ssetest

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// Event is what a browser would dispatch.
type Event struct {
	ID   string // Last-Event-ID as it stands with this event
	Type string // "message" when the stream named none
	Data string
}

// Parser reads a stream as browsers do (WHATWG HTML, "event stream interpretation"). Its zero value is
// ready; Write may be given the bytes in any pieces.
type Parser struct {
	Events []Event
	LastID string        // what a reconnect would send
	Retry  time.Duration // 0: never said
	Blocks int           // blank lines seen: blocks that dispatch nothing count too

	line    []byte
	started bool // the byte order mark's place is behind us
	cr      bool // the last byte was CR: an LF that follows belongs to it
	id      string
	kind    string
	data    strings.Builder
	some    bool // a data field was seen
}

// Write never fails.
func (p *Parser) Write(b []byte) (int, error) {
	for _, c := range b {
		switch {
		case c == '\n' && p.cr:
			p.cr = false
		case c == '\n' || c == '\r':
			p.cr = c == '\r'
			p.endLine()
		default:
			p.cr = false
			p.line = append(p.line, c)
		}
	}
	return len(b), nil
}

func (p *Parser) endLine() {
	line := p.line
	if !p.started {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
		p.started = true
	}
	text := string([]rune(string(line))) // what is not UTF-8 becomes U+FFFD
	p.line = p.line[:0]
	if text == "" {
		p.dispatch()
		return
	}
	name, value, _ := strings.Cut(text, ":")
	p.field(name, strings.TrimPrefix(value, " "))
}

func (p *Parser) field(name, value string) {
	switch name {
	case "event":
		p.kind = value
	case "data":
		p.data.WriteString(value)
		p.data.WriteByte('\n')
		p.some = true
	case "id":
		if !strings.Contains(value, "\x00") {
			p.id = value
		}
	case "retry":
		if ms, err := strconv.ParseUint(value, 10, 31); err == nil {
			p.Retry = time.Duration(ms) * time.Millisecond
		}
	}
}

func (p *Parser) dispatch() {
	p.Blocks++
	p.LastID = p.id
	if p.some {
		kind := p.kind
		if kind == "" {
			kind = "message"
		}
		p.Events = append(p.Events, Event{ID: p.id, Type: kind, Data: strings.TrimSuffix(p.data.String(), "\n")})
	}
	p.kind, p.some = "", false
	p.data.Reset()
}
