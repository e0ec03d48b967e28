package bench

import (
	"context"
	"time"
)

// rolling measures a calm, and then stops and starts every node, one after the other.
func (r *failoverRun) rolling(ctx context.Context) error {
	var calm, rolling, after *phase
	r.cfg.Log.Info("measuring, nothing happens", "duration", r.cfg.Calm)
	r.load.ask(func() { calm = r.load.begin() })
	if err := until(ctx, time.Now().Add(r.cfg.Calm)); err != nil {
		return err
	}
	r.load.ask(func() { rolling = r.load.begin() })
	began := time.Now()
	for i, n := range r.fleet.nodes {
		r.cfg.Log.Info("measuring, a node is restarted", "node", i+1)
		if err := n.leave(); err != nil {
			return err
		}
		if err := n.again(ctx); err != nil {
			return err
		}
		if err := r.untilSettled(ctx); err != nil {
			return err
		}
	}
	r.report.setDuration("rolling.seconds", time.Since(began))
	r.load.ask(func() { after = r.load.begin() })
	if calm == nil || rolling == nil || after == nil {
		return ctx.Err() // the load is over
	}
	r.calm, r.rolled = calm, rolling
	return nil
}

// tellRolling reports it, when every answer is there.
func (r *failoverRun) tellRolling() {
	if r.rolled == nil {
		return
	}
	r.report.set("rolling.failed", float64(r.rolled.failed))
	r.report.set("rolling.retried", float64(r.rolled.retried))
	r.report.setLatency("rolling.ack", r.rolled.ack)
	r.report.setLatency("calm.sse", r.calm.steady)
	r.report.setLatency("rolling.sse", r.rolled.steady)
	r.report.setLatency("rolling.sse_all", r.rolled.all)
	ratio := func(name string, of, to *Recorder) {
		if of.Count() > 0 && to.Count() > 0 {
			r.report.set(name, of.Quantile(0.95).Seconds()/to.Quantile(0.95).Seconds())
		}
	}
	ratio("rolling.p95_ratio", r.rolled.steady, r.calm.steady)
	ratio("rolling.p95_ratio_all", r.rolled.all, r.calm.all)
}
