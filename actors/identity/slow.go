package identity

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// SlowConfig bounds what the slow tier may cost. Zero fields take their default.
type SlowConfig struct {
	// Deadline is how long a lookup may take, waiting for its turn included; default 300ms: later the visitor
	// is on the next page.
	Deadline time.Duration
	// Concurrency is how many lookups run at a time; default 32: at 5ms each that is 6,400 a second, and more
	// connections would make a database slower.
	Concurrency int
	// Queue is how many may wait beside them; default 1024: at 5ms each the last waits for half the deadline.
	Queue int
	// NegativeTTL is how long a key that nobody knew is not asked for again; default 10m: a visit is asked for
	// about once.
	NegativeTTL time.Duration
	// NegativeMax is how many such keys are remembered; default 1,000,000, about 90 MB.
	NegativeMax int
	// PersonTTL is how long an answer is good for; default 1h: a record taken out of the tier is gone within it.
	PersonTTL time.Duration
	// PersonMax is how many people are remembered; default 50,000, about 60 MB.
	PersonMax int
}

func (c SlowConfig) withDefaults() SlowConfig {
	c.Deadline = cmp.Or(c.Deadline, 300*time.Millisecond)
	c.Concurrency = cmp.Or(c.Concurrency, 32)
	c.Queue = cmp.Or(c.Queue, 1024)
	c.NegativeTTL = cmp.Or(c.NegativeTTL, 10*time.Minute)
	c.NegativeMax = cmp.Or(c.NegativeMax, 1_000_000)
	c.PersonTTL = cmp.Or(c.PersonTTL, time.Hour)
	c.PersonMax = cmp.Or(c.PersonMax, 50_000)
	return c
}

// Slow asks a tier so that nobody suffers from it:
//
//	Lookup ─▶ remembered? known not to be known? ─▶ answered at once, whatever the tier is doing
//	       └▶ the same keys under way? ─▶ wait for that one
//	       └▶ a turn (Concurrency; Queue wait, the rest is refused) ─▶ Tier.Lookup ─▶ remember ─▶ answer
//
// An answer that does not come within Deadline is Unavailable; when it comes later it is remembered all the
// same. It is safe for concurrent use.
type Slow struct {
	tier    Tier
	cfg     SlowConfig
	clock   domain.Clock
	metrics *slowMetrics
	turns   chan struct{}

	mu      sync.Mutex
	flights map[digest]*flight
	open    int   // lookups that run or wait
	forgot  int64 // how often Forget was called: what was asked before it is not remembered
	memory  *memory
}

// flight is one lookup under way and all who wait for it.
type flight struct {
	keys   []domain.Key
	forgot int64
	once   sync.Once
	done   chan struct{}
	known  Known
	err    error
}

func (f *flight) land(known Known, err error) {
	f.once.Do(func() {
		f.known, f.err = known, err
		close(f.done)
	})
}

// NewSlow builds one. A nil registerer exports nothing.
func NewSlow(t Tier, cfg SlowConfig, clock domain.Clock, reg prometheus.Registerer) *Slow {
	cfg = cfg.withDefaults()
	m := newSlowMetrics(reg, cfg)
	return &Slow{
		tier: t, cfg: cfg, clock: clock, metrics: m, turns: make(chan struct{}, cfg.Concurrency),
		flights: map[digest]*flight{}, memory: newMemory(cfg, m),
	}
}

const asking = "ask the slow tier"

var (
	errDeadline = domain.Fail(asking, domain.Unavailable, errors.New("it did not answer in time"))
	errRefused  = domain.Fail(asking, domain.Unavailable, errors.New("too many lookups are under way"))
	errForgot   = domain.Fail(asking, domain.Unavailable, errors.New("somebody was forgotten meanwhile"))
)

// Lookup finds whom the strongest of the keys belongs to; they come strongest first. It waits, so it runs away
// from a mailbox. An error means that the tier was not asked or did not say: nothing is known of the keys, and
// asking again later is right.
func (s *Slow) Lookup(ctx context.Context, keys []domain.Key) (Known, error) {
	f, known, err := s.board(ctx, keys)
	if f == nil {
		return known, err
	}
	select {
	case <-f.done:
		return f.known, f.err
	case <-ctx.Done():
		s.metrics.outcome(outcomeLeft)
		return Known{}, domain.Fail(asking, domain.Unavailable, context.Cause(ctx))
	}
}

// board answers from memory, or finds the flight that answers.
func (s *Slow) board(ctx context.Context, keys []domain.Key) (*flight, Known, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	for _, k := range keys {
		if known, ok := s.memory.known(now, k); ok {
			s.metrics.outcome(outcomeRemembered)
			return nil, known, nil
		}
	}
	if keys = s.memory.unasked(now, keys); len(keys) == 0 {
		s.metrics.outcome(outcomeNegative)
		return nil, Known{}, nil
	}
	id := flightID(keys)
	if f := s.flights[id]; f != nil {
		s.metrics.outcome(outcomeCoalesced)
		return f, Known{}, nil
	}
	if s.open >= s.cfg.Concurrency+s.cfg.Queue {
		s.metrics.outcome(outcomeRefused)
		return nil, Known{}, errRefused
	}
	f := &flight{keys: keys, forgot: s.forgot, done: make(chan struct{})}
	s.flights[id] = f
	s.open++
	s.metrics.open.Set(float64(s.open))
	// Those who wait may leave; the answer is worth having for the next.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	deadline := s.clock.AfterFunc(s.cfg.Deadline, func() {
		f.land(Known{}, errDeadline)
		cancel(errDeadline)
	})
	go func() {
		defer cancel(nil)
		defer deadline.Stop()
		s.fly(ctx, id, f)
	}()
	return f, Known{}, nil
}

// fly waits for its turn, asks, remembers and answers.
func (s *Slow) fly(ctx context.Context, id digest, f *flight) {
	began := s.clock.Now()
	known, err := s.inTurn(ctx, f.keys)
	s.metrics.took.Observe(s.clock.Now().Sub(began).Seconds())
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.flights, id)
	s.open--
	s.metrics.open.Set(float64(s.open))
	switch {
	case errors.Is(err, errDeadline):
		s.metrics.outcome(outcomeDeadline)
	case err != nil:
		s.metrics.outcome(outcomeFailed)
		err = domain.Fail(asking, domain.Unavailable, err)
	case f.forgot != s.forgot:
		s.metrics.outcome(outcomeForgot)
		known, err = Known{}, errForgot
	case known.Found:
		s.metrics.outcome(outcomeFound)
		s.memory.remember(s.clock.Now(), known)
	default:
		s.metrics.outcome(outcomeUnknown)
		s.memory.deny(s.clock.Now(), f.keys)
	}
	f.land(known, err)
}

func (s *Slow) inTurn(ctx context.Context, keys []domain.Key) (Known, error) {
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return Known{}, context.Cause(ctx)
	}
	known, err := s.tier.Lookup(ctx, keys)
	switch {
	case err != nil && ctx.Err() != nil:
		return Known{}, context.Cause(ctx)
	case err == nil && known.Found:
		err = CheckPerson(known.Person.ID)
	}
	if err != nil {
		return Known{}, err
	}
	return known, nil
}

// Remembered is a person that the tier has told of before.
func (s *Slow) Remembered(p domain.PersonID) (domain.Person, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memory.person(s.clock.Now(), p)
}

// Forget drops what is remembered of keys and persons, also what is on its way: an erasure, or a new
// suppression.
func (s *Slow) Forget(keys []domain.Key, persons []domain.PersonID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgot++
	s.memory.forget(keys, persons)
}

// told is whom the tier has said that a key belongs to.
func (s *Slow) told(k domain.Key) (domain.PersonID, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.memory.known(s.clock.Now(), k)
	return known.Person.ID, ok
}

func (s *Slow) company(name string) (domain.Company, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memory.company(s.clock.Now(), name)
}

// unasked are those of the keys that the tier is not known not to know.
func (s *Slow) unasked(keys []domain.Key) []domain.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memory.unasked(s.clock.Now(), keys)
}

func flightID(keys []domain.Key) digest {
	parts := make([]string, 0, 2*len(keys))
	for _, k := range keys {
		parts = append(parts, string(k.Kind), k.Value)
	}
	return digestOf(parts...)
}
