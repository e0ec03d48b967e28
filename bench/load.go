package bench

import (
	"context"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"
)

// loadConfig is one run's plan.
type loadConfig struct {
	sendPlan
	drain       time.Duration // after the last answer, for the last event
	openTimeout time.Duration
}

// load is the sender and the audience of one run, all on one goroutine.
//
//	streams open ──▶ warm-up ──▶ measured ──▶ drain: answers, then events
type load struct {
	sender
	audience
	cfg loadConfig

	ack, sse *Recorder
	segments segments
	acked    atomic.Int64 // the ledger's, for who takes snapshots meanwhile
	lastAck  time.Time
}

func newLoad(cfg loadConfig, to netip.AddrPort, w *webhook, host, feedPath string, tokens []string) (*load, error) {
	r, err := newReactor(to)
	if err != nil {
		return nil, err
	}
	l := &load{
		audience: audience{prefix: []byte(w.contactPrefix()), ledger: newLedger(cfg.total, len(tokens))},
		cfg:      cfg, ack: NewRecorder(), sse: NewRecorder(), segments: newSegments(),
	}
	l.seen = l.shown
	l.sender = newSender(cfg.sendPlan, r, w.build, l.hear)
	l.streams = newStreams(r, host, feedPath, tokens, l.event)
	return l, nil
}

// run carries the plan out. When ctx ends it stops where it is; what was measured stays.
func (l *load) run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	sharpTimers()
	defer l.reactor.close()
	if err := l.streams.open(ctx, time.Now().Add(l.cfg.openTimeout)); err != nil {
		return err
	}
	if err := l.sender.run(ctx, l.keepHouse); err != nil {
		return err
	}
	return l.settle(ctx)
}

// hear takes an answer.
func (l *load) hear(n int64, status int, at time.Time) {
	a := wasFailed
	switch status {
	case 200:
		a = wasAcked
		if n >= l.cfg.warm {
			l.ack.Record(at.Sub(l.due(n)))
			l.lastAck = at
		}
	case 429:
		a = wasRefused
	}
	l.ledger.answered(n, a)
	l.acked.Store(l.ledger.acked)
}

// shown takes a lead's row.
func (l *load) shown(_ int, n int64, at time.Time, data []byte) {
	if n >= l.cfg.warm {
		due := l.due(n)
		l.sse.Record(at.Sub(due))
		l.segments.record(due, readMarks(data), at)
	}
}

// keepHouse gives up on answers that took too long and brings back streams that were closed.
func (l *load) keepHouse(now time.Time) {
	l.giveUp(now)
	l.streams.comeBack(now)
}

// settle waits for the last answers, then for the last events, as long as the plan allows.
func (l *load) settle(ctx context.Context) error {
	var deadline time.Time
	for l.settled < l.sent || l.ledger.lost() > 0 {
		now := time.Now()
		if l.settled == l.sent {
			if deadline.IsZero() {
				deadline = now.Add(l.cfg.drain)
			}
			if now.After(deadline) {
				return nil // what is missing now is lost
			}
		}
		if err := l.reactor.turn(housekeeping); err != nil {
			return err
		}
		l.keepHouse(now)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
