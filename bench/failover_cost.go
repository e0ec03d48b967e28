package bench

import (
	"context"
	"errors"
	"slices"
	"time"
)

// costConnections are enough for one node to have always something to do, and few enough that nothing is refused.
const costConnections = 256

// cost measures what one node does a second by itself and clustered with itself, in turns on one database. Each pair of
// rounds is compared by itself: what else happens on the machine is much the same to both.
func (r *failoverRun) cost(ctx context.Context) error {
	var pairs [][2]float64
	for i := range r.cfg.Rounds {
		var rates [2]float64
		for k := range rates {
			mode := (i + k) % 2 // who is later finds more in the tables: in turns
			rate, err := r.throughput(ctx, mode == 1)
			if err != nil {
				return err
			}
			r.cfg.Log.Info("measured one node", "pair", i+1, "clustered", mode == 1, "rate", int(rate))
			rates[mode] = rate
		}
		pairs = append(pairs, rates)
	}
	tellCost(r.report, pairs)
	return nil
}

// tellCost reports pairs of rates: of a node by itself, and of one clustered with itself.
func tellCost(r *Report, pairs [][2]float64) {
	var single, clustered, costs []float64
	for _, p := range pairs {
		single, clustered = append(single, p[0]), append(clustered, p[1])
		if p[0] > 0 {
			costs = append(costs, 1-p[1]/p[0])
		}
	}
	for name, all := range map[string][]float64{"single.throughput": single, "clustered.throughput": clustered, "cluster.cost": costs} {
		if slices.Sort(all); len(all) > 0 {
			r.set(name, all[len(all)/2])
		}
	}
}

// throughput is how many webhooks one node acks a second when there are always more.
func (r *failoverRun) throughput(ctx context.Context, clustered bool) (rate float64, err error) {
	cfg := r.cfg.Server
	if clustered {
		ports, err := freeAddresses(3)
		if err != nil {
			return 0, err
		}
		cfg.Args = append(clusterArgs(ports, ports[1].String(), newSecret()), cfg.Args...)
	}
	run := newRun()
	server, err := startServer(ctx, cfg, run, r.cfg.Buyers)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.stop(ctx)) }()
	return saturate(ctx, server.Target, run, costWarmup, r.cfg.Round)
}

// atOnce is a plan in which everything is due: whoever carries it out sends as fast as there are answers.
type atOnce struct{}

// Due is when request n is due.
func (atOnce) Due(int64) time.Duration { return 0 }

// The first part is not counted: caches fill, connections open.
const costWarmup = 2 * time.Second

// mostCost bounds what one round can send: more than two cores can do.
const mostCost = 50_000

// saturate counts the webhooks acked a second.
func saturate(ctx context.Context, target Target, run string, warm, over time.Duration) (float64, error) {
	to, host, err := target.address(ctx)
	if err != nil {
		return 0, err
	}
	reactor, err := newReactor(to)
	if err != nil {
		return 0, err
	}
	w := newWebhook(run, host, "/leads/webhook/"+target.Source, target.Location, stamped(time.Now()), target.Key)
	acked := 0
	plan := sendPlan{pacer: atOnce{}, total: int64((costWarmup + over).Seconds() * mostCost), maxConns: costConnections, patience: costPatience}
	var s sender
	s = newSender(plan, reactor, w.build, func(_ int64, status int, at time.Time) {
		if took := at.Sub(s.start); status == 200 && took >= warm && took < warm+over {
			acked++
		}
	})
	err = s.carryOut(ctx, func(now time.Time) {
		s.giveUp(now)
		if now.Sub(s.start) >= warm+over {
			s.plan.total = s.sent
		}
	})
	return float64(acked) / over.Seconds(), err
}

const costPatience = 10 * time.Second
