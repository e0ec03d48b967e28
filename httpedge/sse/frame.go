package sse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// markFormat is how times stand in events: see the package's comment for why microseconds.
const markFormat = "2006-01-02T15:04:05.000000Z07:00"

// encoder writes the stream's blocks. Every method returns a whole chunk, ready for any socket.
type encoder struct {
	epoch      string // of the store
	maxContact int    // bytes
}

// id is a place in a feed as clients keep it.
func (e encoder) id(seq domain.Seq) string { return e.epoch + "-" + seq.String() }

// place tells a client where it stands. A block without data sets Last-Event-ID and dispatches nothing.
func (e encoder) place(seq domain.Seq) []byte {
	return chunk([]byte("id: " + e.id(seq) + "\n\n"))
}

func (e encoder) resync(head domain.Seq) []byte {
	id := e.id(head)
	return chunk([]byte("event: resync\nid: " + id + "\ndata: {\"head\":\"" + id + "\"}\n\n"))
}

// owner tells a client that its buyer lives on another node now. It has no id, and does not move the client's place.
func (e encoder) owner(node string) []byte {
	data, _ := json.Marshal(map[string]string{"owner": node}) // strings do not fail
	return chunk(append(append([]byte("event: owner\ndata: "), data...), "\n\n"...))
}

// heartbeat tells the page how long silence may last. It is the same for all streams.
func heartbeat(every time.Duration) []byte {
	return chunk(fmt.Appendf(nil, "event: heartbeat\ndata: {\"every_ms\":%d}\n\n", every.Milliseconds()))
}

// retry asks the client to come back after so long when the stream ends.
func retry(after time.Duration) []byte {
	return chunk(fmt.Appendf(nil, "retry: %d\n\n", after.Milliseconds()))
}

// lastChunk ends the body, so that no proxy takes the end of a stream for a broken one.
const lastChunk = "0\r\n\r\n"

// chunk frames a body part for chunked transfer.
func chunk(body []byte) []byte {
	out := make([]byte, 0, len(body)+12)
	out = strconv.AppendInt(out, int64(len(body)), 16)
	out = append(out, "\r\n"...)
	out = append(out, body...)
	return append(out, "\r\n"...)
}

// batch encodes a run of events as one chunk.
func (e encoder) batch(b *domain.FeedBatch) []byte {
	body := make([]byte, 0, 512*len(b.Events))
	for i := range b.Events {
		body = e.event(body, &b.Events[i], b)
	}
	return chunk(body)
}

func (e encoder) event(to []byte, ev *domain.FeedEvent, b *domain.FeedBatch) []byte {
	to = append(to, "id: "...)
	to = append(to, e.epoch...)
	to = append(to, '-')
	to = strconv.AppendInt(to, int64(ev.Seq), 10)
	to = append(to, "\nevent: "...)
	to = append(to, oneLine(string(ev.Type))...)
	to = append(to, "\ndata: "...)
	to = e.payload(to, ev, b)
	return append(to, "\n\n"...)
}

// payload is written by hand: this is the hot path, and a reflecting encoder takes twice as long.
func (e encoder) payload(to []byte, ev *domain.FeedEvent, b *domain.FeedBatch) []byte {
	to = append(to, `{"seq":`...)
	to = strconv.AppendInt(to, int64(ev.Seq), 10)
	to = appendField(to, "lead", string(ev.Lead))
	to = appendField(to, "type", string(ev.Type))
	to = appendField(to, "campaign", string(ev.Campaign))
	to = appendField(to, "source", string(ev.Source))
	to = e.appendContact(to, ev.Contact)
	to = appendTime(to, "received_at", ev.ReceivedAt)
	to = appendTime(to, "decided_at", ev.DecidedAt)
	to = appendTime(to, "committed_at", ev.CommittedAt)
	to = appendTime(to, "published_at", b.PublishedAt)
	to = append(to, `,"replay":`...)
	to = strconv.AppendBool(to, b.Replay)
	return append(to, '}')
}

// appendContact copies the row, which is JSON already. A line break between its tokens would end the
// data field, and one that is not JSON would end the event: neither gets past here.
func (e encoder) appendContact(to []byte, contact json.RawMessage) []byte {
	switch {
	case len(contact) > e.maxContact || !json.Valid(contact):
		return append(to, `,"refetch":true`...)
	case bytes.ContainsAny(contact, "\r\n"):
		var flat bytes.Buffer
		if json.Compact(&flat, contact) != nil {
			return append(to, `,"refetch":true`...)
		}
		contact = flat.Bytes()
	}
	to = append(to, `,"contact":`...)
	return append(to, contact...)
}

func appendField(to []byte, name, value string) []byte {
	to = append(to, `,"`...)
	to = append(to, name...)
	to = append(to, `":`...)
	for i := range len(value) {
		if c := value[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return appendEscaped(to, value)
		}
	}
	to = append(to, '"')
	to = append(to, value...)
	return append(to, '"')
}

// appendEscaped is for the rare string that is not plain. Encoding a string does not fail.
func appendEscaped(to []byte, value string) []byte {
	b, _ := json.Marshal(value)
	return append(to, b...)
}

func appendTime(to []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return to
	}
	to = append(to, `,"`...)
	to = append(to, name...)
	to = append(to, `":"`...)
	to = t.UTC().AppendFormat(to, markFormat)
	return append(to, '"')
}

// oneLine takes out what would end a field early, and with it let a value write fields of its own. NUL
// goes too: a browser ignores an id that has one.
func oneLine(field string) string {
	if !strings.ContainsAny(field, "\r\n\x00") {
		return field
	}
	return strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(field)
}
