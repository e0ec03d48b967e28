package cluster

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster/clusterpb"
)

// Supervision is one for one: an activation that panics is replaced by a fresh incarnation with the
// same mailbox, and no other notices. The message it panicked on is not tried again; who asked it
// gets an error at once.
//
//	1st panic in a window    a new incarnation at once
//	2nd, 3rd, ...            after 20ms, 40ms, 80ms, ...: an actor that cannot work must not burn a core
//	more than Restarts       the activation is stopped; the next message activates afresh
//	panic in New             stopped at once: what does not start will not start in a millisecond

// failures is the recent past of an activation that has panicked.
type failures struct {
	since time.Time
	count int
	timer *time.Timer
}

// stillbirth marks a panic of the kind's New.
type stillbirth struct{ reason any }

// make calls the kind's New.
func (a *activation) make() (made Actor) {
	defer func() {
		if reason := recover(); reason != nil {
			panic(stillbirth{reason})
		}
	}()
	return a.kind.New(a.identity())
}

func (a *activation) identity() Identity {
	return Identity{Kind: a.kind.Name, ID: a.id, Fence: domain.Fence{Partition: a.part.n, Epoch: a.epoch}}
}

// failed is called on the activation's own goroutine after a panic. msg is the message it happened on;
// nil when it was one of the runtime's.
func (a *activation) failed(reason, msg any) {
	a.kind.panics.Inc()
	if s, ok := reason.(stillbirth); ok {
		a.kind.stillborn.Inc()
		a.r.logPanic(a, "activate", s.reason)
		a.stop(true)
		return
	}
	a.r.logPanic(a, "receive", reason)
	a.r.refuse(msg, refusal(clusterpb.Refusal_REASON_PANICKED, fmt.Sprintf("%s panicked: %v", a.kind.Name, reason)))
	pause, again := a.nextRestart(time.Now())
	if !again {
		a.stop(false)
		return
	}
	a.kind.restarts.Inc()
	if pause == 0 {
		a.restart()
		return
	}
	a.mu.Lock()
	a.broken = true
	a.failures.timer = time.AfterFunc(pause, a.restart)
	a.mu.Unlock()
}

func (a *activation) restart() {
	a.set(&a.broken, true)
	a.PostSystemMessage(&actor.Restart{})
}

// stop ends the activation; those who wait in its mailbox are refused, because its successor would do
// no better with them.
func (a *activation) stop(stillborn bool) {
	a.mu.Lock()
	a.broken, a.finished, a.stillborn = true, true, stillborn
	a.mu.Unlock()
	a.halt()
}

func (a *activation) nextRestart(now time.Time) (pause time.Duration, again bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.failures
	if f == nil || now.Sub(f.since) > a.r.cfg.RestartWindow {
		f = &failures{since: now}
		a.failures = f
	}
	f.count++
	switch {
	case f.count > a.r.cfg.Restarts:
		return 0, false
	case f.count == 1:
		return 0, true
	default:
		return min(20*time.Millisecond<<min(f.count-2, 8), time.Second), true
	}
}

// logPanic tells of a panic, with its stack; not more than a few a second, because an actor that
// panics often says the same each time.
func (r *router) logPanic(a *activation, op string, reason any) {
	if dropped, ok := r.panics.allow(time.Now()); ok {
		r.log.Error("an actor panicked", "op", op, "kind", a.kind.Name, "id", a.id,
			"reason", fmt.Sprint(reason), "stack", string(debug.Stack()), "not_logged_before", dropped)
	}
}
