package identity

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// SlowConfig bounds what the slow tier may cost. Zero fields take their default.
type SlowConfig struct {
	Deadline    time.Duration
	Concurrency int
	Queue       int
	NegativeTTL time.Duration
	NegativeMax int
	PersonTTL   time.Duration
	PersonMax   int
}

// Slow asks a tier.
type Slow struct{}

// NewSlow builds one.
func NewSlow(t Tier, cfg SlowConfig, clock domain.Clock, reg prometheus.Registerer) *Slow {
	return &Slow{}
}

// Lookup asks.
func (s *Slow) Lookup(ctx context.Context, keys []domain.Key) (Known, error) { return Known{}, nil }

// Remembered is a person that was found before.
func (s *Slow) Remembered(p domain.PersonID) (domain.Person, bool) { return domain.Person{}, false }

// Forget drops what is remembered of keys and persons.
func (s *Slow) Forget(keys []domain.Key, persons []domain.PersonID) {}
