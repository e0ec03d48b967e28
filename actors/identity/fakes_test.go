package identity_test

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// book is a graph of maps.
type book struct {
	people    map[domain.Key]domain.PersonID
	records   map[domain.PersonID]domain.Person
	companies map[string]domain.Company
	networks  map[netip.Addr]string
	lent      *int
}

func (b book) Borrow() identity.Graph {
	if b.lent != nil {
		*b.lent++
	}
	return b
}

func (b book) Release() {
	if b.lent != nil {
		*b.lent--
	}
}

func (b book) Person(k domain.Key) (domain.PersonID, bool) { p, ok := b.people[k]; return p, ok }

func (b book) Record(p domain.PersonID) (domain.Person, bool) { r, ok := b.records[p]; return r, ok }

func (b book) Company(name string) (domain.Company, bool) { c, ok := b.companies[name]; return c, ok }

func (b book) Network(a netip.Addr) (string, bool) { n, ok := b.networks[a]; return n, ok }

// none lends nothing.
type none struct{}

func (none) Borrow() identity.Graph { return nil }

// tier answers by a function, and counts.
type tier struct {
	mu     sync.Mutex
	asked  [][]domain.Key
	answer func(ctx context.Context, keys []domain.Key) (identity.Known, error)
}

func (t *tier) Lookup(ctx context.Context, keys []domain.Key) (identity.Known, error) {
	t.mu.Lock()
	t.asked = append(t.asked, keys)
	t.mu.Unlock()
	if t.answer == nil {
		return identity.Known{}, nil
	}
	return t.answer(ctx, keys)
}

func (t *tier) calls() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.asked)
}

// clock moves only when it is told to.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*timer
}

type timer struct {
	clock *clock
	at    time.Time
	f     func()
}

func newClock() *clock { return &clock{now: noon} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) AfterFunc(d time.Duration, f func()) domain.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{c, c.now.Add(d), f}
	c.timers = append(c.timers, t)
	return t
}

func (t *timer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	was := t.f != nil
	t.f = nil
	return was
}

// advance moves the time and runs what is due before it returns.
func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	var due []func()
	for _, t := range c.timers {
		if t.f != nil && !t.at.After(c.now) {
			due = append(due, t.f)
			t.f = nil
		}
	}
	c.mu.Unlock()
	for _, f := range due {
		f()
	}
}
