package budget

import (
	"sync"
	"time"
)

const (
	// slotLength is how exact a window is: one of five minutes may be ten seconds short.
	slotLength = 10 * time.Second
	// Longest is the longest window that a meter knows. Of its slots there are 2,160, which are 17 KB.
	Longest = 6 * time.Hour
	slots   = int64(Longest / slotLength)
)

// Windows are those whose burn rates are told: the first says that it goes on, the others how much is gone.
func Windows() []time.Duration { return []time.Duration{5 * time.Minute, time.Hour, Longest} }

// Meter counts what a budget was asked for and what it had to pay, over the last hours. It is safe for concurrent use.
type Meter struct {
	objective float64

	mu    sync.Mutex
	slots [slots]counts
	last  int64 // number of the newest slot, counted from 1970
}

type counts struct{ all, late uint32 }

// NewMeter is one of nothing.
func NewMeter(objective float64) *Meter { return &Meter{objective: objective} }

// Count counts one attempt. A time before the newest one counts as that one's.
func (m *Meter) Count(now time.Time, late bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(now)
	s := &m.slots[m.last%slots]
	s.all++
	if late {
		s.late++
	}
}

// turn goes on to the slot of a time and empties those that nobody has used since.
func (m *Meter) turn(now time.Time) {
	n := now.Unix() / int64(slotLength/time.Second)
	if n <= m.last {
		return
	}
	for i := max(m.last+1, n-slots+1); i <= n; i++ {
		m.slots[i%slots] = counts{}
	}
	m.last = n
}

// Burn is how fast the budget went over a window that ends now: the part that was late, of the part that may be; 0 when
// there was nothing. A window is at most Longest.
func (m *Meter) Burn(now time.Time, window time.Duration) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn(now)
	var all, late uint64
	for i := range min(int64(window/slotLength), slots) {
		if s := m.slots[((m.last-i)%slots+slots)%slots]; i <= m.last {
			all, late = all+uint64(s.all), late+uint64(s.late)
		}
	}
	if all == 0 {
		return 0
	}
	return float64(late) / float64(all) / (1 - m.objective)
}
