package queue

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// pace is how much an endpoint is sent at once, and how fast.
type pace struct {
	limit    int // attempts at once
	most     int
	wins     int       // successes since limit last changed, while all of it was in use
	halvedAt time.Time // what was sent before says nothing new

	rate     float64 // a second; 0: no limit
	tokens   float64
	filledAt time.Time

	slowUntil time.Time // nothing is sent before
	slowedAt  time.Time
	pause     time.Duration // the last one that the endpoint did not ask for itself
}

func (p *pace) configure(e domain.Endpoint) {
	p.most = e.Concurrency
	p.limit = min(p.limit, p.most)
	if p.rate != e.Rate {
		p.rate, p.tokens = e.Rate, min(p.tokens, burst(e.Rate))
	}
}

func burst(rate float64) float64 { return max(1, rate) }

// begin starts over with so many attempts at once. What the endpoint asked for stays.
func (p *pace) begin(limit int) { p.limit, p.wins = min(limit, p.most), 0 }

func (p *pace) fill(now time.Time) {
	if p.rate == 0 {
		return
	}
	if p.filledAt.IsZero() {
		p.tokens = burst(p.rate)
	} else if gone := now.Sub(p.filledAt); gone > 0 {
		p.tokens = min(burst(p.rate), p.tokens+p.rate*gone.Seconds())
	}
	if now.After(p.filledAt) {
		p.filledAt = now
	}
}

// allowed is how many attempts may begin, as far as the rate goes.
func (p *pace) allowed(most int) int {
	if p.rate == 0 {
		return most
	}
	return min(most, int(p.tokens+epsilon))
}

// epsilon keeps a sum of fractions that should be one from being less.
const epsilon = 1e-6

// fullAt is when the next attempt may begin, if the rate is in the way.
func (p *pace) fullAt(now time.Time) time.Time {
	return now.Add(time.Duration((1-p.tokens)/p.rate*float64(time.Second)) + time.Millisecond)
}

// succeeded grows the limit by one when a whole window of attempts has succeeded; full: all places were in use.
func (p *pace) succeeded(full bool) {
	p.pause = 0
	if !full || p.limit >= p.most {
		return
	}
	if p.wins++; p.wins >= p.limit {
		p.limit, p.wins = p.limit+1, 0
	}
}

// failed halves the limit when the endpoint has too much, once for all that was in flight together, and slows down when it
// says so.
func (p *pace) failed(now, sentAt time.Time, s *domain.Sent) {
	if overloaded(s) && !sentAt.Before(p.halvedAt) {
		p.limit, p.wins, p.halvedAt = max(1, p.limit/2), 0, now
	}
	if s.Status != domain.StatusTooMany && s.Status != domain.StatusUnavailable {
		return
	}
	if until := s.RetryAfter; !until.IsZero() {
		if latest := now.Add(maxSlow); until.After(latest) {
			until = latest
		}
		p.slow(now, until)
		return
	}
	if !sentAt.Before(p.slowedAt) {
		p.pause = min(max(firstSlow, 2*p.pause), longSlow)
		p.slow(now, now.Add(p.pause))
	}
}

func (p *pace) slow(now, until time.Time) {
	p.slowedAt = now
	if until.After(p.slowUntil) {
		p.slowUntil = until
	}
}

// overloaded says whether less at once may help.
func overloaded(s *domain.Sent) bool {
	switch s.Error {
	case domain.ErrorTimeout, domain.ErrorConnect, domain.ErrorCut, domain.ErrorTLS, domain.ErrorDNS:
		return true
	case domain.ErrorStatus:
		return s.Status == domain.StatusTooMany || s.Status == domain.StatusUnavailable
	default:
		return false
	}
}
