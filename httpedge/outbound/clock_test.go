package outbound

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// handClock is moved by hand.
type handClock struct {
	domain.SystemClock

	now time.Time
}

func (c *handClock) Now() time.Time          { return c.now }
func (c *handClock) advance(d time.Duration) { c.now = c.now.Add(d) }
