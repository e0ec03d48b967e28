package bench

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// stuckAfter is when a moved actor that has not answered is given up on.
const stuckAfter = time.Minute

// recoveries are what became of all kills.
type recoveries struct {
	each          []time.Duration // of each kill, until the last actor had answered
	leads, buyers *Recorder
	stuck         int
}

func newRecoveries() *recoveries {
	return &recoveries{leads: NewRecorder(), buyers: NewRecorder()}
}

func (r *recoveries) add(s *strike, now time.Time) {
	r.each = append(r.each, s.recovery(now))
	for _, took := range s.took.leads {
		r.leads.Record(took)
	}
	for _, took := range s.took.buyers {
		r.buyers.Record(took)
	}
	r.stuck += len(s.leads) + len(s.buyers)
}

func (r *recoveries) tell(report *Report) {
	report.set("kills", float64(len(r.each)))
	report.set("moved", float64(r.leads.Count()+r.buyers.Count())+float64(r.stuck))
	report.set("stuck", float64(r.stuck))
	if len(r.each) > 0 {
		report.setDuration("recovery.p50", middle(r.each))
		report.setDuration("recovery.max", slices.Max(r.each))
	}
	report.setLatency("recovery.leads", r.leads)
	report.setLatency("recovery.buyers", r.buyers)
}

// kills kills one node after the other, each when the one before it is back.
func (r *failoverRun) kills(ctx context.Context) error {
	r.load.ask(func() { r.load.begin() })
	seen := newRecoveries()
	defer func() { seen.tell(r.report) }()
	for i, b := range planBlows(r.cfg.Seed, len(r.fleet.nodes), r.cfg.Kills) {
		if err := r.untilSettled(ctx); err != nil {
			return err
		}
		if err := until(ctx, time.Now().Add(b.after)); err != nil {
			return err
		}
		s, err := r.kill(ctx, b.node)
		if err != nil {
			return err
		}
		now := time.Now()
		r.load.ask(func() { seen.add(s, now) })
		r.cfg.Log.Info("killed", "kill", i+1, "node", b.node+1, "moved", len(s.took.leads)+len(s.took.buyers), "recovery", s.recovery(now).Round(time.Millisecond))
		if err := r.fleet.nodes[b.node].again(ctx); err != nil {
			return err
		}
	}
	return r.untilSettled(ctx)
}

// kill kills a node, and waits until the actors that it had have answered.
func (r *failoverRun) kill(ctx context.Context, node int) (*strike, error) {
	victim := r.fleet.nodes[node]
	owners, err := r.place.Owners(ctx)
	if err != nil {
		return nil, err
	}
	held := map[domain.Partition]bool{}
	for p, owner := range owners {
		held[domain.Partition(p)] = owner == victim.id
	}
	buyers := make([]domain.Partition, len(r.fleet.Tokens))
	for i := range buyers {
		buyers[i] = r.place.Buyer(domain.BuyerKey{Account: r.fleet.account, Buyer: buyerID(i)})
	}
	var s *strike
	r.load.ask(func() {
		s = r.load.aim(node, held, buyers)
		err = r.load.hit(node, s, victim.kill)
	})
	if s == nil { // the load is over
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	<-victim.exited
	timer := time.NewTimer(stuckAfter)
	defer timer.Stop()
	select {
	case <-s.done:
	case <-timer.C:
		r.load.ask(func() {
			r.cfg.Log.Warn("given up on actors that have not answered", "leads", s.silentLeads(), "buyers", slices.Sorted(maps.Keys(s.buyers)))
		})
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s, nil
}
