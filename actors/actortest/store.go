package actortest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Store is a real store that fails when a test says so.
type Store struct {
	domain.Store
	mu     sync.Mutex
	rules  map[string]*rule
	calls  map[string]int
	until  map[string]time.Time
	before map[string]func()
}

type rule struct {
	left  int
	after bool
	err   error
}

// ErrDown is what a failing store answers unless the test says otherwise.
var ErrDown = domain.Fail("commit", domain.Unavailable, errors.New("the test says the store is down"))

// Fail makes the next n calls of a method ("Receive", "Admit", "Decide", "Heads", "Feed",
// "Observe", "Visit", "Judge", "Learn", "Due", "KeepStats", "KeepTest") answer err, before
// they reach the store.
func (s *Store) Fail(method string, n int, err error) { s.set(method, &rule{n, false, err}) }

// FailAfter lets the next n calls of a method reach the store and commit, and then answers err: the
// answer was lost.
func (s *Store) FailAfter(method string, n int, err error) { s.set(method, &rule{n, true, err}) }

// Before has something happen once, when a method ("SuppressionRevision") is called and has not reached the store yet.
func (s *Store) Before(method string, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before[method] = do
}

// Calls is how often a method has been called.
func (s *Store) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// Until is the deadline of the last call of a method ("Receive", "Admit", "Decide", "Observe"); zero: it had none.
func (s *Store) Until(method string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.until[method]
}

// bounded notes a call's deadline.
func (s *Store) bounded(ctx context.Context, method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until[method], _ = ctx.Deadline()
}

func (s *Store) set(method string, r *rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules[method] = r
}

func (s *Store) take(method string) (before, after error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[method]++
	r := s.rules[method]
	if r == nil || r.left == 0 {
		return nil, nil
	}
	r.left--
	if r.after {
		return nil, r.err
	}
	return r.err, nil
}

func call[T any](s *Store, method string, f func() (T, error)) (T, error) {
	var zero T
	before, after := s.take(method)
	if before != nil {
		return zero, before
	}
	v, err := f()
	if err == nil && after != nil {
		return zero, after
	}
	return v, err
}

// SuppressionRevision is domain.Store's.
func (s *Store) SuppressionRevision(ctx context.Context) (int64, error) {
	s.mu.Lock()
	do := s.before["SuppressionRevision"]
	delete(s.before, "SuppressionRevision")
	s.mu.Unlock()
	if do != nil {
		do()
	}
	return s.Store.SuppressionRevision(ctx)
}

// Receive is domain.Store's.
func (s *Store) Receive(ctx context.Context, f domain.Fence, e domain.Event) (domain.Received, error) {
	s.bounded(ctx, "Receive")
	return call(s, "Receive", func() (domain.Received, error) { return s.Store.Receive(ctx, f, e) })
}

// Admit is domain.Store's. While "Decide" is to fail, events are kept and their decisions not tried.
func (s *Store) Admit(ctx context.Context, f domain.Fence, e domain.Event, d domain.Decision) (domain.Admitted, error) {
	s.bounded(ctx, "Admit")
	return call(s, "Admit", func() (domain.Admitted, error) {
		if before, _ := s.take("Decide"); before != nil {
			r, err := s.Store.Receive(ctx, f, e)
			return domain.Admitted{Received: r}, err
		}
		return s.Store.Admit(ctx, f, e, d)
	})
}

// Decide is domain.Store's.
func (s *Store) Decide(ctx context.Context, d domain.Decision) (domain.Decided, error) {
	s.bounded(ctx, "Decide")
	return call(s, "Decide", func() (domain.Decided, error) { return s.Store.Decide(ctx, d) })
}

// Heads is domain.Store's.
func (s *Store) Heads(ctx context.Context, keys []domain.BuyerKey) ([]domain.Head, error) {
	return call(s, "Heads", func() ([]domain.Head, error) { return s.Store.Heads(ctx, keys) })
}

// Feed is domain.Store's.
func (s *Store) Feed(ctx context.Context, key domain.BuyerKey, after domain.Seq, limit int) ([]domain.FeedEvent, error) {
	return call(s, "Feed", func() ([]domain.FeedEvent, error) { return s.Store.Feed(ctx, key, after, limit) })
}

// Observe is domain.Store's.
func (s *Store) Observe(ctx context.Context, o domain.Observation) (domain.Observed, error) {
	s.bounded(ctx, "Observe")
	return call(s, "Observe", func() (domain.Observed, error) { return s.Store.Observe(ctx, o) })
}

// Visit is domain.Store's.
func (s *Store) Visit(ctx context.Context, key domain.VisitorKey) (domain.Visit, error) {
	return call(s, "Visit", func() (domain.Visit, error) { return s.Store.Visit(ctx, key) })
}

// Judge is domain.Store's.
func (s *Store) Judge(ctx context.Context, j domain.Judgement) (domain.Judged, error) {
	return call(s, "Judge", func() (domain.Judged, error) { return s.Store.Judge(ctx, j) })
}

// Learn is domain.Store's.
func (s *Store) Learn(ctx context.Context, l domain.Lesson) (domain.Learned, error) {
	return call(s, "Learn", func() (domain.Learned, error) { return s.Store.Learn(ctx, l) })
}

// Due is domain.Store's.
func (s *Store) Due(ctx context.Context, key domain.EndpointKey, now time.Time, limit int, except ...int64) (domain.Due, error) {
	return call(s, "Due", func() (domain.Due, error) { return s.Store.Due(ctx, key, now, limit, except...) })
}

// KeepStats is domain.Store's.
func (s *Store) KeepStats(ctx context.Context, rows []domain.StatsRow) error {
	_, err := call(s, "KeepStats", func() (struct{}, error) { return struct{}{}, s.Store.KeepStats(ctx, rows) })
	return err
}

// KeepTest is domain.Store's.
func (s *Store) KeepTest(ctx context.Context, a domain.Announcement, r domain.Receipt, audit domain.AuditEntry) (domain.Delivery, error) {
	return call(s, "KeepTest", func() (domain.Delivery, error) { return s.Store.KeepTest(ctx, a, r, audit) })
}
