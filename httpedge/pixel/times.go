package pixel

import (
	"math"
	"strconv"
	"time"

	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// time reads "at": milliseconds since 1970, as Date.now() gives them, or from a server also RFC 3339.
func (r *reader) time(m strictjson.Value) *Refusal {
	if r.p.Server && m.Kind() == strictjson.String {
		at, err := time.Parse(time.RFC3339, m.Text())
		if err != nil {
			return refuse("at", source.Form)
		}
		r.at = at
		return nil
	}
	ms, fault := number(m, "at")
	if fault != nil {
		return fault
	}
	at, ok := Millis(ms)
	if !ok {
		return refuse("at", source.Form)
	}
	r.at = at
	return nil
}

// Millis is a time in a client's milliseconds; false when it is none of this product's time.
func Millis(ms float64) (time.Time, bool) {
	const from, to = 1577836800e3, 4102444800e3 // 2020 to 2100
	if !(ms >= from && ms <= to) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(ms)).UTC(), true
}

// occurred is when the hit happened by our clock: as long before it was received as, by the sender's own
// clock, it was before it was sent.
func (r *reader) occurred() time.Time {
	sent, oldest := r.p.SentAt, maxAge
	if sent.IsZero() {
		sent = r.p.ReceivedAt
	}
	if r.p.Server {
		oldest = maxServerAge
	}
	if r.at.IsZero() {
		return r.p.ReceivedAt
	}
	age := min(max(sent.Sub(r.at), 0), oldest)
	return r.p.ReceivedAt.Add(-age)
}

func (r *reader) duration(m strictjson.Value) *Refusal {
	ms, fault := number(m, "duration")
	switch {
	case fault != nil:
		return fault
	case ms < 0:
		return refuse("duration", source.Form)
	}
	d := maxDuration
	if ms < float64(maxDuration/time.Millisecond) {
		d = time.Duration(ms) * time.Millisecond
	} else {
		r.item.Cut++
	}
	r.item.Hit.Duration = d
	return nil
}

func number(m strictjson.Value, field string) (float64, *Refusal) {
	if m.Kind() != strictjson.Number {
		return 0, refuse(field, source.Type)
	}
	f, err := strconv.ParseFloat(m.Text(), 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, refuse(field, source.Form)
	}
	return f, nil
}
