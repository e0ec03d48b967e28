package embedded

import (
	"log/slog"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/groupcommit"
	"github.com/prometheus/client_golang/prometheus"
)

// Options are what a Store works with. The zero value is right for production, but silent.
type Options struct {
	Log        *slog.Logger          // nil: silent
	Registerer prometheus.Registerer // nil: metrics are kept and not exposed
	Clock      domain.Clock          // nil: the machine's
	// Commit limits the writer's batches and its queue. Its Spacing is 2 ms by default, negative for none: at
	// 10,000 pixel events a second that takes a fifth off the processor time of each (docs/bench.md).
	Commit groupcommit.Config
	// Readers is how many connections read beside the writer; default 4: reads are short, and on few
	// cores more of them would only take turns.
	Readers int
	// CheckpointPages is about how long the write-ahead log grows, in pages of 4 KiB, before it is
	// moved into the file; default 32768 (128 MiB). Longer: a page that changes often is moved less often, and a reopen after
	// a crash is slower, by some 3 ms a MiB. At 32 MiB a busy node moved its log three times a second.
	CheckpointPages int
	// Fail is for tests: it is asked at each of Steps, and an error it returns stands for a disk that
	// fails there. Nil in production.
	Fail func(step string) error
}

// spacing is the least time between the beginnings of two commits. The promises are of 50 ms and more, and
// nothing takes more than three commits.
const spacing = 2 * time.Millisecond

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = domain.SystemClock{}
	}
	if o.Readers == 0 {
		o.Readers = 4
	}
	if o.Commit.Spacing == 0 {
		o.Commit.Spacing = spacing
	}
	if o.CheckpointPages == 0 {
		o.CheckpointPages = 32768
	}
	return o
}

func (o Options) validate() error {
	switch {
	case o.Readers < 1:
		return domain.FailField("configure store", "readers", "must be at least 1")
	case o.CheckpointPages < 1:
		return domain.FailField("configure store", "checkpoint_pages", "must be at least 1")
	}
	return nil
}

// The steps of a commit, in their order. Each stands before what it names.
const (
	stepBegin     = "begin"
	stepKey       = "event key"
	stepEvent     = "event"
	stepPending   = "pending event"
	stepRead      = "read decision's rows"
	stepFeedEvent = "feed event"
	stepLead      = "lead"
	stepSettle    = "settle event"
	stepHold      = "hold event"
	stepVisit     = "visit"
	stepLink      = "link"
	stepSighting  = "sighting"
	// Of a judgement.
	stepSettleSighting = "settle sighting"
	stepAcquaintance   = "acquaintance"
	stepAnnouncement   = "announcement"
	// Of what is owed to endpoints, and of an attempt.
	stepEndpoint       = "endpoint"
	stepDelivery       = "delivery"
	stepReceipt        = "receipt"
	stepSettleDelivery = "settle delivery"
	// Of suppressing and erasing.
	stepSuppression = "suppression"
	stepErase       = "erase"

	stepSeen      = "seen"
	stepAdmin     = "admin"
	stepFeeds     = "feeds"
	stepCommit    = "commit"
	stepCommitted = "committed"
)

// Steps lists where Options.Fail is asked.
func Steps() []string {
	return []string{
		stepBegin, stepKey, stepEvent, stepPending, stepRead, stepFeedEvent, stepLead, stepSettle, stepHold,
		stepVisit, stepLink, stepSighting, stepSettleSighting, stepAcquaintance, stepAnnouncement,
		stepEndpoint, stepDelivery, stepReceipt, stepSettleDelivery, stepSuppression, stepErase,
		stepSeen, stepAdmin, stepFeeds, stepCommit, stepCommitted,
	}
}
