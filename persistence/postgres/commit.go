package postgres

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/groupcommit"
)

type result = groupcommit.Result[reply]

// The steps of a commit: before anything is sent, after each part of the pipeline, and after the server
// has confirmed the commit.
const (
	stepBegin     = "begin"
	stepLocked    = "locked"
	stepReceived  = "received"
	stepDecided   = "decided"
	stepObserved  = "observed"
	stepJudged    = "judged"
	stepAttempted = "attempted"
	stepSeen      = "seen"
	stepCommitted = "committed"
)

// Steps lists where Options.Fail is asked, in the order of a commit.
func Steps() []string {
	return []string{stepBegin, stepLocked, stepReceived, stepDecided, stepObserved, stepJudged, stepAttempted, stepSeen, stepCommitted}
}

// maxTries is how often a batch is run in all. A deadlock or a broken connection is rare; four in a row
// are no accident, and the callers are better at waiting than we are.
const maxTries = 4

// batch is one group commit on its way, through all its tries.
type batch struct {
	id      int64 // stands in every row it writes
	ops     []op
	todo    []int // of ops: still without an answer
	results []result
	unknown bool // an earlier try may have been committed
}

// commit makes a batch durable. It is called by the group commit, one call at a time.
func (s *Store) commit(ctx context.Context, ops []op) ([]result, error) {
	b := &batch{id: rand.Int64(), ops: ops, results: make([]result, len(ops)), todo: make([]int, len(ops))}
	for i := range ops {
		b.todo[i] = i
	}
	var waited time.Duration
	for try := 1; ; try++ {
		err := s.try(ctx, b, &waited)
		if err == nil && len(b.todo) == 0 {
			return b.results, nil
		}
		if err = s.again(err, try, b); err != nil {
			return nil, err
		}
	}
}

// QueueWait is how long a write would wait for its commit; see domain.Store.
func (s *Store) QueueWait() time.Duration { return s.writer.Wait() }

// again decides whether a batch is run once more: nil, or the error that answers its callers.
func (s *Store) again(err error, try int, b *batch) error {
	const op = "commit"
	var reason string
	switch {
	case err == nil: // what is left to do lacks its feed row
		reason = retryFeed
	case domain.CodeOf(err) == domain.Unavailable: // no connection
		return err
	default:
		switch judge(err) {
		case broken:
			b.unknown, reason = true, retryUnknown
		case rollback:
			reason = retryRollback
		case refused:
			if b.unknown { // an earlier try may have written some of it: Invalid promises the contrary
				return domain.Fail(op, domain.Unavailable, err)
			}
			return domain.Fail(op, domain.Invalid, err)
		case full:
			return domain.Fail(op, domain.Unavailable, err)
		default:
			return domain.Fail(op, domain.Internal, err)
		}
	}
	if try >= maxTries {
		if err == nil {
			return domain.Fail(op, domain.Internal, errNoFeed)
		}
		return domain.Fail(op, domain.Unavailable, err)
	}
	s.metrics.retries.WithLabelValues(reason).Inc()
	return nil
}

// try runs what is left of the batch once. A broken connection is given up.
func (s *Store) try(ctx context.Context, b *batch, waited *time.Duration) error {
	conn, err := s.line.take(ctx, waited)
	if err != nil {
		return domain.Fail("commit", domain.Unavailable, err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.StatementTimeout*3/2)
	defer cancel()
	if err = s.run(ctx, conn, b); err != nil && (judge(err) == broken || conn.IsClosed()) {
		s.line.lose(conn, err)
	}
	return err
}

func (s *Store) run(ctx context.Context, conn *pgx.Conn, b *batch) error {
	if err := s.opts.Fail(stepBegin); err != nil {
		return err
	}
	if err := s.ensureFeeds(ctx, conn, b); err != nil {
		return err
	}
	if err := s.ensureHeads(ctx, conn, b); err != nil {
		return err
	}
	if err := s.ensureEndpoints(ctx, conn, b); err != nil {
		return err
	}
	p := newPipeline(b, s.opts.Fail)
	if err := p.send(ctx, conn); err != nil {
		clear(s.heads) // one may be gone, in a database restored from elsewhere; asking again is cheap
		clear(s.endpoints)
		return err
	}
	if err := s.opts.Fail(stepCommitted); err != nil {
		return err
	}
	if b.unknown {
		if err := s.recognise(ctx, conn, b, p); err != nil {
			return err
		}
	}
	b.todo = p.answer()
	s.forgetFeeds(b, slices.Concat(b.todo, p.strangers))
	return nil
}
