package actors

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	// replaysEvery is how often those that run are looked at: with domain.ReplayRoom, how fast one goes. replaysIdle is how
	// often they are looked for while none runs, and so how long one waits that another node was asked for.
	replaysEvery = time.Second
	replaysIdle  = 5 * time.Second
	replaysPage  = 100
)

// replays advances the replays of endpoints that are this node's, whoever began them: after a start, after partitions
// moved here, and once a second while one runs. It owes an endpoint only as much as goes out in a while, so that a replay of a million
// neither fills its queue nor is past cancelling.
//
//	Replaying ──▶ fewer than ReplayRoom wait? ──▶ AdvanceReplay, a bite at a time ──▶ knock at the endpoint
//
// It remembers nothing: the cursor is in the store, and moves in the commit that owes.
type replays struct {
	rt    *Runtime
	pulse *pulse
}

func newReplays(rt *Runtime) *replays {
	return &replays{rt, newPulse(rt.deps.Clock, replaysIdle, &rt.looking)}
}

func (r *replays) run(ctx context.Context) { r.pulse.run(ctx, r.pass) }

// pass looks at each that runs, once. When the store is away, the next one looks again.
func (r *replays) pass(ctx context.Context) {
	var partitions []domain.Partition
	for _, f := range r.rt.node.Held() {
		partitions = append(partitions, f.Partition)
	}
	sum := replaySum{}
	for after := int64(0); len(partitions) > 0 && ctx.Err() == nil; {
		page, err := r.rt.deps.Store.Replaying(ctx, partitions, after, replaysPage)
		if err != nil {
			return
		}
		for _, one := range page {
			after = one.N
			one, err := r.advance(ctx, one)
			switch code := domain.CodeOf(err); {
			case err == nil, code == domain.Conflict: // or somebody has ended it meanwhile
			case code == domain.Unavailable:
				return
			case r.rt.unreplayable.first(one.N):
				r.rt.deps.Log.Error("a replay cannot go on", "replay", one.N, "endpoint", one.Key().String(), "error", err)
			}
			sum.add(one)
		}
		if len(page) < replaysPage {
			break
		}
	}
	r.rt.deps.Metrics.replays.looked(sum)
	if r.pulse.period = replaysIdle; sum.running > 0 {
		r.pulse.period = replaysEvery
	}
}

// advance owes as much as there is room for, and tells the endpoint.
func (r *replays) advance(ctx context.Context, one domain.Replaying) (domain.Replaying, error) {
	store, now := r.rt.deps.Store, r.rt.deps.Clock.Now().UTC()
	if r.rt.deps.Book.Directory().Endpoint(one.Key()) == nil { // there is nowhere to send it
		ended, err := store.CancelReplay(ctx, one.Account, one.N, now, domain.AuditEntry{
			At: now, Account: one.Account, Actor: "leadwire", Action: "replay.cancel", Subject: replaySubject(one.N),
			Detail: "the endpoint was removed from the catalog",
		})
		if err == nil {
			one.Replay = ended
		}
		return one, err
	}
	for one.State == domain.ReplayRunning && one.Waiting < domain.ReplayRoom {
		next, err := store.AdvanceReplay(ctx, one.Replay, min(domain.ReplayBite, domain.ReplayRoom-one.Waiting), now)
		if err != nil {
			return one, err
		}
		owed := next.Done - one.Done
		one.Replay, one.Waiting = next, one.Waiting+owed
		if r.rt.deps.Metrics.replays.owed.Add(float64(owed)); owed > 0 {
			r.rt.EndpointChanged(one.Key())
		}
	}
	return one, nil
}

func replaySubject(n int64) string { return fmt.Sprintf("replay %d", n) }

// StartReplay begins a replay, which the node that has the endpoint takes up at once, or within replaysIdle when it is
// another.
func (r *Runtime) StartReplay(ctx context.Context, key domain.EndpointKey, f domain.ReplayFilter, audit domain.AuditEntry) (domain.Replay, error) {
	made, err := r.deps.Store.StartReplay(ctx, domain.Replay{
		Account: key.Account, Endpoint: key.Endpoint, Filter: f, MadeAt: r.deps.Clock.Now().UTC(), By: audit.Actor,
	}, audit)
	if err == nil {
		r.replays.pulse.knock()
	}
	return made, err
}

// CancelReplay ends one: what it has not owed yet, it does not owe.
func (r *Runtime) CancelReplay(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Replay, error) {
	return r.deps.Store.CancelReplay(ctx, account, n, r.deps.Clock.Now().UTC(), audit)
}

// replaySum is what a look at a node's replays comes to.
type replaySum struct{ running, left, fullest int }

func (s *replaySum) add(one domain.Replaying) {
	if one.State == domain.ReplayRunning {
		s.running++
		s.left += max(0, one.Expected-one.Done)
	}
	s.fullest = max(s.fullest, one.Waiting)
}

// replayMetrics are the replays' part of Metrics.
type replayMetrics struct {
	owed                   prometheus.Counter
	running, left, fullest prometheus.Gauge
}

func newReplayMetrics(reg prometheus.Registerer) *replayMetrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "leadwire", Subsystem: "replay", Name: name, Help: help})
	}
	m := &replayMetrics{
		owed: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "leadwire", Subsystem: "replay", Name: "deliveries_total",
			Help: "Deliveries that replays have owed once more."}),
		running: gauge("running", "Replays of this node's endpoints that have not ended."),
		left:    gauge("left_deliveries", "Deliveries that they have still to owe, of those that were counted when they began."),
		fullest: gauge("waiting_deliveries", "Replayed deliveries that wait at one endpoint with a replay, where they are most."),
	}
	limit := gauge("waiting_deliveries_limit", "How many replayed deliveries wait at an endpoint before its replay goes on.")
	limit.Set(domain.ReplayRoom)
	if reg != nil {
		reg.MustRegister(m.owed, m.running, m.left, m.fullest, limit)
	}
	return m
}

func (m *replayMetrics) looked(s replaySum) {
	m.running.Set(float64(s.running))
	m.left.Set(float64(s.left))
	m.fullest.Set(float64(s.fullest))
}
