package groupcommit

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/prometheus/client_golang/prometheus"
)

// Config holds the limits of a Writer. Zero fields take their default.
type Config struct {
	// Name tells writers of one process apart in the metrics; default "main".
	Name string
	// MaxOps is the most operations in one batch; default 512: beyond it a store gains nothing per
	// row and the first in the batch waits for the last.
	MaxOps int
	// MaxBytes is the most bytes in one batch, as Size counts them; default 4 MiB. A single operation
	// larger than this is refused as Invalid.
	MaxBytes int
	// QueueOps and QueueBytes bound what waits for the next batch; default 8192 operations and
	// 64 MiB: about a second of the heaviest load. What is refused there, the source sends again.
	QueueOps   int
	QueueBytes int
	// Spacing is the least time between the beginnings of two commits, while fewer than MaxOps wait; 0: none.
	// On a disk that answers in 0.1 ms the next commit would otherwise begin with whatever one caller
	// brought meanwhile, and a busy store would pay a whole commit, half a millisecond of processor time, for
	// each. An operation alone never waits.
	Spacing time.Duration
	// Outcomes lists, by kind, the outcomes that Commit reports, so that their counters exist from
	// the start. The outcomes of failure (refused, withdrawn, invalid, fenced, unavailable, internal) are added.
	Outcomes map[string][]string
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "main"
	}
	for _, f := range []struct {
		to  *int
		def int
	}{{&c.MaxOps, 512}, {&c.MaxBytes, 4 << 20}, {&c.QueueOps, 8192}, {&c.QueueBytes, 64 << 20}} {
		if *f.to == 0 {
			*f.to = f.def
		}
	}
	return c
}

func (c Config) validate() error {
	for _, f := range []struct {
		name  string
		value int
	}{{"max_ops", c.MaxOps}, {"max_bytes", c.MaxBytes}, {"queue_ops", c.QueueOps}, {"queue_bytes", c.QueueBytes}} {
		if f.value < 1 {
			return domain.FailField("configure group commit", f.name, fmt.Sprintf("must be at least 1, is %d", f.value))
		}
	}
	if c.Spacing > time.Second {
		return domain.FailField("configure group commit", "spacing", "must be at most 1s")
	}
	if c.QueueBytes < c.MaxBytes { // an operation could be small enough for a batch and never fit the queue
		return domain.FailField("configure group commit", "queue_bytes", "must be at least max_bytes")
	}
	return nil
}

// Deps are what a Writer works with.
type Deps struct {
	Log        *slog.Logger          // nil: silent
	Registerer prometheus.Registerer // nil: metrics are kept and not exposed
	Clock      domain.Clock          // nil: the machine's
}

func (d Deps) withDefaults() Deps {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Clock == nil {
		d.Clock = domain.SystemClock{}
	}
	return d
}
