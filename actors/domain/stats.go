package domain

import (
	"context"
	"fmt"
	"time"
)

// StatsSpan is how long a slot of figures is.
type StatsSpan time.Duration

// The spans that are kept. A minute says what is going on; an hour is all that a month needs.
const (
	StatsMinute = StatsSpan(time.Minute)
	StatsHour   = StatsSpan(time.Hour)
)

// How long slots are kept, and so what may be asked for; both are some slots longer than StatsFine and StatsMost, so that
// what an answer begins with is still there. An endpoint leaves 240 rows of minutes and 744 of hours per writer, of about
// 300 bytes each when it is quiet and a few KB when it is not.
const (
	StatsMinutesKept = 4 * time.Hour
	StatsHoursKept   = 31 * 24 * time.Hour
	// StatsFine is the longest time that is put together from minutes; a longer one has hours, but for the last.
	StatsFine = 3 * time.Hour
	// StatsMost is the longest that can be asked for, StatsLeast the shortest: a slot.
	StatsMost  = 30 * 24 * time.Hour
	StatsLeast = time.Minute
)

// MaxStatsBody is the most bytes that a row's body has: figures whose every bin is in use are 20 KB.
const MaxStatsBody = 64 << 10

// StatsOf is whom figures are about: an endpoint, or all the endpoints of an account that have a tier. The latter are
// counted beside the former, so that an account's are read at once however many endpoints it has.
type StatsOf struct {
	Account  AccountID
	Endpoint EndpointID // "": all of Tier
	Tier     Tier       // "" with an Endpoint
}

// StatsKey names a row of figures. Those of one slot by different writers add up.
type StatsKey struct {
	StatsOf
	Span StatsSpan
	At   time.Time // when the slot begins: a multiple of Span
	// Writer is who counted, and never two: a node names each slot that it begins.
	Writer string
}

// StatsRow is what one writer has counted in a slot so far. Body is package stats', and stands for itself.
type StatsRow struct {
	StatsKey
	Body []byte
}

// Check says what a store cannot keep, beside texts: Invalid, with the field and the rule.
func (r *StatsRow) Check(op string) error {
	switch {
	case (r.Endpoint == "") == (r.Tier == ""):
		return FailField(op, "tier", "must be given with no endpoint, and not with one")
	case r.Span != StatsMinute && r.Span != StatsHour:
		return FailField(op, "span", "must be a minute or an hour")
	case !r.At.Equal(r.At.Truncate(time.Duration(r.Span))):
		return FailField(op, "at", "must be when a slot begins")
	case len(r.Body) == 0 || len(r.Body) > MaxStatsBody:
		return FailField(op, "body", fmt.Sprintf("must be 1 to %d bytes", MaxStatsBody))
	default:
		return nil
	}
}

// StatsRange narrows a reading to slots of a span: those that begin at Since or later, and before Until.
type StatsRange struct {
	StatsOf
	Span         StatsSpan
	Since, Until time.Time
}

// StatsPlace is a row's place in a reading; the zero one is before the first.
type StatsPlace struct {
	At     time.Time
	Writer string
}

// StatsStore is the part of Store that figures need. They are not the truth, receipts are: figures are written every few
// seconds, beside the traffic, and what a crash loses of them nobody counts again.
type StatsStore interface {
	// KeepStats writes rows, each in the place of the one with its key, all or none. Who repeats it changes nothing.
	KeepStats(ctx context.Context, rows []StatsRow) error
	// Stats lists the rows of a range behind a place, by (At, Writer), at most limit.
	Stats(ctx context.Context, r StatsRange, after StatsPlace, limit int) ([]StatsRow, error)
}
