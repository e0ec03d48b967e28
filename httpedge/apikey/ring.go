package apikey

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	// fresh is how old the list may be: what a revoked key has left, and one read a second whoever asks.
	fresh = time.Second
	// stale is how old it may be while the store cannot be read. Longer, and a revoked key would outlive a
	// failure that somebody brought about for it.
	stale = 10 * time.Second
	// again is how often a second it is read once more for a key that is not in it, which may have been made on another node
	// just now. Guessed keys cost the store so much and no more; who uses it up keeps others waiting for the rest of a second.
	again = 10
)

// Ring is the keys that a node knows. It is read when a request comes, and never in between.
type Ring struct {
	list  func(ctx context.Context) ([]domain.APIKey, error)
	clock domain.Clock

	mu   sync.Mutex // held while the list is read: one reading at a time, and the others wait for it
	keys map[string]domain.APIKey
	read time.Time // when the list was read; zero: never, or it is known to have changed
	last time.Time // when it was read with success
	bad  bool      // the last reading was without

	began time.Time // the second in which more counts
	more  int       // times that the list was read for keys that were not in it
}

// NewRing knows the keys that list lists.
func NewRing(list func(ctx context.Context) ([]domain.APIKey, error), clock domain.Clock) *Ring {
	return &Ring{list: list, clock: clock}
}

// Changed makes the next request read the list again.
func (r *Ring) Changed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read = time.Time{}
}

// Verify finds the key that a text is. The error is a Reason, as an Unverified domain.Error, or Unavailable
// while the keys cannot be read.
func (r *Ring) Verify(ctx context.Context, text string) (domain.APIKey, error) {
	const op = "verify API key"
	id, secret, reason := split(text)
	if reason != "" { // nothing is read for what cannot be a key
		return domain.APIKey{}, domain.Fail(op, domain.Unverified, reason)
	}
	now := r.clock.Now()
	k, known, err := r.find(ctx, id, now)
	switch {
	case err != nil:
		return domain.APIKey{}, domain.Fail(op, domain.Unavailable, err)
	case !known:
		reason = Unknown
	case !same(secret, k):
		reason = Forged
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		reason = Expired
	default:
		return k, nil
	}
	return domain.APIKey{}, domain.Fail(op, domain.Unverified, reason)
}

// find looks in the list, at most a second old, and once more in a new one. A key that is in none is unknown only when the list
// was read for it: that answer is final for who asks, and the key may have been made a moment ago.
func (r *Ring) find(ctx context.Context, id string, now time.Time) (k domain.APIKey, known bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	recent := !r.read.IsZero() && now.Sub(r.read) < fresh
	if !recent {
		r.reread(ctx, now)
	}
	if r.keys == nil || now.Sub(r.last) >= stale {
		return k, false, errUnread
	}
	k, known = r.keys[id]
	switch {
	case known, !recent: // the list is new
	case r.bad:
	case !r.mayReread(now):
		return k, false, errGuessed
	default:
		r.reread(ctx, now)
		k, known = r.keys[id]
	}
	if !known && r.bad {
		return k, false, errUnread
	}
	return k, known, nil
}

var (
	errUnread  = errors.New("the list of API keys cannot be read")
	errGuessed = errors.New("too many unknown API keys are tried")
)

// mayReread counts readings for keys that are not in the list, each second by itself: a second that began with the list's last
// reading would go on for as long as somebody has it read.
func (r *Ring) mayReread(now time.Time) bool {
	if now.Sub(r.began) >= fresh {
		r.began, r.more = now, 0
	}
	if r.more == again {
		return false
	}
	r.more++
	return true
}

func (r *Ring) reread(ctx context.Context, now time.Time) {
	list, err := r.list(ctx)
	r.read = now // also after a failure: the store is not asked more often because it is in trouble
	r.bad = err != nil
	if r.bad {
		return
	}
	keys := make(map[string]domain.APIKey, len(list))
	for _, k := range list {
		keys[k.ID] = k
	}
	r.keys, r.last = keys, now
}
