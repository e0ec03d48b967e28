package bench

import (
	"bytes"
	"strconv"
	"time"
)

// marks are the moments an event of a stream carries, by the server's clock.
type marks struct {
	Received, Committed, Published time.Time
}

// segments records where the time between a webhook and its row goes.
type segments struct {
	received  *Recorder // due → received at the edge
	committed *Recorder // received → decision committed
	published *Recorder // committed → handed to the streams
	client    *Recorder // published → in the client's hands
}

func newSegments() segments {
	return segments{NewRecorder(), NewRecorder(), NewRecorder(), NewRecorder()}
}

func (s segments) record(due time.Time, m marks, arrived time.Time) {
	between(s.received, due, m.Received)
	between(s.committed, m.Received, m.Committed)
	between(s.published, m.Committed, m.Published)
	between(s.client, m.Published, arrived)
}

// between skips a segment whose marks are not both there (an event read back from the store has no
// committed mark).
func between(r *Recorder, from, to time.Time) {
	if !from.IsZero() && !to.IsZero() {
		r.Record(to.Sub(from))
	}
}

// readMarks finds the marks in an event's JSON by their keys, without parsing the rest: at thousands of
// events a second a whole parse would cost the harness more than sending does. The contacts in these
// events are the run's own, so the keys cannot stand in a value.
func readMarks(data []byte) marks {
	if bytes.Contains(data, []byte(`"replay":true`)) {
		return marks{} // read back from the store after a reconnect: its marks measure nothing
	}
	return marks{
		Received:  readMark(data, `"received_at":"`),
		Committed: readMark(data, `"committed_at":"`),
		Published: readMark(data, `"published_at":"`),
	}
}

func readMark(data []byte, key string) time.Time {
	i := bytes.Index(data, []byte(key))
	if i < 0 {
		return time.Time{}
	}
	value := data[i+len(key):]
	end := bytes.IndexByte(value, '"')
	if end < 0 {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, string(value[:end]))
	if err != nil {
		return time.Time{}
	}
	return t
}

// seqOf reads the sequence number from an event's id, "<epoch>-<seq>".
func seqOf(id []byte) (int64, bool) {
	i := bytes.LastIndexByte(id, '-')
	n, err := strconv.ParseInt(string(id[i+1:]), 10, 64)
	return n, err == nil && n >= 0
}
