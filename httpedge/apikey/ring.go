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
)

// Ring is the keys that a node knows. It is read when a request comes, and never in between.
type Ring struct {
	list  func(ctx context.Context) ([]domain.APIKey, error)
	clock domain.Clock

	mu   sync.Mutex // held while the list is read: one reading at a time, and the others wait for it
	keys map[string]domain.APIKey
	read time.Time // when the list was read; zero: never, or it is known to have changed
	last time.Time // when it was read with success
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
	keys, err := r.current(ctx, now)
	if err != nil {
		return domain.APIKey{}, domain.Fail(op, domain.Unavailable, err)
	}
	k, known := keys[id]
	switch {
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

// current is the list, at most a second old. The map is never changed.
func (r *Ring) current(ctx context.Context, now time.Time) (map[string]domain.APIKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.read.IsZero() && now.Sub(r.read) < fresh {
		return r.known(now)
	}
	list, err := r.list(ctx)
	r.read = now // also after a failure: the store is not asked more often because it is in trouble
	if err != nil {
		return r.known(now)
	}
	keys := make(map[string]domain.APIKey, len(list))
	for _, k := range list {
		keys[k.ID] = k
	}
	r.keys, r.last = keys, now
	return keys, nil
}

func (r *Ring) known(now time.Time) (map[string]domain.APIKey, error) {
	if r.keys == nil || now.Sub(r.last) >= stale {
		return nil, errors.New("the list of API keys cannot be read")
	}
	return r.keys, nil
}
