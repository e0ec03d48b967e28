// Package rate says how much is too much.
//
//	Bucket ──Take──▶ the same bucket, fuller        there was room
//	          └────▶ how long until there is some   there was none, and nothing was taken
//
// A bucket is one number, the time until which what was taken uses up its rate (GCRA). So it needs no timer,
// its limit may change under it, a forgotten one is an empty one, and 65,536 of them are some 6 MB with their
// keys. It is a value: who keeps many guards them.
package rate

import "time"

// Limit is how much may be taken a second. PerSecond is at least 1.
type Limit struct {
	PerSecond int
	Burst     int // what may be taken at once; at least as much as is ever asked for in one Take
}

func (l Limit) each() int64 { return int64(time.Second) / int64(l.PerSecond) }

// Bucket is in nanoseconds since 1970. The zero value is empty.
type Bucket int64

// Take takes n, or answers how long until there is room for them.
func (b Bucket) Take(now time.Time, n int, l Limit) (Bucket, time.Duration) {
	next := b.Charge(now, n, l)
	if over := int64(next) - now.UnixNano() - int64(l.Burst)*l.each(); over > 0 {
		return b, time.Duration(over)
	}
	return next, 0
}

// Charge takes n even where there is no room: whoever takes next waits for it.
func (b Bucket) Charge(now time.Time, n int, l Limit) Bucket {
	return Bucket(max(int64(b), now.UnixNano()) + int64(n)*l.each())
}

// Empty says that a bucket is as good as a new one.
func (b Bucket) Empty(now time.Time) bool { return int64(b) <= now.UnixNano() }
