package domain

import "time"

// Clock is time as the shells see it. The pure packages take the time as an argument instead.
type Clock interface {
	Now() time.Time
	// AfterFunc runs f in its own goroutine after d. Stop reports whether it kept f from running.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a pending AfterFunc.
type Timer interface{ Stop() bool }

// SystemClock is the machine's time.
type SystemClock struct{}

// Now is time.Now.
func (SystemClock) Now() time.Time { return time.Now() }

// AfterFunc is time.AfterFunc.
func (SystemClock) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }

// ShiftedClock is the machine's time with By added: a machine whose clock is wrong.
type ShiftedClock struct {
	SystemClock

	By time.Duration
}

// Now is time.Now, and By.
func (c ShiftedClock) Now() time.Time { return time.Now().Add(c.By) }
